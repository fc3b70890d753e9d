"""When does a month begin, and which days does it have?

A calendar month exists only with a time zone. Its bounds are UTC instants, half-open: the first instant of the next
month is not in this one. Days are local days, 23 or 25 hours long when the clocks change.

>>> march = parse_label("2026-03", "America/New_York")
>>> str(march.start), str(march.end)
('2026-03-01 05:00:00+00:00', '2026-04-01 04:00:00+00:00')
>>> days(march, "America/New_York"), march.microseconds // 3_600_000_000
(31, 743)
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice, takewhile
from typing import Final
from zoneinfo import ZoneInfo

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT: Final = timedelta(microseconds=1)
"""The shortest time there is: the last instant before t is t − INSTANT."""
_LABEL = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)


class InvalidPeriod(ValueError):
    """The bounds are not two aware UTC instants in order, or the label is not a month."""


class UnknownTimeZone(ValueError):
    """The name is not in the IANA time zone database."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is not an IANA time zone")
        self.name = name


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open span of time: `start` is in it, `end` is not."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        require_utc(self.start)
        require_utc(self.end)
        if self.end <= self.start:
            raise InvalidPeriod(f"a period from {self.start} must end later than {self.end}")

    @property
    def microseconds(self) -> int:
        """The length of the period."""
        return (self.end - self.start) // INSTANT

    def contains(self, at: datetime) -> bool:
        """Return whether `at` is in the period; its end is not."""
        return self.start <= at < self.end

    def overlap(self, other: "Period") -> "Period | None":
        """Return what both periods share, or None when they do not meet."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start < end else None


def require_utc(at: datetime) -> datetime:
    """Return `at`, or raise when it is naive or not in UTC."""
    if at.utcoffset() != timedelta(0):
        raise InvalidPeriod(f"{at!r} is not an aware UTC instant")
    return at


def to_microseconds(at: datetime) -> int:
    """Return the integer microseconds since 1970: exact, as rows keep them."""
    return (at - _EPOCH) // INSTANT


def from_microseconds(microseconds: int) -> datetime:
    """Return the UTC instant of `to_microseconds`."""
    return _EPOCH + timedelta(microseconds=microseconds)


def zone(name: str) -> ZoneInfo:
    """Return the time zone called `name`."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise UnknownTimeZone(name) from None


def local_date(at: datetime, time_zone: str) -> date:
    """Return the calendar date that `at` has in the time zone."""
    return at.astimezone(zone(time_zone)).date()


def day_start(day: date, time_zone: str) -> datetime:
    """Return the first instant of a local day, also where the clocks change at midnight."""
    return datetime(day.year, day.month, day.day, tzinfo=zone(time_zone)).astimezone(UTC)


def month_containing(at: datetime, time_zone: str) -> Period:
    """Return the local calendar month that contains `at`."""
    day = local_date(at, time_zone)
    return _month(day.year, day.month, time_zone)


def next_month(period: Period, time_zone: str) -> Period:
    """Return the month that begins where `period` ends."""
    return month_containing(period.end, time_zone)


def previous_month(period: Period, time_zone: str) -> Period:
    """Return the month that ends where `period` begins."""
    return month_containing(period.start - INSTANT, time_zone)


def months_from(at: datetime, time_zone: str) -> Iterator[Period]:
    """Yield the month that contains `at` and every later one, without end."""
    month = month_containing(at, time_zone)
    while True:
        yield month
        month = next_month(month, time_zone)


def first_months(at: datetime, count: int, time_zone: str) -> tuple[Period, ...]:
    """Return the month that contains `at` and the following ones, `count` in all."""
    return tuple(islice(months_from(at, time_zone), count))


def iterate(period: Period, time_zone: str) -> Iterator[Period]:
    """Return the months that `period` touches, whole, one by one."""
    return takewhile(lambda month: month.start < period.end, months_from(period.start, time_zone))


def months_between(earlier: datetime, later: datetime, time_zone: str) -> int:
    """Return how many month bounds lie between two instants; negative when `later` comes first."""
    first, last = local_date(earlier, time_zone), local_date(later, time_zone)
    return (last.year - first.year) * 12 + last.month - first.month


def local_days(period: Period, time_zone: str) -> tuple[Period, ...]:
    """Return the local days of `period`, cut at its bounds: together they are the period."""
    found: list[Period] = []
    day, cursor = local_date(period.start, time_zone), period.start
    while cursor < period.end:
        day += timedelta(days=1)
        end = min(day_start(day, time_zone), period.end)
        if cursor < end:  # a time zone that moves over the date line skips a day
            found.append(Period(cursor, end))
            cursor = end
    return tuple(found)


def days(period: Period, time_zone: str) -> int:
    """Return how many local days `period` touches."""
    last = local_date(period.end - INSTANT, time_zone)
    return (last - local_date(period.start, time_zone)).days + 1


def add_months(at: datetime, months: int, time_zone: str, *, anchor_day: int = 0) -> datetime:
    """Return the same local day and time `months` later, or the month's last day where it has no such day.

    A cycle that began on the 31st passes `anchor_day=31` with every step, so that February does not shorten March.

    >>> str(add_months(datetime(2026, 1, 31, tzinfo=UTC), 1, "UTC"))
    '2026-02-28 00:00:00+00:00'
    """
    local = at.astimezone(zone(time_zone))
    index = local.year * 12 + local.month - 1 + months
    year, month = index // 12, index % 12 + 1
    day = min(anchor_day or local.day, monthrange(year, month)[1])
    return local.replace(year=year, month=month, day=day, fold=0).astimezone(UTC)


def add_days(at: datetime, count: int, time_zone: str) -> datetime:
    """Return the same local time `count` days later."""
    return (at.astimezone(zone(time_zone)) + timedelta(days=count)).astimezone(UTC)


def label(period: Period, time_zone: str) -> str:
    """Return the month in which `period` begins, as "2026-10"."""
    return local_date(period.start, time_zone).strftime("%Y-%m")


def parse_label(text: str, time_zone: str) -> Period:
    """Return the month called `text`."""
    found = _LABEL.fullmatch(text)
    if not found or not 1 < int(found[1]) < 9999:
        raise InvalidPeriod(f"{text[:20]!r} is not a month; write 2026-10")
    return _month(int(found[1]), int(found[2]), time_zone)


def _month(year: int, month: int, time_zone: str) -> Period:
    after = date(year + month // 12, month % 12 + 1, 1)
    return Period(day_start(date(year, month, 1), time_zone), day_start(after, time_zone))


def months_span(at: datetime, anchor: datetime, count: int, time_zone: str) -> Period:
    """Return the run of `count` months that contains `at`, the runs being laid end to end from the anchor's month.

    >>> quarter = months_span(datetime(2026, 6, 9, tzinfo=UTC), datetime(2026, 2, 20, tzinfo=UTC), 3, "UTC")
    >>> str(quarter.start.date()), str(quarter.end.date())
    ('2026-05-01', '2026-08-01')
    """
    day = local_date(at, time_zone)
    first = day.year * 12 + day.month - 1 - months_between(anchor, at, time_zone) % count
    after = first + count
    return Period(
        day_start(date(first // 12, first % 12 + 1, 1), time_zone),
        day_start(date(after // 12, after % 12 + 1, 1), time_zone),
    )


def days_span(at: datetime, anchor: datetime, count: int, time_zone: str) -> Period:
    """Return the run of `count` local days that contains `at`, the runs being laid end to end from the anchor's day.

    >>> week = days_span(datetime(2026, 10, 9, tzinfo=UTC), datetime(2026, 9, 3, 18, tzinfo=UTC), 7, "UTC")
    >>> str(week.start.date()), str(week.end.date())
    ('2026-10-08', '2026-10-15')
    """
    day = local_date(at, time_zone)
    first = day - timedelta(days=(day - local_date(anchor, time_zone)).days % count)
    return Period(day_start(first, time_zone), day_start(first + timedelta(days=count), time_zone))
