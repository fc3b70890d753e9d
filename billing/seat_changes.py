"""What will a change of seats cost on the next invoice?

The draft is made twice, with the seats as they are and as they would be; what differs is the price of the change. It
is the code that draws the invoice, so what a preview says is what will be billed.

>>> from datetime import UTC, datetime
>>> change = Change((SeatInterval("ann", "member", True, "chat", (), datetime(2026, 6, 1, tzinfo=UTC), None),), ())
>>> change.granted[0].member_id, change.revoked
('ann', ())
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from billing.facts import Facts
from billing.invoices import Draft, draft
from billing.lines import Line
from billing.money import Money
from billing.seats import SeatInterval


@dataclass(frozen=True, slots=True)
class Change:
    """Intervals that would begin, and those that would end, each given with its end."""

    granted: tuple[SeatInterval, ...]
    revoked: tuple[SeatInterval, ...]


@dataclass(frozen=True, slots=True)
class LineChange:
    """A line of the next invoice before and after; None where there is none."""

    key: str
    before: Line | None
    after: Line | None


@dataclass(frozen=True, slots=True)
class Preview:
    """Both drafts, the lines that differ, and the money between them, tax included."""

    before: Draft
    after: Draft
    changes: tuple[LineChange, ...]
    net: Money

    @property
    def needs_quote(self) -> bool:
        """Whether the change goes above a price list, so that a person must quote it."""
        return bool(self.after.quotes)


def moved(seats: Iterable[SeatInterval], member_id: str, *, to: SeatInterval | None, at: datetime) -> Change:
    """Return the change that ends what a member holds at `at` and begins `to`, where something begins."""
    ended = (replace(seat, end=at) for seat in seats if seat.member_id == member_id and seat.holds(at))
    return Change((to,) if to else (), tuple(ended))


def applied(seats: Iterable[SeatInterval], change: Change) -> tuple[SeatInterval, ...]:
    """Return the seats with the change made."""
    ended = {(seat.member_id, seat.start, seat.tier): seat for seat in change.revoked}
    kept = (ended.get((seat.member_id, seat.start, seat.tier), seat) for seat in seats)
    return (*kept, *change.granted)


def preview(facts: Facts, change: Change) -> Preview:
    """Return what the change does to the invoice of the boundary in `facts`."""
    before, after = draft(facts), draft(replace(facts, seats=applied(facts.seats, change)))
    old, new = ({line.key: line for line in side.lines} for side in (before, after))
    keys = [*old, *(key for key in new if key not in old)]
    changes = (LineChange(key, old.get(key), new.get(key)) for key in keys)
    differ = tuple(each for each in changes if each.before != each.after)
    return Preview(before, after, differ, after.total - before.total)
