"""How many seats were held, when was the peak, and which part of the month did each seat cover?

A seat interval is half-open: a seat revoked at t and another granted at t never overlap, so revoking first keeps the
peak lower. Only billable intervals count, whatever their number. Under the day-based policies a member's local day
belongs to exactly one seat of that member, so moving between tiers never bills one day twice.

>>> from datetime import UTC
>>> noon, night = datetime(2026, 6, 15, 12, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
>>> june = Period(datetime(2026, 6, 1, tzinfo=UTC), night)
>>> ann = SeatInterval("ann", "member", True, "chat", (), june.start, noon)
>>> bob = SeatInterval("bob", "member", True, "chat", (), noon, None)
>>> peak((ann, bob), june).quantity
1
>>> prorated((ann, bob), june, "UTC", DayCount.ACTUAL_INCLUSIVE).seat_months
Fraction(31, 30)
>>> prorated((ann, bob), june, "UTC", DayCount.BY_SECOND).seat_months
Fraction(1, 1)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from itertools import groupby
from typing import Final

from billing import day_counts
from billing.day_counts import DayCount, last_date
from billing.periods import Period, local_date, require_utc

__all__ = [
    "EVERY_SEAT",
    "DayCount",
    "InvalidSeat",
    "Part",
    "Peak",
    "Prorated",
    "SeatInterval",
    "Selection",
    "count_at",
    "days_left",
    "first_held",
    "frozen_at",
    "held_at",
    "peak",
    "prorated",
    "since",
]


class InvalidSeat(ValueError):
    """A seat interval ends before it starts."""


@dataclass(frozen=True, slots=True)
class SeatInterval:
    """One member held one role and tier over [start, end); `end` is None while it lasts.

    `after_close` is said of a seat granted in the very instant of a boundary, after its invoice had been drawn: that
    invoice does not know the seat, the next one does.
    """

    member_id: str
    role: str
    billable: bool
    tier: str | None
    add_ons: tuple[str, ...]
    start: datetime
    end: datetime | None
    after_close: bool = False

    def __post_init__(self) -> None:
        require_utc(self.start)
        if self.end is not None and require_utc(self.end) < self.start:
            raise InvalidSeat(f"the seat of {self.member_id!r} from {self.start} ends before that, at {self.end}")

    def holds(self, at: datetime) -> bool:
        """Return whether the seat is held at `at`."""
        return self.start <= at and (self.end is None or at < self.end)

    def known(self, at: datetime) -> bool:
        """Return whether an invoice drawn of the boundary `at` knows that the seat was granted.

        >>> from datetime import UTC
        >>> may = datetime(2026, 5, 1, tzinfo=UTC)
        >>> [SeatInterval("ann", "member", True, None, (), may, None, late).known(may) for late in (False, True)]
        [True, False]
        """
        return self.start < at or (self.start == at and not self.after_close)

    def within(self, period: Period) -> Period | None:
        """Return the part of `period` over which the seat is held, or None."""
        start, end = max(self.start, period.start), period.end if self.end is None else min(self.end, period.end)
        return Period(start, end) if start < end else None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which seats an item counts: those of some tiers (none named: all of them), perhaps only with an add-on."""

    tiers: tuple[str, ...] = ()
    add_on: str | None = None

    def counts(self, seat: SeatInterval) -> bool:
        """Return whether `seat` is billable and selected."""
        return (
            seat.billable
            and (not self.tiers or seat.tier in self.tiers)
            and (self.add_on is None or self.add_on in seat.add_ons)
        )


EVERY_SEAT: Final = Selection()


@dataclass(frozen=True, slots=True)
class Peak:
    """The most seats held at one instant, the first such instant, and the seats that prove it."""

    quantity: int
    at: datetime | None
    intervals: tuple[SeatInterval, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """The share of the period that one interval covers."""

    interval: SeatInterval
    share: Fraction


@dataclass(frozen=True, slots=True)
class Prorated:
    """The seats of a period as an exact number of whole periods, and the share of each interval in it."""

    seat_months: Fraction
    parts: tuple[Part, ...]


def count_at(intervals: Iterable[SeatInterval], at: datetime, selection: Selection = EVERY_SEAT) -> int:
    """Return how many selected seats are held at `at`."""
    return len(held_at(intervals, at, selection))


def held_at(
    intervals: Iterable[SeatInterval], at: datetime, selection: Selection = EVERY_SEAT
) -> tuple[SeatInterval, ...]:
    """Return the selected seats held at `at`."""
    return tuple(seat for seat in intervals if selection.counts(seat) and seat.holds(at))


def peak(intervals: Sequence[SeatInterval], period: Period, selection: Selection = EVERY_SEAT) -> Peak:
    """Return the highest number of selected seats held at any one instant of `period`."""
    spans = [span for seat in intervals if selection.counts(seat) and (span := seat.within(period))]
    changes = sorted([(span.start, 1) for span in spans] + [(span.end, -1) for span in spans])
    count, best, best_at = 0, 0, None
    for at, step in changes:  # at one instant −1 sorts before +1: what was revoked is free before what is granted
        count += step
        if count > best:
            best, best_at = count, at
    return Peak(best, best_at, () if best_at is None else held_at(intervals, best_at, selection))


def first_held(intervals: Iterable[SeatInterval], period: Period, selection: Selection = EVERY_SEAT) -> datetime | None:
    """Return the first instant of `period` at which a selected seat is held."""
    spans = (seat.within(period) for seat in intervals if selection.counts(seat))
    return min((span.start for span in spans if span), default=None)


def prorated(
    intervals: Iterable[SeatInterval],
    period: Period,
    time_zone: str,
    policy: DayCount,
    selection: Selection = EVERY_SEAT,
) -> Prorated:
    """Return the selected seats of `period` in whole periods, by the named day count.

    Give all intervals of a member, not only the selected ones: which of them owns a day is decided before the
    selection is made.
    """
    billable = sorted(
        (seat for seat in intervals if seat.billable and seat.within(period)),
        key=lambda seat: (seat.member_id, seat.start),
    )
    parts: list[Part] = []
    for _, seats in groupby(billable, key=lambda seat: seat.member_id):
        parts.extend(_shares(tuple(seats), period, time_zone, policy))
    chosen = tuple(part for part in parts if part.share and selection.counts(part.interval))
    return Prorated(sum((part.share for part in chosen), Fraction(0)), chosen)


def frozen_at(intervals: Iterable[SeatInterval], at: datetime) -> tuple[SeatInterval, ...]:
    """Return the intervals as they were known at `at`: those begun by then, the open ones going on for ever."""
    return tuple(replace(seat, end=None) if seat.holds(at) else seat for seat in intervals if seat.known(at))


def since(intervals: Iterable[SeatInterval], at: datetime) -> tuple[SeatInterval, ...]:
    """Return the intervals with whatever lies before `at` cut off."""
    return tuple(replace(seat, start=max(seat.start, at)) for seat in intervals if seat.end is None or seat.end > at)


def days_left(at: datetime, period: Period, time_zone: str) -> Fraction:
    """Return the part of `period` from the local day of `at`, that day counted, to the end, in days.

    >>> from datetime import UTC
    >>> october = Period(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
    >>> days_left(datetime(2026, 10, 15, 18, tzinfo=UTC), october, "UTC")
    Fraction(17, 31)
    """
    start, end = local_date(period.start, time_zone), last_date(period.end, time_zone)
    day = max(start, local_date(at, time_zone))
    return Fraction(max(0, (end - day).days + 1), (end - start).days + 1)


def _shares(seats: tuple[SeatInterval, ...], period: Period, time_zone: str, policy: DayCount) -> Iterable[Part]:
    """Return the share of each of one member's intervals, which are in order of their start."""
    spans = tuple(span for seat in seats if (span := seat.within(period)))
    return map(Part, seats, day_counts.shares(spans, period, time_zone, policy))
