"""What does a review of a contract report, and when is one due?

Every quarter of the term, and once before the renewal: the seats used against the band, by role, how that moved from
month to month, and the spend against what was agreed. A review only reports: crossing the band is a fact in it, never
a charge.

>>> from datetime import UTC
>>> from billing.contracts import Schedule
>>> start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
>>> contract = Contract("C-1", start, end, 1, 2, Money(12_000_00, "USD"), Schedule.QUARTERLY)
>>> held = tuple(SeatInterval(name, "team_member", True, None, (), start, None) for name in ("ann", "bob", "eve"))
>>> first = due(contract, "UTC", notice_days=60)[0]
>>> found = review(contract, first, held, Money(500_00, "USD"), time_zone="UTC")
>>> found.position, found.trend[0].peak, str(found.agreed), str(found.cost_per_seat)
(Crossed(used=3, band=2), 3, '3000.00 USD', '1166.67 USD')
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from billing import contracts, periods, seats
from billing.contracts import BandPosition, Contract
from billing.day_counts import DayCount
from billing.money import Money
from billing.periods import Period, add_days, add_months
from billing.seats import SeatInterval


class ReviewKind(StrEnum):
    """Why the review is made."""

    QUARTERLY = "QUARTERLY"
    BEFORE_RENEWAL = "BEFORE_RENEWAL"


@dataclass(frozen=True, slots=True)
class Due:
    """A review, the time it looks back on, and when it is made."""

    kind: ReviewKind
    period: Period
    at: datetime


@dataclass(frozen=True, slots=True)
class RoleUse:
    """How many held a role when the period ended, and at the role's own peak in it."""

    role: str
    billable: bool
    at_end: int
    peak: int


@dataclass(frozen=True, slots=True)
class MonthUse:
    """The seats of one month: the most at once, and the average over its time."""

    label: str
    peak: int
    average: Fraction


@dataclass(frozen=True, slots=True)
class Review:
    """What a review reports. `agreed` is the contract's total for this time, `spend` what was billed beside it."""

    contract_number: str
    kind: ReviewKind
    period: Period
    position: BandPosition
    peak_at: datetime | None
    roles: tuple[RoleUse, ...]
    trend: tuple[MonthUse, ...]
    agreed: Money
    spend: Money
    cost_per_seat: Money | None
    band_use_percent: Fraction
    growth: int
    granted: int
    revoked: int


def due(contract: Contract, time_zone: str, *, notice_days: int) -> tuple[Due, ...]:
    """Return every review of the term in order: one at the end of each quarter, one `notice_days` before renewal."""
    found: list[Due] = []
    start, count = contract.start, 1
    while start < contract.end:
        end = min(add_months(contract.start, 3 * count, time_zone), contract.end)
        found.append(Due(ReviewKind.QUARTERLY, Period(start, end), end))
        start, count = end, count + 1
    at = add_days(contract.renewal_at or contract.end, -notice_days, time_zone)
    if at > contract.start:
        found.append(Due(ReviewKind.BEFORE_RENEWAL, Period(contract.start, at), at))
    return tuple(sorted(found, key=lambda each: (each.at, each.kind)))


def review(
    contract: Contract, about: Due, intervals: Sequence[SeatInterval], spend: Money, *, time_zone: str
) -> Review:
    """Return the review of `about`; `spend` is what was billed in that time beside the contract's total."""
    period = about.period
    peak = seats.peak(intervals, period)
    agreed = _agreed(contract, period, time_zone)
    before_end = period.end - periods.INSTANT
    return Review(
        contract.number,
        about.kind,
        period,
        contracts.position(contract, peak.quantity),
        peak.at,
        _roles(intervals, period),
        _trend(intervals, period, time_zone),
        agreed,
        spend,
        Money.rounded((agreed + spend).exact / peak.quantity, agreed.currency) if peak.quantity else None,
        Fraction(100 * peak.quantity, contract.band_up_to),
        seats.count_at(intervals, before_end) - seats.count_at(intervals, period.start),
        sum(1 for seat in intervals if seat.billable and period.start < seat.start < period.end),
        sum(1 for seat in intervals if seat.billable and seat.end is not None and period.contains(seat.end)),
    )


def _agreed(contract: Contract, period: Period, time_zone: str) -> Money:
    """Return the instalments that cover `period`, each in proportion to the time it covers."""
    agreed = Money.zero(contract.total.currency)
    for each in contracts.instalments(contract, time_zone):
        inside = period.overlap(each.covers)
        if inside is not None:
            rest = each.covers.microseconds - inside.microseconds
            agreed += each.amount.allocate((inside.microseconds, rest))[0]
    return agreed


def _roles(intervals: Sequence[SeatInterval], period: Period) -> tuple[RoleUse, ...]:
    """Return the use of every role, paid and free."""
    present = [seat for seat in intervals if seat.within(period)]
    at_end = Counter(seat.role for seat in present if seat.holds(period.end - periods.INSTANT))
    kinds = sorted({(seat.role, seat.billable) for seat in present})
    return tuple(RoleUse(role, billable, at_end[role], _peak_of(present, role, period)) for role, billable in kinds)


def _peak_of(intervals: Sequence[SeatInterval], role: str, period: Period) -> int:
    spans = [span for seat in intervals if seat.role == role and (span := seat.within(period))]
    steps = sorted([(span.start, 1) for span in spans] + [(span.end, -1) for span in spans])
    count = best = 0
    for _, step in steps:
        count += step
        best = max(best, count)
    return best


def _trend(intervals: Sequence[SeatInterval], period: Period, time_zone: str) -> tuple[MonthUse, ...]:
    """Return the use of each month that the period touches, cut at its bounds."""
    found: list[MonthUse] = []
    for month in periods.iterate(period, time_zone):
        part = month.overlap(period)
        assert part is not None, "a month that the period touches overlaps it"
        average = seats.prorated(intervals, part, time_zone, DayCount.BY_SECOND).seat_months
        found.append(MonthUse(periods.label(month, time_zone), seats.peak(intervals, part).quantity, average))
    return tuple(found)
