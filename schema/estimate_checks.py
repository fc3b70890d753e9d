"""How much work may one question cause?

Anybody may ask, so every question is bounded before it is priced: first by what there is to read, then by how often a
price is worked out of it. What makes no sense is refused by the rules themselves.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, assert_never

from billing.asks import Ask, Held, Occurred
from billing.placements import Placement
from billing.plan_items import PlanItem
from billing.prices import (
    BandPrice,
    CapacityPrice,
    GraduatedPercentagePrice,
    GraduatedPrice,
    PackagePrice,
    PercentagePrice,
    RateCardPrice,
    UnitPrice,
    VolumePrice,
)
from billing.quantities import Usage
from billing.usage_events import Window
from schema.estimate_inputs import EstimateInput, EstimateItemInput
from schema.inputs import InvalidInput
from services.outcomes import RefusalCode

STEPS_MAX: Final = 10_000
WINDOWS: Final = {Window.DAY: timedelta(days=1), Window.HOUR: timedelta(hours=1)}


def check_size(given: EstimateInput) -> None:
    """Raise `InvalidInput` with the first item by which there is too much to read."""
    steps = 0
    for index, asked in enumerate(given.items):
        steps += _counted(asked)
        _bounded(steps, index)


def check_work(given: EstimateInput, asks: Sequence[Ask]) -> None:
    """Raise `InvalidInput` with the first item by which there is too much to work out; `asks` are what was read."""
    steps = 0
    for index, (ask, asked) in enumerate(zip(asks, given.items, strict=True)):
        lines = _lines(ask.item, asked) * len(given.discounts)
        steps += _counted(asked) + _priced(ask, asked) * _rows(ask.item) + lines
        _bounded(steps, index)


def _bounded(steps: int, index: int) -> None:
    if steps > STEPS_MAX:
        message = f"the question takes {steps} steps by here, each seat, event, tier and discount being one"
        place = ("items", str(index))
        raise InvalidInput(RefusalCode.INPUT_INVALID, f"{message}; the bound is {STEPS_MAX}", place)


def _counted(asked: EstimateItemInput) -> int:
    """Return how many things are put together into one quantity."""
    lists = (asked.tokens, asked.events, asked.peaks)
    return sum(len(each or ()) for each in lists) + sum(max(1, seat.count or 1) for seat in asked.seats or ())


def _priced(ask: Ask, asked: EstimateItemInput) -> int:
    """Return how many times the price is worked out; a window that is committed to is priced without usage too."""
    item, lists = ask.item, (asked.amounts, asked.windows, asked.changes)
    times = 1 + sum(len(each or ()) for each in lists)
    if item.placement is Placement.BY_RUNNING_UNITS:
        times += 2 * len(asked.seats or ())
    if isinstance(item.quantity, Usage) and item.quantity.window is not Window.PERIOD:
        times += len(asked.events or ())
        if isinstance(ask.measure, Held | Occurred) and item.commitment is not None:
            period = ask.measure.span.period
            times += (period.end - period.start) // WINDOWS[item.quantity.window]
    return times


def _lines(item: PlanItem, asked: EstimateItemInput) -> int:
    """Return how many lines there may be, each of which bears its share of every discount on the whole."""
    return max(1, len(asked.tokens or ())) + len(item.discounts) + 1


def _rows(item: PlanItem) -> int:
    """Return how many rows the price has."""
    match item.price:
        case GraduatedPrice() | VolumePrice() | GraduatedPercentagePrice():
            return len(item.price.tiers)
        case BandPrice() | CapacityPrice():
            return len(item.price.bands)
        case UnitPrice() | PackagePrice() | PercentagePrice() | RateCardPrice():
            return 1
        case _:
            assert_never(item.price)
