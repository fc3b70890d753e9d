"""Does what was measured fit what the item counts?

The rules would pass over a measure that an item has no use for, and an answer to half a question is a wrong answer.
So whatever is given has a say in the amount, or is refused with its place and the bound.

>>> from fractions import Fraction
>>> from billing.plan_items import InvalidPlan
>>> from billing.quantities import Flat
>>> from billing.prices import UnitPrice
>>> fee = PlanItem("fee", {"en": "Fee"}, Flat(), UnitPrice(Fraction(9)))
>>> check(Reader({"seats": []}, "items.0", InvalidPlan), fee)
Traceback (most recent call last):
    ...
billing.plan_items.InvalidPlan: items.0.seats: item 'fee' is measured by quantity or span
"""

from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

from billing.placements import Placement
from billing.plan_items import PlanItem
from billing.prices import PercentagePrice, RateCardPrice
from billing.quantities import Capacity, ContractBand, Flat, PeakSeats, Seats, Usage
from billing.reading import Reader
from billing.usage_events import Window

MEASURES: Final = ("quantity", "tokens", "seats", "events", "amounts", "changes", "windows", "peaks")
"""What says how much; exactly one of them is given for an item, or the time alone for a fee."""

TIMED: Final = ("seats", "events")
SPAN_MAX: Final = timedelta(days=3_660)
FROM, UNTIL = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def measures(item: PlanItem) -> tuple[str, ...]:
    """Return what can say how much of `item` there is; `span` stands for the time alone."""
    match item.price:
        case RateCardPrice():
            return ("tokens",)
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


def given(reader: Reader) -> tuple[str, ...]:
    """Return the names of what says how much in the object of `reader`."""
    return tuple(name for name in MEASURES if reader.has(name))


def check(reader: Reader, item: PlanItem) -> None:
    """Raise where something says how much of `item` and would have no say, or nothing says it."""
    fitting, found = measures(item), given(reader)
    told = f"item {item.key!r} is measured by {' or '.join(fitting)}"
    for name in found:
        if name not in fitting:
            raise reader.error(reader.at(name), told)
    if len(found) > 1:
        raise reader.error(reader.at(found[1]), f"give one of {', '.join(fitting)}; {found[0]} is given")
    if not found and not (reader.has("span") and "span" in fitting):
        raise reader.error(reader.at(fitting[0]), f"missing; {told}")
    if reader.has("span") and found and found[0] not in TIMED:
        message = f"{found[0]} says how much already; a span goes with {' or '.join(TIMED)}, or alone"
        raise reader.error(reader.at("span"), message)
    for name in ("share", "billed"):
        if reader.has(name) and isinstance(item.price, RateCardPrice):
            raise reader.error(reader.at(name), "a rate card prices what occurred, all of it, once")
    _check_entries(reader, item)


def _check_entries(reader: Reader, item: PlanItem) -> None:
    """Raise where an entry of a list would have no say."""
    for seat in reader.children("seats") if reader.has("seats") else ():
        if seat.has("member") and seat.has("count"):
            raise seat.error(seat.at("count"), f"{seat.whole('count')} seats given; a member holds one")
    for event in reader.children("events") if reader.has("events") else ():
        if event.has("meter") and event.text("meter") not in item.meters:
            message = f"{event.text('meter')[:40]!r} is none of {', '.join(item.meters)}, which the item counts"
            raise event.error(event.at("meter"), message)
    meters: set[str] = set()
    for peak in reader.children("peaks") if reader.has("peaks") else ():
        meter = peak.text("meter")
        if meter in meters:
            raise peak.error(peak.at("meter"), f"{meter!r} is given twice")
        meters.add(meter)
