"""Can this question be answered as it is asked?

The rules refuse what makes no sense. Refused here is what they would pass over: a measure that the item has no use
for, a key used twice, a discount that nothing could be taken off, and more work than one question may cause.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

from billing.estimate_documents import MEASURES
from billing.money import parse_exact
from billing.placements import Placement
from billing.plan_items import Capacity, ContractBand, Flat, PeakSeats, PlanItem, Seats, Usage
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
from billing.usage_events import Window
from schema.estimate_inputs import EstimateInput, EstimateItemInput
from schema.estimate_measures import EstimateSpanInput
from schema.inputs import InvalidInput
from schema.plan_policies import DiscountKind
from services.outcomes import RefusalCode

TIMED: Final = ("seats", "events")
STEPS_MAX: Final = 10_000
SPAN_MAX: Final = timedelta(days=3_660)
FROM, UNTIL = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
WINDOWS: Final = {Window.DAY: timedelta(days=1), Window.HOUR: timedelta(hours=1)}


def check(given: EstimateInput, items: Sequence[PlanItem]) -> None:
    """Raise `InvalidInput` with the path of what cannot be answered; `items` are the items as the rules read them."""
    for name in ("commitment", "credit"):
        amount = getattr(given, name)
        if amount is not None and parse_exact(amount) < 0:
            raise InvalidInput(RefusalCode.AMOUNT_INVALID, f"{amount} is below 0", (name,))
    for index, discount in enumerate(given.discounts):
        if discount.kind is DiscountKind.USAGE:
            message = "units are taken off an item, not off the whole"
            raise InvalidInput(RefusalCode.PLAN_INVALID, message, ("discounts", str(index), "kind"))
    keys: set[str] = set()
    steps = 0
    for index, (item, asked) in enumerate(zip(items, given.items, strict=True)):
        place = ("items", str(index))
        if item.key in keys:
            raise InvalidInput(RefusalCode.PLAN_INVALID, f"{item.key!r} is used twice", (*place, "item", "key"))
        keys.add(item.key)
        for message, field in _faults(item, asked):
            raise InvalidInput(RefusalCode.INPUT_INVALID, message, (*place, *field))
        steps += _counted(asked) + _priced(item, asked) * _rows(item) + _lines(item, asked) * len(given.discounts)
        if steps > STEPS_MAX:
            message = f"the question takes {steps} steps by here, each seat, event, tier and discount being one"
            raise InvalidInput(RefusalCode.INPUT_INVALID, f"{message}; the bound is {STEPS_MAX}", place)


def measures(item: PlanItem) -> tuple[str, ...]:
    """Return what can say how much of `item` there is; `span` stands for the time alone."""
    match item.price:
        case RateCardPrice():
            return ("tokens",)
        case CapacityPrice():
            return ("peaks", "events")
        case PercentagePrice() if item.price.by_event:
            return ("amounts", "events")
        case _:
            pass
    match item.quantity:
        case Seats():
            placed = item.placement is Placement.BY_RUNNING_UNITS
            return ("quantity", "seats", "changes") if placed else ("quantity", "seats")
        case PeakSeats():
            return ("quantity", "seats")
        case Usage(window=Window.PERIOD):
            of_amounts = isinstance(item.price, PercentagePrice)
            return ("quantity", "events", "amounts") if of_amounts else ("quantity", "events")
        case Usage():
            return ("windows", "events")
        case Capacity():
            return ("peaks", "events")
        case ContractBand():
            return ("quantity",)
        case Flat():
            return ("quantity", "span")
        case _:
            assert_never(item.quantity)


def measure(asked: EstimateItemInput) -> str | None:
    """Return the name of what says how much, where anything does."""
    return next((name for name in MEASURES if getattr(asked, name) is not None), None)


def _faults(item: PlanItem, asked: EstimateItemInput) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what is wrong with how much is asked, and where; the first is what a client is told."""
    fitting = measures(item)
    told = f"item {item.key!r} is measured by {' or '.join(fitting)}"
    given = [name for name in MEASURES if getattr(asked, name) is not None]
    for name in given:
        if name not in fitting:
            yield told, (name,)
    if not given and not (asked.span and "span" in fitting):
        yield f"missing; {told}", (fitting[0],)
    if asked.span is not None:
        yield from _span_faults(asked.span)
        if given and given[0] not in TIMED:
            yield f"{given[0]} says how much already; a span goes with {' or '.join(TIMED)}, or alone", ("span",)
    if isinstance(item.price, RateCardPrice):
        for name in ("share", "billed"):
            if getattr(asked, name) is not None:
                yield "a rate card prices what occurred, all of it, once", (name,)
    for index, seat in enumerate(asked.seats or ()):
        if seat.member is not None and seat.count is not None:
            yield f"{seat.count} seats given; a member holds one", ("seats", str(index), "count")
    meters: set[str] = set()
    for index, peak in enumerate(asked.peaks or ()):
        if peak.meter in meters:
            yield f"{peak.meter!r} is given twice", ("peaks", str(index), "meter")
        meters.add(peak.meter)


def _span_faults(span: EstimateSpanInput) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name in ("start", "end"):
        at = getattr(span, name)
        if not FROM <= at <= UNTIL:
            yield f"{at.isoformat()} is outside {FROM.isoformat()} to {UNTIL.isoformat()}", ("span", name)
    if span.end - span.start > SPAN_MAX:
        yield f"{(span.end - span.start).days} days; the bound is {SPAN_MAX.days}", ("span", "end")


def _counted(asked: EstimateItemInput) -> int:
    """Return how many things are put together into one quantity."""
    lists = (asked.tokens, asked.events, asked.peaks)
    return sum(len(each or ()) for each in lists) + sum(max(1, seat.count or 1) for seat in asked.seats or ())


def _priced(item: PlanItem, asked: EstimateItemInput) -> int:
    """Return how many times the price is worked out; a window that is committed to is priced without usage too."""
    lists = (asked.amounts, asked.windows, asked.changes)
    times = 1 + sum(len(each or ()) for each in lists)
    if item.placement is Placement.BY_RUNNING_UNITS:
        times += 2 * len(asked.seats or ())
    if isinstance(item.quantity, Usage) and item.quantity.window is not Window.PERIOD:
        times += len(asked.events or ())
        if asked.span is not None and item.commitment is not None:
            times += max(0, (asked.span.end - asked.span.start) // WINDOWS[item.quantity.window])
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
