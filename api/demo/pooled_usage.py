"""What did somebody of the pooled organization use, and when?

Each has a habit: how many calls a month, for how much money, of which model mostly. Calls fall on working days and
hours. Their sizes are drawn, then scaled, so that a month costs just below what the habit says and never more,
whatever the prices.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from api.demo.catalogue import LARGE, MINI
from api.demo.dice import Dice
from api.demo.months import Months
from api.demo.scripts import Use
from billing import rating
from billing.periods import Period
from billing.rating import Direction, RateCard

BATCH_MAX: Final = 1_000
CURRENCY: Final = "USD"
_FIRST_HOUR: Final = 8
_HOURS: Final = (1, 3, 6, 8, 8, 5, 6, 8, 7, 5, 3, 1)
_WORKING_DAY, _WEEKEND = 20, 1
_SHORT_DAY: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Habit:
    """How somebody works over a whole month: `calls` calls for at most `nanos`, `large` percent of the large model."""

    email: str
    calls: int
    nanos: int
    large: int


def of_month(habit: Habit, months: Months, number: int, cards: Sequence[RateCard], present: Period) -> tuple[Use, ...]:
    """Return what one person used in one month while `present`, in order of time."""
    label = months.label(number)
    drawn = [
        each
        for each in _draw(Dice(f"{habit.email}/{label}"), habit, months, number)
        if present.contains(each.occurred_at)
    ]
    whole = sum(cost_nanos(cards, each) for each in drawn)
    used = [replace(each, quantity=each.quantity * habit.nanos // whole) for each in drawn]
    return tuple(sorted(used, key=lambda use: (use.occurred_at, use.event_id)))


def cost_nanos(cards: Sequence[RateCard], use: Use) -> int:
    """Return what one use costs by the card in force when it occurs."""
    return rating.rate(cards, use.model, use.direction, use.quantity, use.occurred_at, CURRENCY).cost_nanos


def _draw(dice: Dice, habit: Habit, months: Months, number: int) -> Iterator[Use]:
    """Yield the calls of a month before they are scaled, each side of a call by itself."""
    days, prefix = _days(months, number), f"{habit.email.split('@')[0]}/{months.label(number)}"
    for call in range(habit.calls):
        occurred_at = _instant(dice, days, months)
        model = LARGE if dice.below(100) < habit.large else MINI
        for direction, quantity in _sides(dice):
            event_id = f"{prefix}/{call:03d}/{direction.lower()}"
            yield Use(event_id, habit.email, model, direction, quantity, occurred_at)


def _sides(dice: Dice) -> Iterator[tuple[Direction, int]]:
    """Yield the tokens of one call: most are small, a few are very large, some find their context in the cache."""
    yield Direction.INPUT, dice.between(200, 4_000) << dice.weighted((6, 3, 1))
    yield Direction.OUTPUT, dice.between(100, 1_500) << dice.weighted((6, 3, 1))
    if dice.below(100) < 40:
        yield Direction.CACHE_READ, dice.between(2_000, 30_000)
    if dice.below(100) < 15:
        yield Direction.CACHE_WRITE, dice.between(1_000, 12_000)


def _days(months: Months, number: int) -> list[tuple[int, Period]]:
    """Return the days that have begun with their weights; a day hardly begun counts only where it is the only one."""
    begun = [(_WORKING_DAY if date.weekday() < 5 else _WEEKEND, day) for date, day in months.days(number)]
    return [each for each in begun if each[1].end - each[1].start >= _SHORT_DAY] or begun


def _instant(dice: Dice, days: Sequence[tuple[int, Period]], months: Months) -> datetime:
    """Return when a call is made; at the very first instant of a month there is only this one."""
    if not days:
        return months.at
    day = days[dice.weighted([weight for weight, _ in days])][1]
    seconds = (_FIRST_HOUR + dice.weighted(_HOURS)) * 3_600 + dice.below(3_600)
    if day.start + timedelta(seconds=seconds) >= day.end:
        seconds = dice.below(day.microseconds // 1_000_000 + 1)
    return min(day.start + timedelta(seconds=seconds, milliseconds=dice.below(1_000)), months.at)
