"""At which points of a limit is somebody told, and how far has spend come?

A mark is a percent of the cap or an amount. Beyond the last one a step may repeat: percents go on from the highest
percent, amounts from the highest amount. One leap over many repeats tells only the highest few, the one reached last
always among them, so that a mistake of a source is ten alerts and not ten thousand.

>>> [mark.percent for mark in marks(Plan((50, 100), repeat=EveryPercent(25)), 200, 310)]
[50, 100, 125, 150]
>>> [mark.nanos for mark in marks(Plan((), amounts=(1,), repeat=EveryAmount(1)), None, 1_000)]
[1, 991, 992, 993, 994, 995, 996, 997, 998, 999, 1000]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from billing.money import NANOS_MAX
from billing.periods import require_utc, to_microseconds

THRESHOLDS: Final = (75, 90, 100)
THRESHOLD_MAX: Final = 100
MARKS_MAX: Final = 20
REPEAT_PERCENT_MAX: Final = 1_000
REPEATS_AT_ONCE_MAX: Final = 10


class InvalidMarks(ValueError):
    """The points are too many, do not rise, or lie outside their bounds."""


@dataclass(frozen=True, slots=True)
class EveryPercent:
    """Again at every further so many percent of the cap."""

    percent: int


@dataclass(frozen=True, slots=True)
class EveryAmount:
    """Again at every further amount."""

    nanos: int


Repeat = EveryPercent | EveryAmount


@dataclass(frozen=True, slots=True)
class Plan:
    """When to tell: percents and amounts, each rising, and perhaps a step that repeats beyond the last."""

    percents: tuple[int, ...] = THRESHOLDS
    amounts: tuple[int, ...] = ()
    repeat: Repeat | None = None

    def __post_init__(self) -> None:
        if len(self.percents) + len(self.amounts) > MARKS_MAX:
            raise InvalidMarks(f"{len(self.percents) + len(self.amounts)} thresholds: give at most {MARKS_MAX}")
        for name, points, highest in (("percent", self.percents, THRESHOLD_MAX), ("nanos", self.amounts, NANOS_MAX)):
            if list(points) != sorted(set(points)) or any(not 1 <= point <= highest for point in points):
                raise InvalidMarks(f"thresholds {list(points)} must rise and lie between 1 and {highest} {name}")
        match self.repeat:
            case EveryPercent(step) if not 1 <= step <= REPEAT_PERCENT_MAX:
                raise InvalidMarks(f"a repeat of {step} percent is outside 1 to {REPEAT_PERCENT_MAX}")
            case EveryAmount(step) if not 1 <= step <= NANOS_MAX:
                raise InvalidMarks(f"a repeat of {step} nanos is outside 1 to {NANOS_MAX}")

    @property
    def needs_cap(self) -> bool:
        """Whether a point is a part of a cap, which something without a cap does not have."""
        return bool(self.percents) or isinstance(self.repeat, EveryPercent)


USUAL: Final = Plan()
"""What a limit tells where nothing else is asked for."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A point that was reached, at `nanos`; `percent` where it is a percent of the cap."""

    nanos: int
    percent: int | None
    repeated: bool = False

    @property
    def label(self) -> str:
        """The mark as it stands in the name of an alert."""
        return f"{self.nanos}n" if self.percent is None else str(self.percent)

    def percent_of(self, cap_nanos: int | None) -> int:
        """Return the mark as a percent of the cap, rounded down; 0 for an amount where there is nothing to compare."""
        if self.percent is not None:
            return self.percent
        return self.nanos * 100 // cap_nanos if cap_nanos else 0


def marks(plan: Plan, cap_nanos: int | None, used_nanos: int) -> tuple[Mark, ...]:
    """Return the marks that `used_nanos` has reached, lowest first.

    A percent is reached exactly at its part of the cap, and every percent of a cap of zero by the first nano.
    """
    if used_nanos <= 0:
        return ()
    found = [*_fixed(plan, cap_nanos, used_nanos), *_repeated(plan, cap_nanos, used_nanos)]
    return tuple(sorted(found, key=lambda mark: (mark.nanos, mark.percent or 0, mark.percent is None)))


def _fixed(plan: Plan, cap_nanos: int | None, used_nanos: int) -> Iterator[Mark]:
    if cap_nanos is not None:
        for percent in plan.percents:
            if used_nanos * 100 >= cap_nanos * percent:
                yield Mark(_part(cap_nanos, percent), percent)
    for amount in plan.amounts:
        if used_nanos >= amount:
            yield Mark(amount, None)


def _repeated(plan: Plan, cap_nanos: int | None, used_nanos: int) -> Iterator[Mark]:
    match plan.repeat:
        case None:
            return
        case EveryPercent(step):
            if not cap_nanos:
                return  # of nothing, every percent is reached at once
            last = max(plan.percents, default=0)
            for percent in _steps(last, step, used_nanos * 100 // cap_nanos):
                yield Mark(_part(cap_nanos, percent), percent, repeated=True)
        case EveryAmount(step):
            for amount in _steps(max(plan.amounts, default=0), step, used_nanos):
                yield Mark(amount, None, repeated=True)
        case _:
            assert_never(plan.repeat)


def _steps(last: int, step: int, reached: int) -> Iterator[int]:
    count = max(0, (reached - last) // step)
    for number in range(max(1, count - REPEATS_AT_ONCE_MAX + 1), count + 1):
        yield last + number * step


def _part(cap_nanos: int, percent: int) -> int:
    return -(-cap_nanos * percent // 100)


def dedup_id(limit_id: str, period_start: datetime, mark: Mark, version: int) -> str:
    """Return the name of one alert: the same mark, period and limit version always give the same.

    >>> from datetime import UTC
    >>> dedup_id("l1", datetime(2026, 10, 1, tzinfo=UTC), Mark(75, 75), 2)
    'l1:1790812800000000:75:2'
    """
    return f"{limit_id}:{to_microseconds(require_utc(period_start))}:{mark.label}:{version}"


def repeat_of(document: dict[str, int] | None) -> Repeat | None:
    """Return the step that a document says.

    >>> [repeat_of(repeat_document(step)) for step in (None, EveryPercent(10), EveryAmount(5))]
    [None, EveryPercent(percent=10), EveryAmount(nanos=5)]
    """
    match document:
        case None:
            return None
        case {"percent": percent}:
            return EveryPercent(percent)
        case {"nanos": nanos}:
            return EveryAmount(nanos)
        case _:
            raise ValueError(f"{document!r} is no step")


def repeat_document(repeat: Repeat | None) -> dict[str, int] | None:
    """Return a step as a document says it."""
    match repeat:
        case None:
            return None
        case EveryPercent(percent):
            return {"percent": percent}
        case EveryAmount(nanos):
            return {"nanos": nanos}
        case _:
            assert_never(repeat)
