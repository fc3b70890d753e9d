"""What is a seat, and which kinds of seats are on offer?"""

from datetime import datetime

import strawberry

from billing import plans
from billing.roles import Permission
from models import releases
from models import seats as rows
from models.organizations import Organization
from schema.access import field
from schema.context import Context, Info
from services.terms import Terms


@strawberry.type(description="A kind of seat on offer.")
class SeatTier:
    key: str = strawberry.field(description="The stable name by which commands give the tier.")
    name: str = strawberry.field(description="The name people read.")
    includes: list[str] = strawberry.field(description="The keys of the tiers whose features this one has as well.")

    @classmethod
    def of(cls, tier: plans.SeatTier, locale: str) -> "SeatTier":
        """Return a tier of a plan, named in the organization's language."""
        return cls(key=tier.key, name=plans.text(tier.name, locale), includes=list(tier.includes))


@strawberry.type(
    description="The seat a member asked for, and will hold when the one that is paid for is used up, by the plan's "
    "policy NEXT_PERIOD."
)
class PendingSeat:
    begins_at: datetime = strawberry.field(description="When it takes over.")
    requested_at: datetime = strawberry.field(description="When it was asked for.")
    role: str = strawberry.field(description="The key of the role it goes with.")
    tier: SeatTier | None = strawberry.field(description="The kind of seat, null where the seat is of no kind.")
    add_ons: list[str] = strawberry.field(description="The keys of the add-ons of the seat.")
    billable: bool = strawberry.field(description="Whether the seat will be paid for.")


@strawberry.type(description="The seat a member holds now.")
class Seat:
    tier: SeatTier | None = strawberry.field(description="The kind of seat, null where the seat is of no kind.")
    add_ons: list[str] = strawberry.field(description="The keys of the add-ons of the seat.")
    billable: bool = strawberry.field(description="Whether the seat is paid for.")
    since: datetime = strawberry.field(description="Since when the member holds this very seat.")
    pending: PendingSeat | None = strawberry.field(description="The seat that takes over later; null where none does.")

    @classmethod
    async def load(cls, context: Context, owner: Organization, member_id: str) -> "Seat | None":
        """Return the seat of a member, or None for one who holds none."""
        row = await context.loaders.seat.load((owner.organization_id, member_id))
        if row is None:
            return None
        waiting = await context.loaders.pending_seat.load((owner.organization_id, member_id))
        has_tier = row.tier or (waiting is not None and waiting.tier)
        terms = await context.loaders.in_force.load(owner.organization_id) if has_tier else None
        return cls(
            tier=_tier(row, terms, owner.locale),
            add_ons=list(row.add_ons),
            billable=bool(row.billable),
            since=row.starts_at,
            pending=PendingSeat(
                begins_at=waiting.due_at,
                requested_at=waiting.requested_at,
                role=waiting.role,
                tier=_tier(waiting, terms, owner.locale),
                add_ons=list(waiting.add_ons),
                billable=bool(waiting.billable),
            )
            if waiting
            else None,
        )


@strawberry.type
class SeatsOfOrganization:
    """The part of an organization that is about the seats it can give."""

    owner: strawberry.Private[Organization]

    @field(description="The kinds of seats the plan offers.", requires=Permission.ORGANIZATION_READ)
    async def seat_tiers(self, info: Info) -> list[SeatTier]:
        terms = await info.context.loaders.in_force.load(self.owner.organization_id)
        return [SeatTier.of(tier, self.owner.locale) for tier in terms.plan.tiers] if terms else []


def _tier(row: rows.SeatInterval | releases.SeatRelease, terms: Terms | None, locale: str) -> SeatTier | None:
    """Return the kind of a seat; one that the plan no longer offers is known by its key alone."""
    if row.tier is None:
        return None
    offered = [tier for tier in terms.plan.tiers if tier.key == row.tier] if terms else []
    return SeatTier.of(offered[0], locale) if offered else SeatTier(key=row.tier, name=row.tier, includes=[])
