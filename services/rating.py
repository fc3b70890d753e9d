"""What does each reported event cost, and where does it count?

By the plan that was in force when it occurred, in the windows it occurred in, for the seat the member held and the
group they were in at that instant. Everything a batch needs is loaded once, and what several events have in common is
worked out once: the price of a unit, the windows of a day and whose spend a member's is, each for as long as it holds.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

from billing import rating
from billing.limits import Chain
from billing.money import NANOS_MAX, NANOS_PER_MAJOR, InvalidAmount, check_nanos, round_half_away
from billing.periods import Period, local_date, to_microseconds
from billing.plans import PlanItem, Usage
from billing.prices import RateCardPrice, UnitPrice
from billing.windows import Interval, Windows, windows_of_day
from models import belonging, invoices
from models.belonging import Belonging, Stay
from services import terms
from services.outcomes import RefusalCode
from services.unit import Unit
from services.usage_facts import ID_LENGTH_MAX, EventRefused, UsageFact

AHEAD_MAX = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """A local day, and the windows that spend of it counts in."""

    iso: str
    windows: Windows
    month_microseconds: int

    @classmethod
    def of(cls, at: datetime, time_zone: str) -> "Day":
        """Return the day of an instant."""
        date = local_date(at, time_zone)
        found = windows_of_day(date, time_zone)
        return cls(date.isoformat(), found, to_microseconds(found[Interval.MONTH].start))


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """Where an amount counts: whose spend it is, and on which day."""

    chain: Chain
    day: Day

    @property
    def windows(self) -> Windows:
        """The month, the week and the day."""
        return self.day.windows


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


@dataclass(slots=True, eq=False)
class RatedEvent:
    """An event that can be counted, with all that its row needs."""

    fact: UsageFact
    spot: Spot
    price: Price
    cost_nanos: int
    billed: invoices.Billed | None

    @property
    def chain(self) -> Chain:
        """Whose spend it is."""
        return self.spot.chain

    @property
    def windows(self) -> Windows:
        """The windows it counts in."""
        return self.spot.day.windows

    @property
    def period(self) -> Period:
        """The month it is billed in."""
        return self.spot.day.windows[Interval.MONTH]


@dataclass(slots=True)
class _Tariff:
    """The prices of a span of time in which neither the terms nor a rate card change."""

    since: datetime | None
    until: datetime | None
    terms: terms.Terms | None
    items: Mapping[str, PlanItem]
    prices: dict[tuple[str, str, str], Price] = field(default_factory=dict)

    def holds(self, at: datetime) -> bool:
        """Return whether an instant is in the span."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


@dataclass(slots=True)
class _Person:
    """Whose spend a member's is over time: `changes` are the instants between which it stays the same."""

    seats: Sequence[Stay] = ()
    groups: Sequence[Stay] = ()
    changes: Sequence[datetime] = ()
    spots: dict[tuple[int, int], Spot] = field(default_factory=dict)

    @classmethod
    def of(cls, belonging: Belonging) -> "_Person":
        """Return the person who belongs there."""
        stays = (*belonging.seats, *belonging.groups)
        changes = sorted({bound for stay in stays for bound in (stay.start, stay.end) if bound is not None})
        return cls(belonging.seats, belonging.groups, changes)

    def chain(self, organization_id: str, member_id: str, at: datetime) -> Chain:
        """Return whose spend it is at an instant."""
        tier = next((seat.place for seat in self.seats if seat.holds(at)), "")
        group = next((stay.place for stay in self.groups if stay.holds(at)), "")
        return Chain(organization_id, group, tier, member_id)


@dataclass(slots=True)
class Rater:
    """Turns events into rated ones, or says why not. `members` are those that exist, each with its status."""

    unit: Unit
    timeline: terms.Timeline
    members: Mapping[str, str]
    persons: defaultdict[str, _Person]
    closed: dict[datetime, invoices.Billed | None] = field(default_factory=dict)
    days: dict[int, list[Day]] = field(default_factory=dict)
    tariffs: list[_Tariff] = field(default_factory=list)

    async def rate(self, fact: UsageFact) -> RatedEvent | EventRefused:
        """Return the event with its cost, tier and month."""
        await self.learn_months([fact], at=self.unit.at)
        return self.rated(fact, at=self.unit.at)

    async def learn_months(self, facts: Iterable[UsageFact], *, at: datetime) -> None:
        """Ask of the months that events occurred in whether they are billed, each once."""
        created_at, latest = self.unit.organization.created_at, at + AHEAD_MAX
        for fact in facts:
            if created_at <= fact.occurred_at <= latest:
                end = self._day(fact.occurred_at).windows[Interval.MONTH].end
                if end not in self.closed:
                    self.closed[end] = await invoices.billed_at(self.unit.client, self.unit.organization_id, end)

    def rated(self, fact: UsageFact, *, at: datetime) -> RatedEvent | EventRefused:
        """Return the event with its cost, tier and month, as of `at`; its month is one that was learned."""
        refused = self._refusal(fact, at)
        if refused is not None:
            return refused
        price = self._price(fact)
        if isinstance(price, EventRefused):
            return price
        cost_nanos = price.nanos(fact.quantity)
        if cost_nanos > NANOS_MAX:
            tariff = self._tariff(fact.occurred_at)
            assert tariff.terms is not None, "what has a price has terms"
            dear = cost_of(tariff.items[fact.meter], fact, tariff.terms.plan.currency)
            assert isinstance(dear, EventRefused), "what costs too much is refused"
            return dear
        spot = self._spot(fact.member_id, fact.occurred_at)
        return RatedEvent(fact, spot, price, cost_nanos, self.closed[spot.day.windows[Interval.MONTH].end])

    def chain(self, member_id: str, at: datetime) -> Chain:
        """Return whose spend a member's is at `at`."""
        return self.persons[member_id].chain(self.unit.organization_id, member_id, at)

    def _refusal(self, fact: UsageFact, at: datetime) -> EventRefused | None:
        if not 1 <= len(fact.event_id) <= ID_LENGTH_MAX or not fact.event_id.isprintable():
            message = f"the event id has {len(fact.event_id)} characters: give 1 to {ID_LENGTH_MAX} printable ones"
            return EventRefused(fact.event_id[:ID_LENGTH_MAX], RefusalCode.INPUT_INVALID, message, ("id",))
        if not 0 <= fact.quantity <= rating.QUANTITY_MAX:
            message = f"quantity {fact.quantity} is outside 0 to {rating.QUANTITY_MAX}"
            return EventRefused(fact.event_id, RefusalCode.INPUT_INVALID, message, ("quantity",))
        if fact.member_id not in self.members:
            message = "there is no such member in this organization"
            return EventRefused(fact.event_id, RefusalCode.NOT_FOUND, message, ("memberId",))
        created_at = self.unit.organization.created_at
        if not created_at <= fact.occurred_at <= at + AHEAD_MAX:
            message = f"occurredAt {fact.occurred_at.isoformat()} is outside {created_at.isoformat()} to now"
            return EventRefused(fact.event_id, RefusalCode.TIME_OUT_OF_RANGE, message, ("occurredAt",))
        return None

    def _price(self, fact: UsageFact) -> Price | EventRefused:
        tariff = self._tariff(fact.occurred_at)
        key = (fact.meter, fact.model, fact.direction)
        price = tariff.prices.get(key)
        if price is not None:
            return price
        if tariff.terms is None:
            message = f"the organization had no plan at {fact.occurred_at.isoformat()}"
            return EventRefused(fact.event_id, RefusalCode.PLAN_MISSING, message, ("occurredAt",))
        if fact.meter not in tariff.items:
            message = f"the plan has no meter {fact.meter!r}; it has {', '.join(sorted(tariff.items)) or 'none'}"
            return EventRefused(fact.event_id, RefusalCode.PRICE_MISSING, message, ("meter",))
        cost = cost_of(tariff.items[fact.meter], fact, tariff.terms.plan.currency)
        if isinstance(cost, EventRefused):
            return cost
        exact = unit_nanos(tariff.items[fact.meter], fact)
        price = Price(
            tariff.terms.subscription_id,
            fact.meter,
            fact.model,
            fact.direction.value,
            cost.version,
            exact.numerator,
            exact.denominator,
        )
        tariff.prices[key] = price
        return price

    def _tariff(self, at: datetime) -> _Tariff:
        for tariff in self.tariffs:
            if tariff.holds(at):
                return tariff
        in_force = self.timeline.at(at)
        since, until = self.timeline.unchanged_around(at)
        items = items_by_meter(in_force) if in_force else {}
        for item in items.values():
            if isinstance(item.price, RateCardPrice):
                for card in item.price.cards:
                    if card.effective_from <= at:
                        since = max(since or card.effective_from, card.effective_from)
                    else:
                        until = min(until or card.effective_from, card.effective_from)
        self.tariffs.append(_Tariff(since, until, in_force, items))
        return self.tariffs[-1]

    def _spot(self, member_id: str, at: datetime) -> Spot:
        person, day = self.persons[member_id], self._day(at)
        key = (bisect_right(person.changes, at), id(day))
        spot = person.spots.get(key)
        if spot is None:
            spot = person.spots[key] = Spot(person.chain(self.unit.organization_id, member_id, at), day)
        return spot

    def _day(self, at: datetime) -> Day:
        near = self.days.setdefault(at.toordinal(), [])
        for day in near:
            window = day.windows[Interval.DAY]
            if window.start <= at < window.end:
                return day
        near.append(Day.of(at, self.unit.organization.time_zone))
        return near[-1]


async def rater(unit: Unit, whose: Iterable[str], timeline: terms.Timeline | None = None) -> Rater:
    """Load what events of the given members need, in a number of statements that does not depend on theirs."""
    found = await belonging.of(unit.client, unit.organization_id, sorted(set(whose)))
    persons = defaultdict(_Person, {member_id: _Person.of(each) for member_id, each in found.items()})
    timeline = timeline or await terms.timeline(unit.client, unit.organization_id)
    return Rater(unit, timeline, {member_id: each.status for member_id, each in found.items()}, persons)


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
