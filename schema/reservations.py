"""What is held, until when, and what became of it?

A reservation keeps an amount of every limit that bears on a member until the call it was made for is settled or
released, or until its time is over. A plain member sees their own.
"""

from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated

import strawberry

from billing.roles import Permission
from models import reservations as rows
from models.organizations import Organization
from schema import ids
from schema.access import Own, field, seen_by
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Context, Info
from schema.enums import mirror
from schema.ids import Kind
from schema.members import Member
from schema.money import Money
from schema.nodes import Node
from schema.usage_events import UsageEvent


class ReservationStatus(StrEnum):
    """What became of a hold."""

    HELD = "HELD"
    SETTLED = "SETTLED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"


mirror(
    ReservationStatus,
    description="What became of a reservation.",
    HELD="The amount is kept free for it.",
    SETTLED="What it was made for was used and recorded.",
    RELEASED="It was given up; nothing is held any more.",
    EXPIRED="Its time is over; nothing is held any more.",
)


@strawberry.type(description="An amount kept free of every limit that bears on a member, until it is used or given up.")
class Reservation(Node):
    external_id: str = strawberry.field(description="The caller's own id of it.")
    status: ReservationStatus = strawberry.field(description="What became of it.")
    amount: Money = strawberry.field(description="What was reserved, exact.")
    settled: Money | None = strawberry.field(description="What it came to, exact; null where nothing was recorded.")
    excess: Money = strawberry.field(description="By how much that is above what was reserved.")
    over_limit: bool = strawberry.field(
        description="Whether a limit was passed: a soft one by the reservation, or any by what was used beyond it."
    )
    seat_tier: str | None = strawberry.field(description="The key of the seat tier it is held for; null for none.")
    reserved_at: datetime = strawberry.field(description="When it was made; it counts in the windows of that instant.")
    expires_at: datetime = strawberry.field(description="When it ends by itself.")
    ended_at: datetime | None = strawberry.field(description="When it ended; null while the amount is held.")
    member_id: strawberry.Private[str]
    usage_ids: strawberry.Private[list[str]]

    @field(description="The member whose spend it is.", requires=Permission.MEMBERS_READ, own=Own.SUBJECT)
    async def member(self, info: Info) -> Member | None:
        return await Member.load(info.context, self.owner, self.member_id)

    @field(
        description="The usage events it was settled with, in the order given.",
        requires=Permission.USAGE_READ,
        own=Own.SUBJECT,
    )
    async def usage_events(self, info: Info) -> list[UsageEvent]:
        keys = [(self.owner.organization_id, usage_id) for usage_id in self.usage_ids]
        found = await info.context.loaders.usage_event.load_many(keys)
        return [UsageEvent.of(self.owner, row) for row in found if row is not None]

    @classmethod
    def of(cls, owner: Organization, at: datetime, row: rows.Reservation) -> "Reservation":
        """Return the reservation in a row as it stands at `at`: a hold whose time is over is shown as expired."""
        over = row.status == "HELD" and row.expires_at <= at
        currency, locale = owner.currency, owner.locale
        return cls(
            id=ids.text(Kind.RESERVATION, row.organization_id, row.id),
            owner=owner,
            external_id=row.external_id,
            status=ReservationStatus.EXPIRED if over else ReservationStatus(row.status),
            amount=Money.of_nanos(row.held_nanos, currency, locale),
            settled=Money.of_nanos_or_none(row.settled_nanos, currency, locale),
            excess=Money.of_nanos(row.excess_nanos, currency, locale),
            over_limit=bool(row.over_limit),
            seat_tier=row.tier or None,
            reserved_at=row.reserved_at,
            expires_at=row.expires_at,
            ended_at=row.expires_at if over else row.ended_at,
            member_id=row.member_id,
            usage_ids=list(row.usage_ids),
        )

    @classmethod
    async def load(cls, context: Context, owner: Organization, reservation_id: str | None) -> "Reservation | None":
        """Return a reservation by id, or None for no id or one that this organization does not have."""
        if reservation_id is None:
            return None
        row = await context.loaders.reservation.load((owner.organization_id, reservation_id))
        return cls.of(owner, context.at(owner), row) if row else None


@strawberry.input(description="Which reservations to list; everything given must hold.")
class ReservationFilter:
    open: bool | None = strawberry.field(
        default=None, description="Only those that hold something now, or only those that do not."
    )
    member_id: strawberry.ID | None = strawberry.field(default=None, description="Only those of this member.")

    def member(self, owner: Organization) -> str | None:
        """Return the member's key; of a stranger's organization one that nobody has."""
        if self.member_id is None:
            return None
        named = ids.parse(self.member_id, Kind.MEMBER)
        return named.key if named.organization_id == owner.organization_id else ""


Matching = Annotated[
    ReservationFilter | None, strawberry.argument(name="filter", description="Which reservations to list.")
]


@strawberry.type
class ReservationsOfOrganization:
    """The part of an organization that is about reserved spend."""

    owner: strawberry.Private[Organization]

    @field(
        description="The reservations, newest first. Without the permission: the caller's own.",
        requires=Permission.USAGE_READ,
        own=Own.NARROWED,
    )
    async def reservations(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        matching: Matching = None,
    ) -> Connection[Reservation]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        given, at = matching or ReservationFilter(), info.context.at(self.owner)
        member_id = given.member(self.owner)
        viewer = seen_by(info.context.principal, organization_id, Permission.USAGE_READ)
        if viewer is not None:
            member_id = viewer if member_id in (None, viewer) else ""
        selection = rows.Selection(at, given.open, member_id)
        listing = Listing("reservations", organization_id)
        window = listing.window(first, after, last, before)
        return listing.connection(
            await rows.page_of(reader, organization_id, window, selection),
            key=lambda row: row.id,
            node=partial(Reservation.of, self.owner, at),
            count=partial(rows.count, reader, organization_id, selection),
        )
