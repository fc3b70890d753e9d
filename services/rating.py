"""What does each reported event cost, and where does it count?

By the plan that was in force when it occurred, in the windows it occurred in, for the seat the member held and the
group they were in at that instant. Everything a batch needs is loaded once, however many events it has.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from billing import rating
from billing.limits import Chain
from billing.money import NANOS_PER_MAJOR, InvalidAmount, check_nanos, round_half_away
from billing.periods import Period
from billing.plans import PlanItem, Usage
from billing.prices import RateCardPrice, UnitPrice
from billing.seats import SeatInterval
from billing.windows import Interval, Windows, windows
from models import groups, invoices, members, seats
from models.groups import GroupMembership
from services import terms
from services.outcomes import RefusalCode
from services.unit import Unit
from services.usage_facts import ID_LENGTH_MAX, EventRefused, UsageFact

AHEAD_MAX = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class RatedEvent:
    """An event that can be counted, with all that its row needs."""

    fact: UsageFact
    chain: Chain
    cost_nanos: int
    price_version: str
    windows: Windows
    subscription_id: str
    billed: invoices.Billed | None

    @property
    def tier(self) -> str:
        """The seat tier of that instant, empty for none."""
        return self.chain.tier

    @property
    def period(self) -> Period:
        """The month it is billed in."""
        return self.windows[Interval.MONTH]


@dataclass(slots=True)
class Rater:
    """Turns events into rated ones, or says why not. `members` are those that exist, each with its status."""

    unit: Unit
    timeline: terms.Timeline
    members: Mapping[str, str]
    seats: Mapping[str, Sequence[SeatInterval]]
    groups: Mapping[str, Sequence[GroupMembership]]
    closed: dict[datetime, invoices.Billed | None]

    async def rate(self, fact: UsageFact) -> RatedEvent | EventRefused:
        """Return the event with its cost, tier and month."""
        refused = self._shape_refusal(fact) or self._time_refusal(fact)
        if refused is not None:
            return refused
        in_force = self.timeline.at(fact.occurred_at)
        if in_force is None:
            message = f"the organization had no plan at {fact.occurred_at.isoformat()}"
            return EventRefused(fact.event_id, RefusalCode.PLAN_MISSING, message, ("occurredAt",))
        metered = items_by_meter(in_force)
        if fact.meter not in metered:
            message = f"the plan has no meter {fact.meter!r}; it has {', '.join(sorted(metered)) or 'none'}"
            return EventRefused(fact.event_id, RefusalCode.PRICE_MISSING, message, ("meter",))
        cost = cost_of(metered[fact.meter], fact, in_force.plan.currency)
        if isinstance(cost, EventRefused):
            return cost
        found = windows(fact.occurred_at, self.unit.organization.time_zone)
        billed = await self._billed(found[Interval.MONTH])
        chain = self.chain(fact.member_id, fact.occurred_at)
        return RatedEvent(fact, chain, cost.nanos, cost.version, found, in_force.subscription_id, billed)

    def chain(self, member_id: str, at: datetime) -> Chain:
        """Return whose spend a member's is at `at`."""
        tiers = [seat.tier for seat in self.seats.get(member_id, ()) if seat.holds(at)]
        groups = [each.group_id for each in self.groups.get(member_id, ()) if each.holds(at)]
        return Chain(
            self.unit.organization_id, groups[0] if groups else "", (tiers[0] if tiers else None) or "", member_id
        )

    def _shape_refusal(self, fact: UsageFact) -> EventRefused | None:
        if not 1 <= len(fact.event_id) <= ID_LENGTH_MAX or not fact.event_id.isprintable():
            message = f"the event id has {len(fact.event_id)} characters: give 1 to {ID_LENGTH_MAX} printable ones"
            return EventRefused(fact.event_id[:ID_LENGTH_MAX], RefusalCode.INPUT_INVALID, message, ("id",))
        if not 0 <= fact.quantity <= rating.QUANTITY_MAX:
            message = f"quantity {fact.quantity} is outside 0 to {rating.QUANTITY_MAX}"
            return EventRefused(fact.event_id, RefusalCode.INPUT_INVALID, message, ("quantity",))
        if fact.member_id not in self.members:
            message = "there is no such member in this organization"
            return EventRefused(fact.event_id, RefusalCode.NOT_FOUND, message, ("memberId",))
        return None

    def _time_refusal(self, fact: UsageFact) -> EventRefused | None:
        created_at = self.unit.organization.created_at
        if created_at <= fact.occurred_at <= self.unit.at + AHEAD_MAX:
            return None
        message = f"occurredAt {fact.occurred_at.isoformat()} is outside {created_at.isoformat()} to now"
        return EventRefused(fact.event_id, RefusalCode.TIME_OUT_OF_RANGE, message, ("occurredAt",))

    async def _billed(self, period: Period) -> invoices.Billed | None:
        if period.end not in self.closed:
            self.closed[period.end] = await invoices.billed_at(self.unit.client, self.unit.organization_id, period.end)
        return self.closed[period.end]


async def rater(unit: Unit, whose: Iterable[str]) -> Rater:
    """Load what events of the given members need, in a number of statements that does not depend on theirs."""
    member_ids = sorted(set(whose))
    found = await members.find_many(unit.client, unit.organization_id, member_ids)
    history: defaultdict[str, list[SeatInterval]] = defaultdict(list)
    for seat in await seats.history(unit.client, unit.organization_id, member_ids):
        history[seat.member_id].append(seat.as_rule())
    in_groups: defaultdict[str, list[GroupMembership]] = defaultdict(list)
    for membership in await groups.history(unit.client, unit.organization_id, member_ids):
        in_groups[membership.member_id].append(membership)
    timeline = await terms.timeline(unit.client, unit.organization_id)
    return Rater(unit, timeline, {member.id: member.status for member in found}, history, in_groups, {})


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
