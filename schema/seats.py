"""What is a seat, and which kinds of seats are on offer?"""

from datetime import datetime

import strawberry

from billing import plans
from billing.roles import Permission
from models import releases
from models import seats as rows
from models.organizations import Organization
from schema.access import field
from schema.columns import column
from schema.context import Context, Info
from schema.loaded import loaded


@strawberry.type(description="A kind of seat on offer.")
class SeatTier:
    key: str = strawberry.field(description="The stable name by which commands give the tier.")
    locale: strawberry.Private[str]
    organization_id: strawberry.Private[str]
    offered: strawberry.Private[plans.SeatTier | None] = None
    """The tier of a plan, where it is known already."""

    @field(description="The name people read; the key, for a tier that the plan no longer offers.", requires=None)
    async def name(self, info: Info) -> str:
        offered = await self._offered(info.context)
        return plans.text(offered.name, self.locale) if offered else self.key

    @field(description="The keys of the tiers whose features this one has as well.", requires=None)
    async def includes(self, info: Info) -> list[str]:
        offered = await self._offered(info.context)
        return list(offered.includes) if offered else []

    async def _offered(self, context: Context) -> plans.SeatTier | None:
        if self.offered is not None:
            return self.offered
        terms = await context.loaders.in_force.load(self.organization_id)
        return next((tier for tier in terms.plan.tiers if tier.key == self.key), None) if terms else None

    @classmethod
    def of(cls, tier: plans.SeatTier, locale: str) -> "SeatTier":
        """Return a tier of a plan, named in a language."""
        return cls(key=tier.key, locale=locale, organization_id="", offered=tier)


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

    @classmethod
    def of(cls, row: releases.SeatRelease, owner: Organization) -> "PendingSeat":
        """Return the seat in a row."""
        return cls(
            begins_at=row.due_at,
            requested_at=row.requested_at,
            role=row.role,
            tier=_tier(row, owner),
            add_ons=list(row.add_ons),
            billable=bool(row.billable),
        )


@strawberry.type(description="The seat a member holds now.")
class Seat:
    add_ons: list[str] = column("add_ons", description="The keys of the add-ons of the seat.", make=list)
    billable: bool = column("billable", description="Whether the seat is paid for.", make=bool)
    since: datetime = column("starts_at", description="Since when the member holds this very seat.")
    owner: strawberry.Private[Organization]
    row: strawberry.Private[rows.SeatInterval]

    @field(description="The kind of seat, null where the seat is of no kind.", requires=None)
    def tier(self) -> SeatTier | None:
        return _tier(self.row, self.owner)

    @loaded("pending_seat", description="The seat that takes over later; null where none does.", requires=None)
    def pending(self, row: releases.SeatRelease | None) -> PendingSeat | None:
        return None if row is None else PendingSeat.of(row, self.owner)

    @property
    def row_key(self) -> tuple[str, str]:
        """The key of what is loaded about whoever holds the seat."""
        return self.owner.organization_id, self.row.member_id


@strawberry.type
class SeatsOfOrganization:
    """The part of an organization that is about the seats it can give."""

    owner: strawberry.Private[Organization]

    @field(description="The kinds of seats the plan offers.", requires=Permission.ORGANIZATION_READ)
    async def seat_tiers(self, info: Info) -> list[SeatTier]:
        terms = await info.context.loaders.in_force.load(self.owner.organization_id)
        return [SeatTier.of(tier, self.owner.locale) for tier in terms.plan.tiers] if terms else []


def _tier(row: rows.SeatInterval | releases.SeatRelease, owner: Organization) -> SeatTier | None:
    """Return the kind of a seat. What it is called and includes is read where it is asked for."""
    return (
        None if row.tier is None else SeatTier(key=row.tier, locale=owner.locale, organization_id=owner.organization_id)
    )
