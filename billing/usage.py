"""How much of a meter was used?

Usage reaches a bill as totals, one for each member, tier, meter, model, direction and price version. Totals of the
same key add up, so a bill does not depend on the order in which events arrived or on how they were batched.

>>> a = UsageTotal("ann", "chat", "tokens", "sonnet", "INPUT", "v1", quantity=600, cost_nanos=1800, events=1)
>>> b = UsageTotal("ann", "chat", "tokens", "sonnet", "INPUT", "v1", quantity=400, cost_nanos=1200, events=2)
>>> merged((b, a)) == merged((a, b))
True
>>> [(total.quantity, total.cost_nanos, total.events) for total in merged((a, b))]
[(1000, 3000, 3)]
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from billing.money import check_nanos


class Aggregation(StrEnum):
    """How the usage of a meter becomes one quantity. All but COUNT and UNIQUE read `quantity` of the totals.

    SUM           the sum of the quantities.
    COUNT         the number of events.
    MAX           the largest quantity of any one total, or of any one event where the events are given.
    UNIQUE        the number of members with usage, or of subjects where the events name them.
    LATEST        the sum of the totals' quantities, each being the last value of its member and model; where the
                  events are given, the value of the last one.
    WEIGHTED_SUM  the sum of every event's change × the time from it to the end of the period, over the period: 10 GB
                  stored for half a month are 5. It needs the events.
    """

    SUM = "SUM"
    COUNT = "COUNT"
    MAX = "MAX"
    UNIQUE = "UNIQUE"
    LATEST = "LATEST"
    WEIGHTED_SUM = "WEIGHTED_SUM"


class EventsNeeded(ValueError):
    """A quantity or a price is worked out event by event, and only totals were given."""

    def __init__(self, meter: str) -> None:
        super().__init__(f"{meter!r} is billed event by event; totals of it are not enough")
        self.meter = meter


@dataclass(frozen=True, slots=True, order=True)
class UsageTotal:
    """What one member used of one meter, model and direction at one price version, and what it cost."""

    member_id: str
    tier: str
    meter: str
    model: str
    direction: str
    price_version: str
    quantity: int
    cost_nanos: int
    events: int

    def __post_init__(self) -> None:
        check_nanos(self.cost_nanos)


def merged(totals: Iterable[UsageTotal]) -> tuple[UsageTotal, ...]:
    """Return one total for each key, in the order of the keys."""
    sums: dict[tuple[str, str, str, str, str, str], tuple[int, int, int]] = {}
    for each in totals:
        key = (each.member_id, each.tier, each.meter, each.model, each.direction, each.price_version)
        quantity, cost_nanos, events = sums.get(key, (0, 0, 0))
        sums[key] = (quantity + each.quantity, cost_nanos + each.cost_nanos, events + each.events)
    return tuple(UsageTotal(*key, *sums[key]) for key in sorted(sums))


def quantity_of(totals: Sequence[UsageTotal], aggregation: Aggregation) -> int:
    """Return the billed quantity of `totals`, all of one meter."""
    match aggregation:
        case Aggregation.SUM | Aggregation.LATEST:
            return sum(each.quantity for each in totals)
        case Aggregation.COUNT:
            return sum(each.events for each in totals)
        case Aggregation.MAX:
            return max((each.quantity for each in totals), default=0)
        case Aggregation.UNIQUE:
            return len({each.member_id for each in totals if each.events})
        case Aggregation.WEIGHTED_SUM:
            raise EventsNeeded(next((each.meter for each in totals), ""))
        case _:
            assert_never(aggregation)
