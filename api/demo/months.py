"""Which months does the demo cover, as seen from one organization?

Three full calendar months before `at`, and the one that is running; months are those of the organization's time zone.
Among any three in a row there is one of 31 days: the latest of them carries the worked example of the tracker.

>>> months = Months.before(datetime(2026, 11, 21, 21, tzinfo=UTC), "Europe/Moscow")
>>> [periods.label(month, months.time_zone) for month in months.closed], months.worked_example
(['2026-08', '2026-09', '2026-10'], 2)
>>> str(months.moment(0, 3, "09:30"))
'2026-08-03 06:30:00+00:00'
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Self

from billing import periods
from billing.periods import Period

CLOSED: Final = 3
RUNNING: Final = 3
BEFORE: Final = -1
_CLOSING_DELAY: Final = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Months:
    """The months of one organization. Number 0, 1 and 2 are closed, 3 is running, −1 lies before all of them."""

    time_zone: str
    at: datetime
    preceding: Period
    closed: tuple[Period, ...]
    running: Period

    @classmethod
    def before(cls, at: datetime, time_zone: str) -> Self:
        """Return the months that lead up to `at`."""
        running = month = periods.month_containing(periods.require_utc(at), time_zone)
        closed: list[Period] = []
        for _ in range(CLOSED):
            month = periods.previous_month(month, time_zone)
            closed.insert(0, month)
        return cls(time_zone, at, periods.previous_month(month, time_zone), tuple(closed), running)

    @property
    def worked_example(self) -> int:
        """The number of the latest closed month of 31 days."""
        return max(number for number, month in enumerate(self.closed) if periods.days(month, self.time_zone) == 31)

    def month(self, number: int) -> Period:
        """Return the month of this number, whole."""
        return (self.preceding, *self.closed, self.running)[number + 1]

    def label(self, number: int) -> str:
        """Return the month's name, as 2026-10."""
        return periods.label(self.month(number), self.time_zone)

    def moment(self, number: int, day: int, clock: str = "00:00") -> datetime:
        """Return the instant of a local day and time; `day` is at most 28, so that every month has it."""
        first = periods.local_date(self.month(number).start, self.time_zone)
        local = datetime.combine(first.replace(day=day), time.fromisoformat(clock), periods.zone(self.time_zone))
        return local.astimezone(UTC)

    def closing(self, number: int) -> datetime:
        """Return when a month is closed: a few hours after its end, and never after `at`."""
        return min(self.month(number).end + _CLOSING_DELAY, self.at)

    def days(self, number: int) -> Iterator[tuple[date, Period]]:
        """Yield the local days of a month that have begun by `at`, the last one cut off there."""
        for day in periods.local_days(self.month(number), self.time_zone):
            if day.start < self.at:
                cut = Period(day.start, min(day.end, self.at))
                yield periods.local_date(day.start, self.time_zone), cut

    def elapsed(self, number: int) -> tuple[int, int]:
        """Return how much of a month has passed at `at`, and how long it is, in microseconds."""
        month = self.month(number)
        passed = max(self.at, month.start) - month.start
        return min(passed // timedelta(microseconds=1), month.microseconds), month.microseconds
