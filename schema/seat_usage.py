"""How many seats were held at once, and which intervals prove it?

A seat interval is half-open, so a seat revoked and one granted at the same instant never overlap, and the peak of a
month can be checked against the intervals listed with it.
"""

from datetime import datetime
from functools import partial

import strawberry

from billing import periods as period_rules
from billing.roles import Permission
from models import seats as rows
from models.organizations import Organization
from schema import periods
from schema.access import Own, field
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Info
from schema.members import Member
from schema.periods import Month, Period
from services import reports


@strawberry.type(description="A seat as it was held over a span of time, without a change.")
class SeatInterval:
    role: str = strawberry.field(description="The key of the role the member had.")
    tier: str | None = strawberry.field(description="The key of the seat tier, null for none.")
    add_ons: list[str] = strawberry.field(description="The keys of the add-ons.")
    billable: bool = strawberry.field(description="Whether the seat was paid for; only such seats are counted.")
    start: datetime = strawberry.field(description="The first instant of the seat.")
    end: datetime | None = strawberry.field(description="The first instant after the seat, null while it is held.")
    owner: strawberry.Private[Organization]
    member_id: strawberry.Private[str]

    @field(description="The member who held the seat.", requires=Permission.MEMBERS_READ, own=Own.SUBJECT)
    async def member(self, info: Info) -> Member | None:
        return await Member.load(info.context, self.owner, self.member_id)

    @classmethod
    def of(cls, owner: Organization, row: rows.SeatInterval) -> "SeatInterval":
        """Return the interval in a row."""
        return cls(
            role=row.role,
            tier=row.tier,
            add_ons=list(row.add_ons),
            billable=bool(row.billable),
            start=row.starts_at,
            end=row.ends_at,
            owner=owner,
            member_id=row.member_id,
        )


@strawberry.type(description="The paid seats of one month.")
class SeatUsage:
    period: Period = strawberry.field(description="The month.")
    current: int = strawberry.field(description="Paid seats held now, or when the month ended.")
    peak: int = strawberry.field(description="The most paid seats held at any one instant of the month.")
    peak_at: datetime | None = strawberry.field(description="The first instant of the peak; null when none was held.")
    billable: int = strawberry.field(
        description="How many seats of the peak are billed, after what the plan gives free."
    )
    owner: strawberry.Private[Organization]
    month: strawberry.Private[period_rules.Period]

    @field(description="The seats held at some instant of the month, oldest first.", requires=None)
    async def intervals(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[SeatInterval]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        listing = Listing("seatIntervals", organization_id)
        window = listing.window(first, after, last, before)
        return listing.connection(
            await rows.page_of(reader, organization_id, window, period=self.month),
            key=lambda row: row.id,
            node=partial(SeatInterval.of, self.owner),
            count=partial(rows.count, reader, organization_id, period=self.month),
        )


@strawberry.type
class SeatUsageOfOrganization:
    """The part of an organization that is about how its seats were used."""

    owner: strawberry.Private[Organization]

    @field(
        description="How many paid seats were held in a month, and the intervals that prove it.",
        requires=Permission.SEATS_READ,
    )
    async def seat_usage(self, info: Info, period: Month = None) -> SeatUsage:
        month = periods.month(info.context, self.owner, period)
        terms = await info.context.loaders.in_force.load(self.owner.organization_id)
        found = await reports.seat_count(
            info.context.reader,
            self.owner.organization_id,
            period=month,
            at=info.context.at(self.owner),
            terms=terms,
        )
        return SeatUsage(
            period=Period.of(month, self.owner.time_zone),
            current=found.current,
            peak=found.peak,
            peak_at=found.peak_at,
            billable=found.billable,
            owner=self.owner,
            month=month,
        )
