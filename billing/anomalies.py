"""Is what a member spends today unusual for them?

A day is unusual when it costs more than the member's median day plus so many times the median distance of their days
from it (the median absolute deviation). Counted are the days of the last 28 before it on which the member spent
anything: somebody who works two days a week is not unusual on both of them. With fewer than 7 such days nothing is
unusual yet. Very steady spenders have hardly any distance, so at least a sixth of the median is taken for it; and
nothing up to a floor amount is ever unusual, so that pennies never alert.

>>> days = {date(2026, 7, day): nanos for day, nanos in enumerate((90, 100, 110, 0, 80, 120, 100, 100), start=1)}
>>> found = baseline(days, day=date(2026, 7, 9), watch=Watch(Sensitivity.NORMAL, floor=50))
>>> found.median, found.distance, found.days, found.threshold
(100, 10, 7, 202)
>>> is_unusual(202, found), is_unusual(203, found)
(False, True)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from billing.medians import distance, median
from billing.money import NANOS_MAX

HISTORY_DAYS: Final = 28
ACTIVE_DAYS_MIN: Final = 7
_STEADY_PARTS: Final = 6


class Sensitivity(StrEnum):
    """How far from usual is unusual."""

    OFF = "OFF"
    LOW = "LOW"
    NORMAL = "NORMAL"
    HIGH = "HIGH"


DISTANCES: Final[Mapping[Sensitivity, int]] = MappingProxyType(
    {Sensitivity.LOW: 10, Sensitivity.NORMAL: 6, Sensitivity.HIGH: 4}
)
"""How many median distances above the median a day becomes unusual."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How closely an organization watches; a day that costs no more than `floor` nanos is never unusual."""

    sensitivity: Sensitivity
    floor: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is usual for a member, from so many `days`, and above which day's total it is unusual. In nanos."""

    median: int
    distance: int
    days: int
    threshold: int


def baseline(spent: Mapping[date, int], *, day: date, watch: Watch) -> Baseline | None:
    """Return what is usual before `day`; None where nothing is watched for, or too little is known."""
    first = day - timedelta(days=HISTORY_DAYS)
    active = [nanos for each, nanos in spent.items() if first <= each < day and nanos > 0]
    if watch.sensitivity is Sensitivity.OFF or len(active) < ACTIVE_DAYS_MIN:
        return None
    middle, apart = median(active), distance(active)
    step = max(apart, -(-middle // _STEADY_PARTS))
    threshold = max(watch.floor, middle + DISTANCES[watch.sensitivity] * step)
    return Baseline(middle, apart, len(active), min(threshold, NANOS_MAX))


def is_unusual(spent: int, usual: Baseline) -> bool:
    """Return whether a day's total stands out."""
    return spent > usual.threshold


def dedup_id(member_id: str, day: date) -> str:
    """Return the name of one alert: a member's day always gives the same."""
    return f"unusual:{member_id}:{day.isoformat()}"
