"""Set and lift spend limits: owners only, among the built-in roles."""

import strawberry

from billing.limits import THRESHOLDS, SpendLevel, TierScope
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
    tier: str | None = strawberry.field(default=None, description="The key of the seat tier, at the level SEAT_TIER.")
    member_id: strawberry.ID | None = strawberry.field(default=None, description="The member, at the level MEMBER.")
    scope: TierScope | None = strawberry.field(
        default=None, description="At the level SEAT_TIER, what the limit means: PER_MEMBER if left out."
    )

    def subject(self, organization_id: str) -> str | None:
        """Return whom the limit is for; raise `InvalidInput` for one that does not fit the level."""
        if self.tier is not None and self.level is not SpendLevel.SEAT_TIER:
            raise _misplaced("tier", SpendLevel.SEAT_TIER)
        if self.member_id is not None and self.level is not SpendLevel.MEMBER:
            raise _misplaced("memberId", SpendLevel.MEMBER)
        match self.level:
            case SpendLevel.ORGANIZATION:
                return None
            case SpendLevel.SEAT_TIER:
                if self.tier is None:
                    raise _missing("tier", self.level)
                return self.tier
            case SpendLevel.MEMBER:
                if self.member_id is None:
                    raise _missing("memberId", self.level)
                return inputs.key(self.member_id, Kind.MEMBER, organization_id, "memberId")


@strawberry.input(description="A monthly cap on spend at one level.")
class SetSpendLimitInput(LimitPlace):
    amount: MoneyInput = strawberry.field(description="What may be spent in a month, in the organization's currency.")
    thresholds: list[int] = strawberry.field(
        default_factory=lambda: list(THRESHOLDS),
        description="At how many percent of the cap alerts are raised: 1 to 100, rising, at most 20.",
    )


@strawberry.input(description="A cap to be lifted.")
class ClearSpendLimitInput(LimitPlace):
    pass


@strawberry.type(description="What setting a spend limit answers.")
class SetSpendLimitPayload(Payload):
    limit: SpendLimit | None = strawberry.field(default=None, description="The limit, in force from now on.")
    previous_cap: Money | None = strawberry.field(
        default=None, description="The cap it takes the place of; null where there was none."
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
        description="Put a monthly cap in force at this instant. What is spent already stays spent.",
    )
    async def set_spend_limit(self, info: Info, given: Input[SetSpendLimitInput]) -> SetSpendLimitPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = limits.SetLimit(
            organization_id=organization_id,
            idempotency_key=given.idempotency_key,
            level=given.level,
            subject=given.subject(organization_id),
            scope=given.scope,
            cap=given.amount.read("amount"),
            thresholds=tuple(given.thresholds),
        )
        match await info.context.execute(limits.set_limit, command):
            case Refused() as refused:
                return SetSpendLimitPayload.refused(refused)
            case limits.LimitSet(limit_id=limit_id, previous_cap=previous):
                limit = await _limit(info.context, organization_id, limit_id)
                previous_cap = Money.of(previous, limit.owner.locale) if previous else None
                return SetSpendLimitPayload(limit=limit, previous_cap=previous_cap)

    @mutation(
        limits.clear_limit,
        ClearSpendLimitPayload,
        description="Lift a cap at this instant. The limits of the other levels still hold.",
    )
    async def clear_spend_limit(self, info: Info, given: Input[ClearSpendLimitInput]) -> ClearSpendLimitPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = limits.ClearLimit(
            organization_id, given.idempotency_key, given.level, given.subject(organization_id), given.scope
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
