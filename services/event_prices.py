"""What does one event cost by its plan item?

Where the price of a month depends on the month's whole quantity an event has no cost of its own. Where it has one, it
is a number of units at an exact price, rounded once; so the price of a unit serves every event of the same kind.
"""

from dataclasses import dataclass
from fractions import Fraction

from billing import rating
from billing.money import NANOS_PER_MAJOR, InvalidAmount, check_nanos, round_half_away
from billing.plans import PlanItem, Usage
from billing.prices import RateCardPrice, UnitPrice
from services import terms
from services.outcomes import RefusalCode
from services.usage_facts import EventRefused, UsageFact


@dataclass(frozen=True, slots=True, eq=False)
class Price:
    """What a unit of a model costs in one direction, as a fraction of nanos."""

    subscription_id: str
    meter: str
    model: str
    direction: str
    version: str
    numerator: int
    denominator: int

    def nanos(self, quantity: int) -> int:
        """Return what so many units cost, rounded half up: a cost is never below zero."""
        return (2 * self.numerator * quantity + self.denominator) // (2 * self.denominator)


def items_by_meter(in_force: terms.Terms) -> dict[str, PlanItem]:
    """Return the item that prices each meter of a plan."""
    return {item.quantity.meter: item for item in in_force.plan.items if isinstance(item.quantity, Usage)}


def _is_linear(item: PlanItem) -> bool:
    """Return whether the units of a month are the sum of those of its events: rounded once, they are not."""
    return item.conversion is None or item.conversion.rounding is None


@dataclass(frozen=True, slots=True)
class Cost:
    """What an event costs at the moment it is reported, and the version of the price."""

    nanos: int
    version: str


def cost_of(item: PlanItem, fact: UsageFact, currency: str) -> Cost | EventRefused:
    """Return what one event costs by its plan item.

    Where the price of a month depends on the month's whole quantity, an event has no cost of its own: it counts as
    nothing against spend limits, and the month close prices the quantity.
    """
    try:
        match item.price:
            case RateCardPrice(cards):
                rated = rating.rate(cards, fact.model, fact.direction, fact.quantity, fact.occurred_at, currency)
                return Cost(rated.cost_nanos, rated.version)
            case UnitPrice(unit) if item.allowance is None and _is_linear(item):
                units = Fraction(fact.quantity)
                units = units if item.conversion is None else item.conversion.converted(units)
                return Cost(check_nanos(round_half_away(unit * units * NANOS_PER_MAJOR)), item.price_version)
            case _:
                return Cost(0, item.price_version)
    except (rating.UnknownModel, rating.NoRate) as error:
        return EventRefused(fact.event_id, RefusalCode.PRICE_MISSING, str(error), ("model",))
    except (rating.InvalidRate, InvalidAmount) as error:
        return EventRefused(fact.event_id, RefusalCode.INPUT_INVALID, str(error), ("quantity",))


def unit_nanos(item: PlanItem, fact: UsageFact) -> Fraction:
    """Return the exact price of one unit of what an event reports, which `cost_of` has priced."""
    match item.price:
        case RateCardPrice(cards):
            card = rating.card_at(cards, fact.occurred_at)
            assert card is not None, "what was priced by a card has one"
            return card.rates[fact.model, fact.direction].unit_nanos
        case UnitPrice(unit) if item.allowance is None and _is_linear(item):
            units = Fraction(1) if item.conversion is None else item.conversion.converted(Fraction(1))
            return unit * units * NANOS_PER_MAJOR
        case _:
            return Fraction(0)
