"""What does a seat cost that is granted, or given back, while an interval runs?

Vendors disagree, so it is a named policy on the item, one for more seats and one for fewer. Each is a rule about the
time for which a seat counts; the day count then measures that time.

>>> from datetime import UTC, datetime
>>> june = Period(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
>>> ann = SeatInterval("ann", "member", True, "chat", (), june.start, june.start.replace(day=16))
>>> bob = SeatInterval("bob", "member", True, "chat", (), june.start.replace(day=21), None)
>>> for decrease in (Decrease.CREDIT, Decrease.NO_REFUND, Decrease.KEEP_PEAK):
...     rules = Rules(DayCount.ACTUAL_EXCLUSIVE, Increase.PRORATE, decrease)
...     print(decrease, counted((ann, bob), june, "UTC", rules, june.start).seat_months)
CREDIT 5/6
NO_REFUND 4/3
KEEP_PEAK 1
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from itertools import groupby
from typing import assert_never

from billing import day_counts, seats
from billing.day_counts import DayCount
from billing.periods import Period
from billing.placements import Change
from billing.seats import EVERY_SEAT, Part, Prorated, SeatInterval, Selection


class Increase(StrEnum):
    """What a seat granted at t, within the interval [S, E), costs in it.

    PRORATE                its share from t to E, by the day count.
    FULL                   as though it had been held from S.
    FREE_UNTIL_PERIOD_END  nothing before E.
    """

    PRORATE = "PRORATE"
    FULL = "FULL"
    FREE_UNTIL_PERIOD_END = "FREE_UNTIL_PERIOD_END"


class Decrease(StrEnum):
    """What a seat given back at t, within the interval [S, E), still costs in it.

    CREDIT       nothing from t on; where it was paid in advance, the unused part comes back on the next invoice.
    NO_REFUND    it counts until E, or until the same member holds a seat again; every further grant is billed.
    KEEP_PEAK    it counts until E, and whoever is granted a seat in the meantime takes it over: only a rise above the
                 most seats of the interval is billed.
    NEXT_PERIOD  it is given back when the next interval begins, and can be handed on until then: billed as KEEP_PEAK.
    KEEP         of the amounts charged at the month bounds of the interval the highest is owed; nothing comes back.
    """

    CREDIT = "CREDIT"
    NO_REFUND = "NO_REFUND"
    KEEP_PEAK = "KEEP_PEAK"
    NEXT_PERIOD = "NEXT_PERIOD"
    KEEP = "KEEP"


@dataclass(frozen=True, slots=True)
class Rules:
    """How the seats of an item are counted."""

    proration: DayCount
    increase: Increase = Increase.PRORATE
    decrease: Decrease = Decrease.CREDIT


def released_at(revoked_at: datetime, interval: Period, decrease: Decrease) -> datetime:
    """Return when a seat revoked at `revoked_at` stops being held."""
    return interval.end if decrease is Decrease.NEXT_PERIOD else revoked_at


def counted(
    intervals: Iterable[SeatInterval],
    period: Period,
    time_zone: str,
    rules: Rules,
    opening: datetime,
    selection: Selection = EVERY_SEAT,
    *,
    covered: Period | None = None,
) -> Prorated:
    """Return the selected seats of `period` in whole periods, by the rules.

    Seats held at `opening`, the beginning of the period or of the service within it, are no increase. Where the plan
    began or ended within the period, only what lies in `covered` counts.
    """
    known, part = tuple(intervals), covered or period
    match rules.decrease:
        case Decrease.CREDIT | Decrease.KEEP:
            held = known
        case Decrease.NO_REFUND:
            held = _held_on(known, period, selection)
        case Decrease.KEEP_PEAK | Decrease.NEXT_PERIOD:
            places = _grown(_places(known, period, selection), period, rules.increase, opening, selection)
            return _of_places(places, period, part, time_zone, rules.proration)
        case _:
            assert_never(rules.decrease)
    grown = _grown(held, period, rules.increase, opening, selection)
    return seats.prorated(_clipped(grown, period, part), period, time_zone, rules.proration, selection)


def changes(found: Prorated, period: Period, time_zone: str, policy: DayCount) -> tuple[Change, ...]:
    """Return the seats of `found` as changes of a running number, each with its part of what is left of the period."""
    steps: list[tuple[datetime, int, Fraction]] = []
    for part in found.parts:
        span = part.interval.within(period)
        assert span is not None, "a part with a share is in the period"
        (to_end,) = day_counts.shares((Period(span.start, period.end),), period, time_zone, policy)
        steps.append((span.start, 1, to_end))
        if span.end < period.end:
            steps.append((span.end, -1, part.share - to_end))
    grouped = groupby(sorted(steps), key=lambda step: step[:2])
    parts = ((sign, tuple(share for _, _, share in group)) for (_, sign), group in grouped)
    return tuple(Change(Fraction(sign * len(some)), sum(some, Fraction(0))) for sign, some in parts)


def _grown(
    intervals: tuple[SeatInterval, ...], period: Period, increase: Increase, opening: datetime, selection: Selection
) -> tuple[SeatInterval, ...]:
    """Return the intervals with each selected one granted within the period counted from when it is billed."""
    match increase:
        case Increase.PRORATE:
            return intervals
        case Increase.FULL:
            return tuple(
                replace(seat, start=opening) if _is_rise(seat, period, opening, selection) else seat
                for seat in intervals
            )
        case Increase.FREE_UNTIL_PERIOD_END:
            return tuple(seat for seat in intervals if not _is_rise(seat, period, opening, selection))
        case _:
            assert_never(increase)


def _is_rise(seat: SeatInterval, period: Period, opening: datetime, selection: Selection) -> bool:
    return selection.counts(seat) and opening < seat.start < period.end


def _held_on(intervals: tuple[SeatInterval, ...], period: Period, selection: Selection) -> tuple[SeatInterval, ...]:
    """Return the intervals with each selected one held until the period ends or its member's next seat begins."""
    ordered = sorted(intervals, key=lambda seat: (seat.member_id, seat.start))
    held: list[SeatInterval] = []
    for index, seat in enumerate(ordered):
        following = ordered[index + 1 : index + 2]
        until = period.end
        if following and following[0].member_id == seat.member_id and following[0].billable:
            until = min(until, following[0].start)
        ends_within = seat.end is not None and period.start < seat.end < until
        held.append(replace(seat, end=until) if ends_within and selection.counts(seat) else seat)
    return tuple(held)


def _places(intervals: tuple[SeatInterval, ...], period: Period, selection: Selection) -> tuple[SeatInterval, ...]:
    """Return the seats as paid places: one opens only when all places are taken, and stays open to the end."""
    steps: list[tuple[datetime, int, int]] = []
    for index, seat in enumerate(intervals):
        if selection.counts(seat) and (span := seat.within(period)):
            steps += [(span.start, 1, index), (span.end, -1, index)]
    opened: list[SeatInterval] = []
    free = 0
    for at, sign, index in sorted(steps):
        if sign < 0:
            free += 1
        elif free:
            free -= 1
        else:
            opened.append(replace(intervals[index], start=at, end=None))
    return tuple(opened)


def _of_places(
    opened: tuple[SeatInterval, ...], period: Period, covered: Period, time_zone: str, policy: DayCount
) -> Prorated:
    """Return the places in whole periods, each for the member who opened it."""
    numbered = tuple(replace(seat, member_id=str(number)) for number, seat in enumerate(opened))
    found = seats.prorated(_clipped(numbered, period, covered), period, time_zone, policy)
    parts = tuple(Part(opened[int(part.interval.member_id)], part.share) for part in found.parts)
    return Prorated(found.seat_months, parts)


def _clipped(intervals: tuple[SeatInterval, ...], period: Period, covered: Period) -> tuple[SeatInterval, ...]:
    if covered == period:
        return intervals
    spans = ((seat, seat.within(covered)) for seat in intervals)
    return tuple(replace(seat, start=span.start, end=span.end) for seat, span in spans if span)
