"""Set and lift spend limits: owners only, among the built-in roles."""

import strawberry

from billing import money
from billing.alert_marks import MARKS_MAX, REPEAT_PERCENT_MAX
from billing.limits import LimitKind, Override, SpendLevel, TierScope
from billing.windows import Interval
from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.context import Context, Info
from schema.ids import Kind
from schema.inputs import Input, InvalidInput
from schema.limits import SpendLimit
from schema.money import Money, MoneyInput
from services import limits
from services.outcomes import RefusalCode, Refused


@strawberry.input
class LimitPlace(Command):
    """Which limit a command is about."""

    level: SpendLevel = strawberry.field(description="Whose spend is capped.")
    group_id: strawberry.ID | None = strawberry.field(default=None, description="The group, at the level GROUP.")
    tier: str | None = strawberry.field(default=None, description="The key of the seat tier, at the level SEAT_TIER.")
    member_id: strawberry.ID | None = strawberry.field(default=None, description="The member, at the level MEMBER.")
    scope: TierScope | None = strawberry.field(
        default=None, description="At the level SEAT_TIER, what the limit means: PER_MEMBER if left out."
    )
    interval: Interval = strawberry.field(
        default=Interval.MONTH,
        description="After how long its spend starts again from zero. Each interval has a limit of its own.",
    )

    def subject(self, organization_id: str) -> str | None:
        """Return whom the limit is for; raise `InvalidInput` for one that does not fit the level."""
        if self.group_id is not None and self.level is not SpendLevel.GROUP:
            raise _misplaced("groupId", SpendLevel.GROUP)
        if self.tier is not None and self.level is not SpendLevel.SEAT_TIER:
            raise _misplaced("tier", SpendLevel.SEAT_TIER)
        if self.member_id is not None and self.level is not SpendLevel.MEMBER:
            raise _misplaced("memberId", SpendLevel.MEMBER)
        match self.level:
            case SpendLevel.ORGANIZATION:
                return None
            case SpendLevel.GROUP:
                if self.group_id is None:
                    raise _missing("groupId", self.level)
                return inputs.key(self.group_id, Kind.GROUP, organization_id, "groupId")
            case SpendLevel.SEAT_TIER:
                if self.tier is None:
                    raise _missing("tier", self.level)
                return self.tier
            case SpendLevel.MEMBER:
                if self.member_id is None:
                    raise _missing("memberId", self.level)
                return inputs.key(self.member_id, Kind.MEMBER, organization_id, "memberId")


@strawberry.input(description="A step by which alerts repeat beyond the last threshold: give one of the two.")
class ThresholdStepInput:
    percent: int | None = strawberry.field(
        default=None, description=f"Again at every further so many percent of the limit: 1 to {REPEAT_PERCENT_MAX}."
    )
    amount: MoneyInput | None = strawberry.field(default=None, description="Again at every further amount.")


@strawberry.input(description="A limit on spend at one level: an amount, or the word that there is none.")
class SetSpendLimitInput(LimitPlace):
    amount: MoneyInput | None = strawberry.field(
        default=None, description="What may be spent in the interval, in the organization's currency."
    )
    unlimited: bool = strawberry.field(
        default=False,
        description="Instead of an amount: nothing is limited here. A member without a limit inherits; one with this "
        "does not.",
    )
    kind: LimitKind = strawberry.field(default=LimitKind.HARD, description="What it does when it is reached.")
    override: Override | None = strawberry.field(
        default=None,
        description="At the level MEMBER, how it stands to what the seat tier allows each member in the same interval: "
        "left out, an amount holds WITHIN it and `unlimited` stands INSTEAD of it.",
    )
    thresholds: list[int] | None = strawberry.field(
        default=None,
        description="At how many percent of the cap alerts are raised: 1 to 100, rising. Left out: 75, 90 and 100, "
        f"where there is a cap. With `amountThresholds` at most {MARKS_MAX}.",
    )
    amount_thresholds: list[MoneyInput] = strawberry.field(
        default_factory=list, description="At which amounts alerts are raised, rising."
    )
    repeat_every: ThresholdStepInput | None = strawberry.field(
        default=None,
        description="By which step alerts repeat: percents from the last percent on, amounts from the last amount.",
    )

    def cap(self) -> money.Money | None:
        """Return the cap; raise `InvalidInput` unless it is given in exactly one of the two ways."""
        if (self.amount is None) is not self.unlimited:
            message = "give either an amount or unlimited"
            raise InvalidInput(RefusalCode.INPUT_INVALID, message, ("amount",))
        return self.amount.read("amount") if self.amount else None

    def command(self) -> limits.SetLimit:
        """Return the command that the input asks for."""
        organization_id = inputs.organization_id(self.organization_id)
        step = self.repeat_every or ThresholdStepInput()
        if self.repeat_every is not None and (step.percent is None) is (step.amount is None):
            message = "give either a percent or an amount to repeat by"
            raise InvalidInput(RefusalCode.INPUT_INVALID, message, ("repeatEvery",))
        return limits.SetLimit(
            organization_id=organization_id,
            idempotency_key=self.idempotency_key,
            level=self.level,
            subject=self.subject(organization_id),
            scope=self.scope,
            cap=self.cap(),
            thresholds=None if self.thresholds is None else tuple(self.thresholds),
            amount_thresholds=tuple(
                amount.read("amountThresholds", str(index)) for index, amount in enumerate(self.amount_thresholds)
            ),
            repeat_percent=step.percent,
            repeat_amount=step.amount.read("repeatEvery", "amount") if step.amount else None,
            kind=self.kind,
            interval=self.interval,
            override=self.override,
        )


@strawberry.input(description="A limit to be lifted.")
class ClearSpendLimitInput(LimitPlace):
    pass


@strawberry.type(description="What setting a spend limit answers.")
class SetSpendLimitPayload(Payload):
    limit: SpendLimit | None = strawberry.field(default=None, description="The limit, in force from now on.")
    previous_cap: Money | None = strawberry.field(
        default=None, description="The cap it takes the place of; null where there was no limit, or one without a cap."
    )


@strawberry.type(description="What lifting a spend limit answers.")
class ClearSpendLimitPayload(Payload):
    limit: SpendLimit | None = strawberry.field(default=None, description="The limit that is no longer in force.")


@strawberry.type
class LimitMutations:
    """What clients do to spend limits."""

    @mutation(
        limits.set_limit,
        SetSpendLimitPayload,
        description="Put a limit in force at this instant. What is spent already stays spent.",
    )
    async def set_spend_limit(self, info: Info, given: Input[SetSpendLimitInput]) -> SetSpendLimitPayload:
        command = given.command()
        match await info.context.execute(limits.set_limit, command):
            case Refused() as refused:
                return SetSpendLimitPayload.refused(refused)
            case limits.LimitSet(limit_id=limit_id, previous_cap=previous):
                limit = await _limit(info.context, command.organization_id, limit_id)
                previous_cap = Money.of(previous, limit.owner.locale) if previous else None
                return SetSpendLimitPayload(limit=limit, previous_cap=previous_cap)

    @mutation(
        limits.clear_limit,
        ClearSpendLimitPayload,
        description="Lift a limit at this instant. Those of the other levels and intervals still hold.",
    )
    async def clear_spend_limit(self, info: Info, given: Input[ClearSpendLimitInput]) -> ClearSpendLimitPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = limits.ClearLimit(
            organization_id,
            given.idempotency_key,
            given.level,
            given.subject(organization_id),
            given.scope,
            given.interval,
        )
        match await info.context.execute(limits.clear_limit, command):
            case Refused() as refused:
                return ClearSpendLimitPayload.refused(refused)
            case limits.LimitCleared(limit_id):
                return ClearSpendLimitPayload(limit=await _limit(info.context, organization_id, limit_id))


async def _limit(context: Context, organization_id: str, limit_id: str) -> SpendLimit:
    owner = await owner_of(context, organization_id)
    row = await context.loaders.limit.load((organization_id, limit_id))
    assert row is not None, "limits are history and never removed"
    return SpendLimit.of(owner, row)


def _misplaced(field: str, level: SpendLevel) -> InvalidInput:
    return InvalidInput(RefusalCode.INPUT_INVALID, f"{field} belongs to a limit at the level {level}", (field,))


def _missing(field: str, level: SpendLevel) -> InvalidInput:
    return InvalidInput(RefusalCode.INPUT_INVALID, f"a limit at the level {level} needs {field}", (field,))
