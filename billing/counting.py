"""How much of an item is there in an interval?

The quantity, the share of the interval that is owed, the members behind it and the rows that prove it. The interval
in which the service began is the only one that may be owed in part as a whole; a seat is owed for its own part of any.
A plan that begins or ends within the interval counts only what it covers.

>>> from billing.periods import parse_label
>>> from billing.prices import UnitPrice
>>> october = parse_label("2026-10", "UTC")
>>> fee = PlanItem("fee", {"en": "Fee"}, Flat(), UnitPrice(Fraction(310)))
>>> found = count(fee, Span(october, "UTC", october.start.replace(day=15)), (), ())
>>> found.quantity, found.factor
(Fraction(1, 1), Fraction(17, 31))
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import assert_never

from billing import day_counts, event_counts, seat_policies, seats, usage_lines
from billing.charges import Changes, Counted, Weight
from billing.day_counts import DayCount
from billing.explanations import Source, SourceKind
from billing.periods import Period
from billing.placements import Placement
from billing.plan_items import FirstPeriod, PlanItem
from billing.quantities import Capacity, ContractBand, Flat, PeakSeats, Seats, Usage
from billing.seats import Peak, SeatInterval
from billing.usage import EventsNeeded, UsageTotal
from billing.usage_events import UsageEvent


@dataclass(frozen=True, slots=True)
class Span:
    """The interval an item is billed for, and when the service began.

    `since` and `until` are given when the plan came into force, or was replaced, within the interval.
    """

    period: Period
    time_zone: str
    service_start: datetime
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_first(self) -> bool:
        """Whether the service began within the interval."""
        return self.period.contains(self.service_start)

    @property
    def opening(self) -> datetime:
        """When the item is first counted in the interval."""
        return max(self.period.start, self.service_start, self.since or self.service_start)

    @property
    def in_force(self) -> Period:
        """The part of the interval in which the plan was in force, by the instants themselves."""
        return Period(self.since or self.period.start, self.until or self.period.end)

    def covered(self, policy: DayCount) -> Period | None:
        """Return the part of the interval the plan is billed for, as `policy` divides it; None for no part."""
        period = self.period
        start, end = period.start, period.end
        if self.since is not None or (self.until is not None and self.is_first):
            start = day_counts.cut(self.opening, period, self.time_zone, policy)
        if self.until is not None:
            end = day_counts.cut(self.until, period, self.time_zone, policy)
        return Period(start, end) if start < end else None


def count(
    item: PlanItem,
    span: Span,
    intervals: Iterable[SeatInterval],
    usage: Iterable[UsageTotal],
    events: Iterable[UsageEvent] | None = None,
) -> Counted:
    """Return the quantity of `item` over `span`; nothing before the service began is counted."""
    quantity, held = item.quantity, seats.since(intervals, span.service_start)
    assert not isinstance(quantity, ContractBand), "a band is billed by the instalments of its contract"
    match quantity:
        case Seats():
            return _seats(item, quantity, span, held)
        case PeakSeats():
            return _peak(item, quantity, span, held)
        case Usage() | Capacity():
            share = first_share(item, span, span.service_start)
            if item.needs_events and events is None:
                raise EventsNeeded(item.meters[0])
            if item.reads_events and events is not None:
                counted = event_counts.counted(item, events, span.period, span.time_zone, within=span.in_force)
                return replace(counted, bounds_factor=share)
            return usage_lines.counted(item, usage, share)
        case Flat():
            share = first_share(item, span, span.service_start)
            source = Source(SourceKind.PLAN, 1, (("item", item.key),))
            return Counted(Fraction(1), item.unit, (source,), factor=share, bounds_factor=share)
        case _:
            assert_never(quantity)


def first_share(item: PlanItem, span: Span, first_access: datetime) -> Fraction:
    """Return the share of the interval that is owed where the service or the plan begins or ends in it, else 1."""
    if span.is_first and item.first_period is FirstPeriod.FREE:
        return Fraction(0)
    if span.since is not None or span.until is not None:
        return _covered_share(span, item.proration)
    if not span.is_first or item.first_period is FirstPeriod.FULL:
        return Fraction(1)
    return seats.days_left(first_access, span.period, span.time_zone)


def _covered_share(span: Span, policy: DayCount) -> Fraction:
    covered = span.covered(policy)
    return sum(day_counts.shares((covered,) if covered else (), span.period, span.time_zone, policy), Fraction(0))


def _seats(item: PlanItem, quantity: Seats, span: Span, held: tuple[SeatInterval, ...]) -> Counted:
    """Count every seat for its own part of the interval.

    In the first interval FULL counts whole seats, and BY_DAYS_LEFT leaves the share to the day count; only where the
    day count itself knows no shares is the interval's share of days taken instead.
    """
    rules, factor = item.rules, Fraction(1)
    bounds = first_share(item, span, span.service_start)
    if span.is_first:
        if item.first_period is FirstPeriod.FULL:
            rules = replace(rules, proration=DayCount.FULL)
        elif item.first_period is FirstPeriod.FREE or rules.proration is DayCount.FULL:
            factor = bounds
    covered = span.covered(rules.proration)
    found = seat_policies.counted(
        held if covered else (), span.period, span.time_zone, rules, span.opening, quantity.selection, covered=covered
    )
    weights: dict[str, Fraction] = {}
    for part in found.parts:
        member_id = part.interval.member_id
        weights[member_id] = weights.get(member_id, Fraction(0)) + part.share
    detail = None
    if item.placement is Placement.BY_RUNNING_UNITS:
        detail = Changes(seat_policies.changes(found, span.period, span.time_zone, rules.proration))
    return Counted(
        found.seat_months,
        item.unit,
        (_source(span.period, len(found.parts), quantity.tiers, (("add_on", quantity.add_on or ""),)),),
        (f"day_count={rules.proration}",),
        tuple(Weight(member_id, weight) for member_id, weight in weights.items()),
        factor,
        bounds,
        detail,
    )


def _peak(item: PlanItem, quantity: PeakSeats, span: Span, held: tuple[SeatInterval, ...]) -> Counted:
    """Count the peak, owed from the day of the first paid access when the service began in this month."""
    covered = span.covered(item.proration)
    found = seats.peak(held, covered, quantity.selection) if covered else Peak(0, None)
    first = seats.first_held(held, covered, quantity.selection) if covered else None
    share = first_share(item, span, first or span.service_start)
    peak_at = found.at.isoformat() if found.at else ""
    return Counted(
        Fraction(found.quantity),
        item.unit,
        (_source(span.period, len(found.intervals), quantity.tiers, (("peak_at", peak_at),)),),
        ("quantity=PEAK_OF_SIMULTANEOUS_SEATS",),
        tuple(Weight(member_id, Fraction(1)) for member_id in sorted({seat.member_id for seat in found.intervals})),
        share,
        share,
    )


def _source(period: Period, count: int, tiers: tuple[str, ...], more: tuple[tuple[str, str], ...]) -> Source:
    """Return the facts by which the intervals are found again in the seat history, which is only ever appended to."""
    facts = (("from", period.start.isoformat()), ("to", period.end.isoformat()), ("tiers", ", ".join(tiers)), *more)
    return Source(SourceKind.SEAT_INTERVALS, count, tuple((name, value) for name, value in facts if value))
