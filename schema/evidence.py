"""Which events and seats made this line?

The last step of an explanation: from a line to the very rows behind it. A line of an issued invoice shows for ever the
rows it was made from, whatever is reported or corrected later.
"""

import re
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import TypeVar

import strawberry

from billing.roles import Permission
from models import evidence as rows
from models.organizations import Organization
from models.paging import Page, Window
from schema import cursors
from schema.access import field
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Info
from schema.seat_usage import SeatInterval
from schema.usage_events import UsageEvent
from services import evidence
from services.evidence import BilledLine

R = TypeVar("R")
T = TypeVar("T")

_POSITION = re.compile(r"([0-9a-z]{26})\.([0-9]{1,17})\.([0-9a-z]{26})")


@strawberry.type
class EvidenceOfLine:
    """The part of a line that leads to the rows behind it; a line that is only supposed has none."""

    owner: strawberry.Private[Organization]

    @property
    def billed(self) -> BilledLine | None:
        """The line as its evidence is found by; None for one that is only supposed, which is all this class knows."""
        return None

    @field(
        description="The very usage events behind the line, member by member, each in order of time. None behind a "
        "line that bills no usage.",
        requires=Permission.USAGE_READ,
    )
    async def usage_events(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[UsageEvent]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        listing = self._listing("usageEvents")
        window = listing.window(first, after, last, before)
        timeline = await info.context.loaders.timeline.load(organization_id)
        selection = evidence.usage(self.billed, timeline, self.owner.time_zone) if self.billed else None
        if selection is None:
            return _nothing(listing, partial(UsageEvent.of, self.owner))
        return listing.connection(
            await rows.page_of_events(reader, organization_id, selection, _event_window(window)),
            key=lambda row: _key(rows.Position.of(row)),
            node=partial(UsageEvent.of, self.owner),
            count=partial(rows.count_events, reader, organization_id, selection),
        )

    @field(
        description="The very seats behind the line, oldest first: those that were held in the time it bills, or at "
        "the instant of its peak. None behind a line that bills no seats.",
        requires=Permission.SEATS_READ,
    )
    async def seat_intervals(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[SeatInterval]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        listing = self._listing("lineSeats")
        window = listing.window(first, after, last, before)
        selection = evidence.seats(self.billed) if self.billed else None
        if selection is None:
            return _nothing(listing, partial(SeatInterval.of, self.owner))
        return listing.connection(
            await rows.page_of_seats(reader, organization_id, selection, window),
            key=lambda row: row.id,
            node=partial(SeatInterval.of, self.owner),
            count=partial(rows.count_seats, reader, organization_id, selection),
        )

    def _listing(self, name: str) -> Listing:
        """Return the list of this very line; a cursor of another line's is refused."""
        line = self.billed
        named = f"{line.boundary_at.isoformat()}/{line.key}" if line else ""
        return Listing(name, f"{self.owner.organization_id}.{sha256(named.encode()).hexdigest()[:24]}")


def _event_window(window: Window) -> rows.EventWindow:
    return rows.EventWindow(window.size, _position(window.after), _position(window.before), window.from_end)


def _position(key: str | None) -> rows.Position | None:
    """Return where a cursor's key stands; one that somebody made up is refused like any other garbage."""
    if key is None:
        return None
    found = _POSITION.fullmatch(key)
    if found is None:
        raise cursors.MalformedCursor
    return rows.Position(found[1], int(found[2]), found[3])


def _key(position: rows.Position) -> str:
    return f"{position.member_id}.{position.occurred_at}.{position.id}"


def _nothing(listing: Listing, node: Callable[[R], T]) -> Connection[T]:
    async def none() -> int:
        return 0

    return listing.connection(Page((), has_next=False, has_previous=False), key=str, node=node, count=none)
