"""How is it shown what became of reservations: of one, or of each entry of a batch?"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, TypeVar

import strawberry

from models.organizations import Organization
from resolvers.commands import Payload, owner_of
from resolvers.member_names import MemberName
from resolvers.reservation_inputs import ReservationName
from resolvers.usage import limits_behind
from schema.context import Context
from schema.enums import mirror
from schema.limits import SpendLimitReached
from schema.reservations import Reservation
from schema.user_errors import UserError, user_error
from services import reservation_facts as facts
from services.outcomes import Refused
from services.usage_facts import EventBlocked, EventRefused

Outcome = facts.AskOutcome | facts.SettleOutcome | facts.ReleaseOutcome
Answer = facts.ReserveAnswer | facts.SettleAnswer | facts.ReleaseAnswer


class ReservationOutcome(StrEnum):
    """What became of one entry of a batch."""

    DONE = "DONE"
    DUPLICATE = "DUPLICATE"
    REFUSED = "REFUSED"


mirror(
    ReservationOutcome,
    description="What became of one entry of a batch.",
    DONE="It happened.",
    DUPLICATE="It had happened before, and happened once.",
    REFUSED="It had no effect; the user error at its place says why.",
)


@strawberry.type(description="What became of one entry of a batch.")
class ReservationResult:
    external_id: str = strawberry.field(description="The caller's own id of the reservation, or how it was named.")
    outcome: ReservationOutcome = strawberry.field(description="What became of it.")
    reservation: Reservation | None = strawberry.field(description="The reservation as it is now; null when refused.")


@strawberry.type
class ReservationPayload(Payload):
    """What a command about one reservation answers."""

    outcome: ReservationOutcome = strawberry.field(
        default=ReservationOutcome.REFUSED, description="What became of the command."
    )
    reservation: Reservation | None = strawberry.field(
        default=None, description="The reservation as it is now; null when refused."
    )


@strawberry.type
class ReservationsPayload(Payload):
    """What a batch answers."""

    results: list[ReservationResult] = strawberry.field(
        default_factory=list, description="What became of each entry, in the order given."
    )


@strawberry.type(description="What reserving spend answers.")
class ReserveSpendPayload(ReservationPayload):
    pass


@strawberry.type(description="What reserving a batch answers.")
class ReserveSpendBatchPayload(ReservationsPayload):
    pass


@strawberry.type(description="What settling a reservation answers.")
class SettleReservationPayload(ReservationPayload):
    pass


@strawberry.type(description="What settling a batch answers.")
class SettleReservationsPayload(ReservationsPayload):
    pass


@strawberry.type(description="What giving up a reservation answers.")
class ReleaseReservationPayload(ReservationPayload):
    pass


@strawberry.type(description="What giving up a batch answers.")
class ReleaseReservationsPayload(ReservationsPayload):
    pass


One = TypeVar("One", bound=ReservationPayload)
Many = TypeVar("Many", bound=ReservationsPayload)


async def one(payload: type[One], context: Context, organization_id: str, answer: Answer | Refused, given: Any) -> One:
    """Return the payload of a command about one reservation."""
    if isinstance(answer, Refused):
        return payload.refused(answer)
    owner = await owner_of(context, organization_id)
    ((result, error),) = await _shown(context, owner, answer.outcomes, [(given, ())])
    return payload(outcome=result.outcome, reservation=result.reservation, user_errors=[error] if error else [])


async def many(
    payload: type[Many],
    context: Context,
    organization_id: str,
    answer: Answer | Refused,
    given: Sequence[Any],
    field: str,
) -> Many:
    """Return the payload of a batch; `field` is where its entries are in the input."""
    if isinstance(answer, Refused):
        return payload.refused(answer)
    owner = await owner_of(context, organization_id)
    places = [(each, (field, str(index))) for index, each in enumerate(given)]
    shown = await _shown(context, owner, answer.outcomes, places)
    return payload(
        results=[result for result, _ in shown], user_errors=[error for _, error in shown if error is not None]
    )


async def _shown(
    context: Context, owner: Organization, outcomes: Sequence[Outcome], places: Iterable[tuple[Any, tuple[str, ...]]]
) -> list[tuple[ReservationResult, UserError | None]]:
    limits = await limits_behind(context, owner, outcomes)
    keys = [
        (owner.organization_id, outcome.reservation_id)
        for outcome in outcomes
        if isinstance(outcome, facts.Reserved | facts.Settled | facts.Released)
    ]
    found = {row.id: row for row in await context.loaders.reservation.load_many(keys) if row is not None}
    at = context.at(owner)

    def result(outcome: Outcome) -> ReservationResult:
        if isinstance(outcome, EventBlocked | EventRefused):
            return ReservationResult(external_id=outcome.event_id, outcome=ReservationOutcome.REFUSED, reservation=None)
        done = ReservationOutcome.DUPLICATE if outcome.repeated else ReservationOutcome.DONE
        reservation = Reservation.of(owner, at, found[outcome.reservation_id])
        return ReservationResult(external_id=outcome.external_id, outcome=done, reservation=reservation)

    return [
        (result(outcome), _error(outcome, given, owner, limits, path))
        for outcome, (given, path) in zip(outcomes, places, strict=True)
    ]


def _error(outcome: Outcome, given: Any, owner: Organization, limits: Any, path: tuple[str, ...]) -> UserError | None:
    match outcome:
        case EventBlocked(limit_id=limit_id):
            return SpendLimitReached.blocked(outcome, limits[limit_id], owner, path)
        case EventRefused(code=code, message=message, field=field):
            named = given.blamed(field) if isinstance(given, MemberName | ReservationName) else field
            return user_error(Refused(code, message, named), under=path)
        case _:
            return None
