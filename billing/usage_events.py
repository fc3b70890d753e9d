"""What do single usage events add up to?

Some quantities and prices cannot be told from totals: a fee for each payment, a level held over time, the peak of
each hour. They are worked out from the events, in the order in which these occurred; events of one instant are ordered
by id, so a bill never depends on the order in which they arrived.

>>> from datetime import UTC
>>> march = Period(datetime(2023, 3, 1, tzinfo=UTC), datetime(2023, 4, 1, tzinfo=UTC))
>>> stored = UsageEvent(datetime(2023, 3, 5, tzinfo=UTC), "e1", "ann", "storage", Fraction(2500))
>>> aggregate((stored,), Aggregation.WEIGHTED_SUM, march) == Fraction(2500 * 27, 31)
True
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction
from itertools import groupby
from typing import assert_never

from billing.periods import Period, local_days, require_utc, zone
from billing.usage import Aggregation


class Window(StrEnum):
    """The time over which usage is aggregated and priced by itself. Hours and days are local."""

    PERIOD = "PERIOD"
    DAY = "DAY"
    HOUR = "HOUR"


@dataclass(frozen=True, slots=True, order=True)
class UsageEvent:
    """One metered event. `value` is an amount, a count or the change of a level; UNIQUE counts `subject`.

    An event that corrects another names it in `replaces`: the other counts no longer, whichever arrived first.
    """

    occurred_at: datetime
    id: str
    member_id: str
    meter: str
    value: Fraction
    subject: str = ""
    replaces: str = ""

    def __post_init__(self) -> None:
        require_utc(self.occurred_at)


def ordered(events: Iterable[UsageEvent], meter: str, period: Period) -> tuple[UsageEvent, ...]:
    """Return the events of `meter` within `period`, in the order in which they occurred, each once.

    Give all events of the meter that may replace one another: a replaced one is left out wherever it occurred.
    """
    known = {event for event in events if event.meter == meter}
    replaced = {event.replaces for event in known}
    return tuple(sorted(each for each in known if each.id not in replaced and period.contains(each.occurred_at)))


def aggregate(
    events: Sequence[UsageEvent], aggregation: Aggregation, period: Period, *, within: Period | None = None
) -> Fraction:
    """Return the quantity of ordered `events`; of a level over time, what it was `within` a part of the period."""
    match aggregation:
        case Aggregation.SUM:
            return sum((event.value for event in events), Fraction(0))
        case Aggregation.COUNT:
            return Fraction(len(events))
        case Aggregation.MAX:
            return max((event.value for event in events), default=Fraction(0))
        case Aggregation.UNIQUE:
            return Fraction(len({event.subject or event.member_id for event in events}))
        case Aggregation.LATEST:
            return events[-1].value if events else Fraction(0)
        case Aggregation.WEIGHTED_SUM:
            return sum((event.value * _held(event, period, within or period) for event in events), Fraction(0))
        case _:
            assert_never(aggregation)


def windows(events: Sequence[UsageEvent], window: Window, time_zone: str) -> tuple[tuple[UsageEvent, ...], ...]:
    """Return the ordered events of each window that has any."""
    match window:
        case Window.PERIOD:
            return (tuple(events),)
        case Window.DAY | Window.HOUR:
            groups = groupby(events, key=lambda event: _window_of(event, window, time_zone))
            return tuple(tuple(group) for _, group in groups)
        case _:
            assert_never(window)


def window_count(window: Window, period: Period, time_zone: str) -> int:
    """Return how many windows `period` has."""
    match window:
        case Window.PERIOD:
            return 1
        case Window.DAY:
            return len(local_days(period, time_zone))
        case Window.HOUR:
            return -(-period.microseconds // 3_600_000_000)
        case _:
            assert_never(window)


def weight(events: Sequence[UsageEvent], aggregation: Aggregation) -> Fraction:
    """Return what one member's events weigh when the amount is divided among members; never below 0."""
    match aggregation:
        case Aggregation.COUNT:
            return Fraction(len(events))
        case Aggregation.UNIQUE:
            return Fraction(len({event.subject or event.member_id for event in events}))
        case Aggregation.SUM | Aggregation.MAX | Aggregation.LATEST | Aggregation.WEIGHTED_SUM:
            return max(Fraction(0), sum((event.value for event in events), Fraction(0)))
        case _:
            assert_never(aggregation)


def _held(event: UsageEvent, period: Period, within: Period) -> Fraction:
    """Return the part of the period over which a change of the level lasts."""
    lasts = Period(event.occurred_at, period.end).overlap(within)
    return Fraction(lasts.microseconds if lasts else 0, period.microseconds)


def _window_of(event: UsageEvent, window: Window, time_zone: str) -> tuple[int, ...]:
    """Return the local day or hour; an hour repeated when the clock goes back is another hour."""
    local = event.occurred_at.astimezone(zone(time_zone))
    if window is Window.DAY:
        return (local.toordinal(),)
    begins = local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    return (begins.toordinal(), begins.hour)
