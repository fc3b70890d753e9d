"""Report usage, and learn event by event what became of it."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import cast, overload

import strawberry

from models.limits import SpendLimit
from models.organizations import Organization
from resolvers.commands import Payload, mutation, owner_of
from resolvers.plain_usage import PlainEvents
from resolvers.usage_inputs import RecordUsageInput, UsageEventInput
from schema import ids, inputs
from schema.context import Context, Info
from schema.enums import mirror
from schema.ids import Kind
from schema.inputs import Input, InvalidInput
from schema.limits import SpendLimitReached
from schema.money import Money
from schema.user_errors import UserError, user_error
from services import usage
from services.outcomes import RefusalCode, Refused


class UsageEventStatus(StrEnum):
    """What became of an event."""

    RECORDED = "RECORDED"
    DUPLICATE = "DUPLICATE"
    REFUSED = "REFUSED"


mirror(
    UsageEventStatus,
    description="What became of a usage event.",
    RECORDED="It is kept and counted.",
    DUPLICATE="It was recorded before, and counts once.",
    REFUSED="It was not counted; the user error at its place says why.",
)


@strawberry.type(description="What became of one event.")
class UsageEventResult:
    event_id: str = strawberry.field(description="The source's own id of the event.")
    status: UsageEventStatus = strawberry.field(description="What became of it.")
    usage_id: strawberry.ID | None = strawberry.field(default=None, description="Our id of it; null when refused.")
    cost: Money | None = strawberry.field(default=None, description="What it costs, exact; null where it has no price.")
    over_limit: bool = strawberry.field(
        default=False, description="Whether it was kept although it broke a spend limit, as `overage: RECORD` asks."
    )


@strawberry.type(description="What reporting usage answers.")
class RecordUsagePayload(Payload):
    results: list[UsageEventResult] = strawberry.field(
        default_factory=list, description="What became of each event, in the order given."
    )


@strawberry.type
class UsageMutations:
    """What clients do about usage."""

    @mutation(
        usage.record,
        RecordUsagePayload,
        description="Report usage. Each event is rated and decided on its own; one that would break a spend limit is "
        "refused, and the others are kept.",
    )
    async def record_usage(self, info: Info, given: Input[RecordUsageInput]) -> RecordUsagePayload:
        organization_id = inputs.organization_id(given.organization_id)
        if len(given.events) > usage.EVENTS_MAX:
            message = f"{len(given.events)} events: give 1 to {usage.EVENTS_MAX}"
            raise InvalidInput(RefusalCode.INPUT_INVALID, message, ("events",))
        events = cast(Sequence[UsageEventInput], given.events)  # a list, or what was read in one pass
        facts = (
            events.facts(organization_id)
            if isinstance(events, PlainEvents)
            else tuple(each.fact(organization_id, "events", str(index)) for index, each in enumerate(events))
        )
        command = usage.Record(organization_id, given.idempotency_key, facts, given.overage)
        match await info.context.execute(usage.record, command):
            case Refused() as refused:
                return RecordUsagePayload.refused(refused)
            case usage.Recorded(outcomes):
                owner = await owner_of(info.context, organization_id)
                limits = await limits_behind(info.context, owner, outcomes)
                return RecordUsagePayload(
                    results=cast(list[UsageEventResult], Results(outcomes, owner)),
                    user_errors=[
                        error
                        for index, outcome in enumerate(outcomes)
                        if isinstance(outcome, usage.EventBlocked | usage.EventRefused)
                        for error in [_error(outcome, events[index], owner, limits, ("events", str(index)))]
                    ],
                )


class Results(Sequence[UsageEventResult]):
    """What became of events; a result is made an object of the graph only where somebody asks for it."""

    __slots__ = ("outcomes", "owner")

    def __init__(self, outcomes: Sequence[usage.EventOutcome], owner: Organization) -> None:
        self.outcomes, self.owner = outcomes, owner

    @overload
    def __getitem__(self, place: int) -> UsageEventResult: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[UsageEventResult]: ...
    def __getitem__(self, place: int | slice) -> UsageEventResult | Sequence[UsageEventResult]:
        if isinstance(place, slice):
            return [_result(outcome, self.owner) for outcome in self.outcomes[place]]
        return _result(self.outcomes[place], self.owner)

    def __len__(self) -> int:
        return len(self.outcomes)


async def limits_behind(context: Context, owner: Organization, outcomes: Iterable[object]) -> Mapping[str, SpendLimit]:
    """Return the limits that refused something, by id."""
    named = sorted({outcome.limit_id for outcome in outcomes if isinstance(outcome, usage.EventBlocked)})
    found = await context.loaders.limit.load_many([(owner.organization_id, limit_id) for limit_id in named])
    return {row.id: row for row in found if row is not None}


def _result(outcome: usage.EventOutcome, owner: Organization) -> UsageEventResult:
    match outcome:
        case usage.EventRecorded(event_id, usage_id, cost_nanos, over_limit):
            return UsageEventResult(
                event_id=event_id,
                status=UsageEventStatus.RECORDED,
                usage_id=ids.text(Kind.USAGE_EVENT, owner.organization_id, usage_id),
                cost=Money.of_nanos(cost_nanos, owner.currency, owner.locale),
                over_limit=over_limit,
            )
        case usage.EventRepeated(event_id, usage_id, cost_nanos):
            return UsageEventResult(
                event_id=event_id,
                status=UsageEventStatus.DUPLICATE,
                usage_id=ids.text(Kind.USAGE_EVENT, owner.organization_id, usage_id),
                cost=Money.of_nanos(cost_nanos, owner.currency, owner.locale),
            )
        case usage.EventBlocked(event_id=event_id, cost_nanos=cost_nanos):
            cost = Money.of_nanos(cost_nanos, owner.currency, owner.locale)
            return UsageEventResult(event_id=event_id, status=UsageEventStatus.REFUSED, cost=cost)
        case usage.EventRefused(event_id=event_id):
            return UsageEventResult(event_id=event_id, status=UsageEventStatus.REFUSED)


def _error(
    outcome: usage.EventBlocked | usage.EventRefused,
    event: UsageEventInput,
    owner: Organization,
    limits: Mapping[str, SpendLimit],
    path: tuple[str, ...],
) -> UserError:
    match outcome:
        case usage.EventBlocked(limit_id=limit_id):
            return SpendLimitReached.blocked(outcome, limits[limit_id], owner, path)
        case usage.EventRefused(code=code, message=message, field=field):
            return user_error(Refused(code, message, event.blamed(field)), under=path)
