"""How is something measured on a machine that is never quite idle?

By its ratio to a plain counterpart, round by round: both are measured in each round, in alternating order, so that
whatever else the machine does falls on both. The median of the ratios is the figure; the extremes say how far to
trust it.

>>> ratio([4.0, 6.0, 9.0], [2.0, 2.0, 3.0])
Ratio(median=3.0, least=2.0, most=3.0)
>>> percentile([1.0, 2.0, 3.0, 4.0], 50), percentile([1.0, 2.0, 3.0, 4.0], 99), percentile([], 99)
(2.0, 4.0, 0.0)
"""

import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median

Measured = Callable[[int], Awaitable[object]]
"""What one round does; it is given the round's number."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as long something took as its counterpart."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f}–{self.most:.2f})"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Return the ratio of two series that were measured round by round."""
    found = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return Ratio(median(found), min(found), max(found))


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the least value that `percent` of the values do not exceed; 0 of no values."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


async def seconds(measured: Awaitable[object]) -> float:
    """Return how long something takes."""
    started = time.perf_counter()
    await measured
    return time.perf_counter() - started


async def interleaved(rounds: int, first: Measured, second: Measured) -> tuple[list[float], list[float]]:
    """Return the seconds of both in each round; who begins alternates."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        for which in order:
            times[which].append(await seconds((first, second)[which](number)))
    return times
