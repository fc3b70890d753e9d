"""How much is asked for, and how was it measured?

A plain quantity, tokens of a rate card, seats held over a time, single events, changes placed in tiers, windows, the
peaks of several meters: whatever an invoice can count, a question can state. It becomes the same counted quantity.

>>> from billing.quantities import Usage
>>> from billing.prices import PackagePrice
>>> item = PlanItem("jobs", {"en": "Jobs"}, Usage("jobs"), PackagePrice(100, Fraction(5)))
>>> counted(Ask(item, measure=Windows((Fraction(50), Fraction(150))))).quantity
Fraction(200, 1)
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, assert_never

from billing import counting, event_counts
from billing.charges import Changes, Counted, EventAmounts, Peaks, Windows
from billing.counting import Span
from billing.explanations import Source, SourceKind
from billing.money import Money
from billing.plan_items import BelowZero, PlanItem
from billing.prices import InvalidPrice, RateCardPrice
from billing.quantities import Usage
from billing.rating import Direction, rate
from billing.seats import SeatInterval
from billing.usage import UsageTotal
from billing.usage_events import UsageEvent

ONE: Final = Fraction(1)


@dataclass(frozen=True, slots=True)
class Tokens:
    """A quantity of one model and direction."""

    model: str
    direction: Direction
    quantity: int


@dataclass(frozen=True, slots=True)
class Held:
    """Seats held over a time, or a fee in force for a part of it."""

    span: Span
    seats: tuple[SeatInterval, ...] = ()


@dataclass(frozen=True, slots=True)
class Occurred:
    """Events that occurred over a time."""

    span: Span
    events: tuple[UsageEvent, ...]


Measure = Held | Occurred | EventAmounts | Changes | Windows | Peaks


@dataclass(frozen=True, slots=True)
class Billed:
    """What was billed of the same interval before: the quantity it was billed for, and the amount where it is known."""

    quantity: Fraction = Fraction(0)
    amount: Money | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """A quantity of one item. An item priced by rate card asks for `tokens`, by its latest card.

    `measure` is given instead of `quantity` where one number is not enough. `share` is the part of the interval that
    is owed.
    """

    item: PlanItem
    quantity: Fraction = Fraction(0)
    tokens: tuple[Tokens, ...] = ()
    measure: Measure | None = None
    share: Fraction = ONE
    billed: Billed = Billed()


def counted(ask: Ask) -> Counted:
    """Return the counted quantity of a question; a rate card's is in `rated`."""
    if ask.quantity < 0 and ask.item.below_zero is BelowZero.CREDIT:
        raise InvalidPrice("quantity", f"{ask.quantity} must be at least 0")
    found = _measured(ask)
    if not 0 <= ask.share <= 1:
        raise InvalidPrice("share", f"{ask.share} is outside 0 to 1")
    if found.detail is not None and ask.billed.quantity:
        raise InvalidPrice("billed.quantity", "only a plain quantity can come on top of one billed before")
    return replace(
        found,
        factor=found.factor * ask.share,
        bounds_factor=found.bounds_factor * ask.share,
        before=ask.billed.quantity,
    )


def rated(ask: Ask, price: RateCardPrice, currency: str) -> tuple[UsageTotal, ...]:
    """Return the asked tokens as the usage of nobody, rated by the latest card as one event each."""
    assert isinstance(ask.item.quantity, Usage)
    at, meter, found = price.cards[-1].effective_from, ask.item.quantity.meter, []
    for each in ask.tokens:
        cost = rate(price.cards, each.model, each.direction, each.quantity, at, currency)
        found.append(
            UsageTotal(
                "", "", meter, each.model, each.direction, cost.version, each.quantity, cost.cost_nanos, events=1
            )
        )
    return tuple(found)


def _measured(ask: Ask) -> Counted:
    item, measure = ask.item, ask.measure
    match measure:
        case None:
            return _stated(item, ask.quantity)
        case Held(span, seats):
            return counting.count(item, span, seats, ())
        case Occurred(span, events):
            return event_counts.counted(item, events, span.period, span.time_zone, within=span.in_force)
        case EventAmounts(amounts):
            return replace(_stated(item, _sum(amounts)), detail=measure)
        case Changes(changes):
            return replace(_stated(item, _sum(change.prorated for change in changes)), detail=measure)
        case Windows(quantities):
            return replace(_stated(item, _sum(quantities)), detail=measure)
        case Peaks():
            return replace(_stated(item, ONE), detail=measure)
        case _:
            assert_never(measure)


def _stated(item: PlanItem, quantity: Fraction) -> Counted:
    return Counted(quantity, item.unit, (Source(SourceKind.ESTIMATE, 1, (("item", item.key),)),))


def _sum(numbers: Iterable[Fraction]) -> Fraction:
    return sum(numbers, Fraction(0))
