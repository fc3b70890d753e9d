"""In which month, week and day does a moment's spend count?

All three are local to the organization's time zone and half-open. A week is an ISO week and begins on Monday; a day is
as long as the clocks make it, 23 to 25 hours. What was spent at an instant counts in the three windows of that instant,
however late it is reported.

>>> from datetime import UTC
>>> moment = datetime(2026, 3, 29, 12, tzinfo=UTC)
>>> [(each.value, str(found.start)) for each, found in windows(moment, "Europe/Berlin").items()]
[('MONTH', '2026-02-28 23:00:00+00:00'), ('WEEK', '2026-03-22 23:00:00+00:00'), ('DAY', '2026-03-28 23:00:00+00:00')]
>>> window(Interval.DAY, moment, "Europe/Berlin").microseconds // 3_600_000_000
23
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from billing.periods import Period, day_start, local_date, month_containing


class Interval(StrEnum):
    """After how long spend starts again from zero; the longest first."""

    __hash__ = str.__hash__  # keys of counters are made of intervals, and an enum's own is not the interpreter's

    MONTH = "MONTH"
    WEEK = "WEEK"
    DAY = "DAY"


Windows = Mapping[Interval, Period]


def window(interval: Interval, at: datetime, time_zone: str) -> Period:
    """Return the window of one interval that contains `at`."""
    return windows(at, time_zone)[interval]


def windows(at: datetime, time_zone: str) -> Windows:
    """Return the month, the week and the day that contain `at`."""
    return windows_of_day(local_date(at, time_zone), time_zone)


@lru_cache(maxsize=4_096)
def windows_of_day(day: date, time_zone: str) -> Windows:
    """Return the month, the week and the day of a local date."""
    start = day_start(day, time_zone)
    monday = day - timedelta(days=day.weekday())
    return MappingProxyType(
        {
            Interval.MONTH: month_containing(start, time_zone),
            Interval.WEEK: Period(day_start(monday, time_zone), day_start(monday + timedelta(days=7), time_zone)),
            Interval.DAY: Period(start, day_start(day + timedelta(days=1), time_zone)),
        }
    )
