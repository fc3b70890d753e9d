"""Which part of a period does a span cover?

By the second, or by days, counted in one of the ways the field uses. The spans of one member are counted together, so
that under the day-based policies a local day belongs to exactly one of them.

>>> from datetime import UTC
>>> june = Period(datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
>>> noon = june.start.replace(day=16, hour=12)
>>> halves = (Period(june.start, noon), Period(noon, june.end))
>>> [str(part) for part in shares(halves, june, "UTC", DayCount.ACTUAL_INCLUSIVE)]
['1/2', '1/2']
>>> fixed_days(date(2024, 2, 23), date(2024, 3, 15), 30)
22
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Final, assert_never

from billing.periods import INSTANT, Period, day_start, local_date


class DayCount(StrEnum):
    """Which part of a period a seat or a fee covers. Let it be held over [s, e), cut to the period.

    BY_SECOND         (e − s) / length of the period, exact to the microsecond, changes of the clock included.
    ACTUAL_INCLUSIVE  local days touched / days of the period: the day of the grant and the day of the revocation
                      both count. A day touched by several seats of one member belongs to the last of them.
    ACTUAL_EXCLUSIVE  (date of e − date of s) / days of the period: the day of the grant counts, the day of the
                      revocation does not, so a day belongs to the seat held when it ends.
    FIXED_30          as ACTUAL_EXCLUSIVE, with every month counted as 30 days and the 31st as the 30th.
    FIXED_28          as FIXED_30, with 28 days and the 29th to the 31st as the 28th.
    FIXED_29          as FIXED_30, with 29 days and the 30th and 31st as the 29th.
    FIXED_31          as FIXED_30, with 31 days: a shorter month ends on its 31st.
    FULL              1 for every member who held a seat at any instant; it belongs to the last of that member.
    """

    BY_SECOND = "BY_SECOND"
    ACTUAL_INCLUSIVE = "ACTUAL_INCLUSIVE"
    ACTUAL_EXCLUSIVE = "ACTUAL_EXCLUSIVE"
    FIXED_30 = "FIXED_30"
    FIXED_28 = "FIXED_28"
    FIXED_29 = "FIXED_29"
    FIXED_31 = "FIXED_31"
    FULL = "FULL"


FIXED_DAYS: Final = {
    DayCount.FIXED_28: 28,
    DayCount.FIXED_29: 29,
    DayCount.FIXED_30: 30,
    DayCount.FIXED_31: 31,
}
"""How many days every month counts."""


def shares(spans: Sequence[Period], period: Period, time_zone: str, policy: DayCount) -> tuple[Fraction, ...]:
    """Return the share of `period` that each span covers; the spans are in order and within the period."""
    match policy:
        case DayCount.BY_SECOND:
            return tuple(Fraction(span.microseconds, period.microseconds) for span in spans)
        case DayCount.ACTUAL_INCLUSIVE:
            return _days_touched(spans, period, time_zone)
        case DayCount.ACTUAL_EXCLUSIVE:
            return _days_crossed(spans, period, time_zone, date.toordinal)
        case DayCount.FIXED_28 | DayCount.FIXED_29 | DayCount.FIXED_30 | DayCount.FIXED_31:
            return _days_crossed(spans, period, time_zone, lambda day: _ordinal(day, FIXED_DAYS[policy]))
        case DayCount.FULL:
            return (Fraction(0),) * (len(spans) - 1) + (Fraction(1),) * min(1, len(spans))
        case _:
            assert_never(policy)


def cut(at: datetime, period: Period, time_zone: str, policy: DayCount) -> datetime:
    """Return where a change at `at` divides `period`, so that each side counted by `policy` adds up to the whole.

    By the second it divides at the instant itself; by days at the beginning of its local day, which belongs to what
    begins; and where nothing is prorated the whole period belongs to what begins.
    """
    match policy:
        case DayCount.BY_SECOND:
            return at
        case DayCount.ACTUAL_INCLUSIVE | DayCount.ACTUAL_EXCLUSIVE:
            return max(period.start, day_start(local_date(at, time_zone), time_zone))
        case DayCount.FIXED_28 | DayCount.FIXED_29 | DayCount.FIXED_30 | DayCount.FIXED_31:
            return max(period.start, day_start(local_date(at, time_zone), time_zone))
        case DayCount.FULL:
            return period.start
        case _:
            assert_never(policy)


def fixed_days(start: date, end: date, days_of_month: int) -> int:
    """Return the days from `start` to `end` when every month counts `days_of_month`, a later day as the last."""
    return _ordinal(end, days_of_month) - _ordinal(start, days_of_month)


def last_date(end: datetime, time_zone: str) -> date:
    """Return the local date of the last instant before `end`."""
    return local_date(end - INSTANT, time_zone)


def _days_touched(spans: Sequence[Period], period: Period, time_zone: str) -> tuple[Fraction, ...]:
    begins = [local_date(span.start, time_zone).toordinal() for span in spans]
    nexts = [*begins[1:], local_date(period.end, time_zone).toordinal() + 1]
    ends = [last_date(span.end, time_zone).toordinal() + 1 for span in spans]
    whole = last_date(period.end, time_zone).toordinal() + 1 - local_date(period.start, time_zone).toordinal()
    return tuple(
        Fraction(max(0, min(end, after) - begin), whole) for begin, end, after in zip(begins, ends, nexts, strict=False)
    )


def _days_crossed(
    spans: Sequence[Period], period: Period, time_zone: str, number: Callable[[date], int]
) -> tuple[Fraction, ...]:
    whole = number(local_date(period.end, time_zone)) - number(local_date(period.start, time_zone))
    return tuple(
        Fraction(number(local_date(span.end, time_zone)) - number(local_date(span.start, time_zone)), whole)
        for span in spans
    )


def _ordinal(day: date, days_of_month: int) -> int:
    return (day.year * 12 + day.month) * days_of_month + min(day.day, days_of_month)
