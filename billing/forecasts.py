"""What will the month come to, and when is a cap reached?

METHOD: spent so far, plus for each day that is left what such a weekday usually costs. History is the last 28 complete
days, from the first of them on which anything was spent; with fewer than 7 there is no forecast. Usual is the median of
that weekday, pulled towards the level of the history as if that were one more such day: with little history the level
decides, with much the weekday does. The level is the mean of the days without the highest and the lowest tenth. Today
counts for what it has cost already, or for what is usual if that is more. Growth is not carried on.

The range from `low` to `high` should hold the month's real total in four of five months. It is the expected total plus
and minus 1.606 times the mean distance of the days of the history from what was usual on the others, times √(left +
left²/history): the first part for the luck of the days to come, the second for not knowing what is usual. 1.606 is
1.2816, the 90th percentile of the normal distribution, times 1.2533, its standard deviation in mean distances. Days are
taken to be independent. What is spent is not unspent, so `low` is never below it.

>>> july = Month(date(2026, 7, 1), date(2026, 8, 1))
>>> steady = {date(2026, 7, day): 10 for day in range(1, 22)}
>>> found = forecast(steady, month=july, today=date(2026, 7, 21))
>>> found.spent, found.low, found.expected, found.high, found.reached_on(250)
(210, 310, 310, 310, datetime.date(2026, 7, 25))
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from math import isqrt
from typing import Final

from billing.medians import median

HISTORY_DAYS: Final = 28
HISTORY_DAYS_MIN: Final = 7
METHOD: Final = "MONTH_TO_DATE_PLUS_USUAL_WEEKDAYS"
_DAY: Final = timedelta(days=1)
_WIDTH_PER_MILLE: Final = 1_606


@dataclass(frozen=True, slots=True)
class Month:
    """The local days of a month: `first` is in it, `after` is not."""

    first: date
    after: date

    def days_from(self, day: date) -> Iterator[date]:
        """Yield the days from `day` on that are in the month."""
        while day < self.after:
            yield day
            day += _DAY


class Gap(StrEnum):
    """Why there is no forecast."""

    TOO_LITTLE_HISTORY = "TOO_LITTLE_HISTORY"


@dataclass(frozen=True, slots=True)
class Unknown:
    """There is no forecast, and this is why. `history_days` complete days are known."""

    gap: Gap
    spent: int
    history_days: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a month will come to, in nanos, with everything it was computed from.

    `usual` has the seven weekdays, Monday first. `path` is the expected total at the end of each day that is left.
    """

    spent: int
    low: int
    expected: int
    high: int
    history_from: date | None
    history_days: int
    distance: int
    usual: tuple[int, ...]
    path: tuple[tuple[date, int], ...]

    def reached_on(self, cap: int) -> date | None:
        """Return the first day at whose end a cap is expected to be reached; None for not in this month."""
        return next((day for day, total in self.path if total >= cap), None)


def days_needed(month: Month, today: date) -> tuple[date, ...]:
    """Return the days whose spend must be known for a forecast."""
    first = month.first if today >= month.after else min(month.first, today - HISTORY_DAYS * _DAY)
    return tuple(replace(month, first=first).days_from(first))


def forecast(spent: Mapping[date, int], *, month: Month, today: date) -> Forecast | Unknown:
    """Return what `month` will come to, given what was spent on each day; a day that is missing had nothing."""
    so_far = sum(nanos for day, nanos in spent.items() if month.first <= day < month.after)
    if today >= month.after:
        return Forecast(so_far, so_far, so_far, so_far, None, 0, 0, (0,) * 7, ())
    history = _history(spent, today)
    if len(history) < HISTORY_DAYS_MIN:
        return Unknown(Gap.TOO_LITTLE_HISTORY, so_far, len(history))
    level = _level([nanos for _, nanos in history])
    by_weekday = [[nanos for day, nanos in history if day.weekday() == weekday] for weekday in range(7)]
    usual = tuple(_usual(days, level) for days in by_weekday)
    path, total = [], so_far - (spent.get(today, 0) if today >= month.first else 0)
    for day in month.days_from(max(today, month.first)):
        total += max(usual[day.weekday()], spent.get(today, 0) if day == today else 0)
        path.append((day, total))
    distances = sum(_distances(days, level) for days in by_weekday)
    margin = _margin(distances, len(history), len(path))
    return Forecast(
        spent=so_far,
        low=max(so_far, total - margin),
        expected=total,
        high=total + margin,
        history_from=history[0][0],
        history_days=len(history),
        distance=distances // len(history),
        usual=usual,
        path=tuple(path),
    )


def _history(spent: Mapping[date, int], today: date) -> Sequence[tuple[date, int]]:
    """Return the complete days before today, from the first on which anything was spent."""
    days = [today - count * _DAY for count in range(HISTORY_DAYS, 0, -1)]
    found = [(day, spent.get(day, 0)) for day in days]
    begun = next((index for index, (_, nanos) in enumerate(found) if nanos), len(found))
    return found[begun:]


def _level(nanos: Sequence[int]) -> int:
    """Return the mean without the highest and the lowest tenth, each rounded up to whole days."""
    cut = -(-len(nanos) // 10)
    kept = sorted(nanos)[cut:-cut]
    return sum(kept) // len(kept)


def _usual(days: Sequence[int], level: int) -> int:
    """Return what a weekday usually costs, from what it cost and the level of all days."""
    return (len(days) * median(days) + level) // (len(days) + 1) if days else level


def _distances(days: Sequence[int], level: int) -> int:
    """Return how far the days of one weekday are from what was usual on the others of them, in all."""
    return sum(abs(nanos - _usual([*days[:index], *days[index + 1 :]], level)) for index, nanos in enumerate(days))


def _margin(distances: int, history_days: int, days_left: int) -> int:
    scaled = (_WIDTH_PER_MILLE * distances) ** 2 * days_left * (history_days + days_left)
    return isqrt(scaled // (history_days**3 * 1_000**2))
