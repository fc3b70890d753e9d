"""What does each reported event cost, and where does it count?

By the plan that was in force when it occurred, in the windows it occurred in, for the seat the member held and the
group they were in at that instant. Everything a batch needs is loaded once, and what several events have in common is
worked out once: the price of a unit, the windows of a day and whose spend a member's is, each for as long as it holds.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from billing import rating
from billing.limits import Chain
from billing.money import NANOS_MAX
from billing.periods import Period, local_date, to_microseconds
from billing.plans import PlanItem
from billing.prices import RateCardPrice
from billing.windows import Interval, Windows, windows_of_day
from models import belonging, invoices
from models.belonging import Belonging, Stay
from services import terms
from services.event_prices import Price, cost_of, items_by_meter, unit_nanos
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
class _Stretch:
    """The part of a local day in which one tariff holds. `spots` are of members who stay where they are meanwhile."""

    start: datetime
    end: datetime
    day: Day
    tariff: _Tariff
    spots: dict[str, Spot] = field(default_factory=dict)


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
    stretches: dict[int, list[_Stretch]] = field(default_factory=dict)

    async def rate(self, fact: UsageFact) -> RatedEvent | EventRefused:
        """Return the event with its cost, tier and month."""
        await self.learn_months([fact], at=self.unit.at)
        (rated,) = self.all_rated([fact], at=self.unit.at)
        return rated

    async def learn_months(self, facts: Iterable[UsageFact], *, at: datetime) -> None:
        """Ask of the months that events occurred in whether they are billed, each once."""
        created_at, latest = self.unit.organization.created_at, at + AHEAD_MAX
        start = end = created_at  # of the day that was looked at last
        for fact in facts:
            occurred_at = fact.occurred_at
            if not start <= occurred_at < end and created_at <= occurred_at <= latest:
                windows = self._day(occurred_at).windows
                start, end = windows[Interval.DAY].start, windows[Interval.DAY].end
                month_end = windows[Interval.MONTH].end
                if month_end not in self.closed:
                    billed = await invoices.billed_at(self.unit.client, self.unit.organization_id, month_end)
                    self.closed[month_end] = billed

    def all_rated(self, facts: Iterable[UsageFact], *, at: datetime) -> list[RatedEvent | EventRefused]:
        """Return each event with its cost, tier and month, as of `at`; the months are some that were learned."""
        earliest, latest = self.unit.organization.created_at, at + AHEAD_MAX
        members, found = self.members, list[RatedEvent | EventRefused]()
        stretch, billed = None, None
        for fact in facts:
            event_id, member_id, meter, model, direction, quantity, occurred_at, _ = fact
            if not (
                1 <= len(event_id) <= ID_LENGTH_MAX
                and event_id.isprintable()
                and 0 <= quantity <= rating.QUANTITY_MAX
                and member_id in members
                and earliest <= occurred_at <= latest
            ):
                found.append(self._refusal(fact, latest))
                continue
            if stretch is None or not stretch.start <= occurred_at < stretch.end:
                stretch = self._stretch(occurred_at)
                billed = self.closed[stretch.day.windows[Interval.MONTH].end]
            price = stretch.tariff.prices.get((meter, model, direction)) or self._price(fact, stretch.tariff)
            if isinstance(price, EventRefused):
                found.append(price)
                continue
            cost_nanos = price.nanos(quantity)
            if cost_nanos > NANOS_MAX:
                found.append(_too_dear(fact, stretch.tariff))
                continue
            spot = stretch.spots.get(member_id) or self._spot(member_id, occurred_at, stretch)
            found.append(RatedEvent(fact, spot, price, cost_nanos, billed))
        return found

    def chain(self, member_id: str, at: datetime) -> Chain:
        """Return whose spend a member's is at `at`."""
        return self.persons[member_id].chain(self.unit.organization_id, member_id, at)

    def _refusal(self, fact: UsageFact, latest: datetime) -> EventRefused:
        """Return what is wrong with an event that cannot be counted anywhere."""
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
        assert not created_at <= fact.occurred_at <= latest, "nothing else is wrong with it"
        message = f"occurredAt {fact.occurred_at.isoformat()} is outside {created_at.isoformat()} to now"
        return EventRefused(fact.event_id, RefusalCode.TIME_OUT_OF_RANGE, message, ("occurredAt",))

    def _price(self, fact: UsageFact, tariff: _Tariff) -> Price | EventRefused:
        """Return the price of a unit, and keep it for all others of the tariff."""
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
        tariff.prices[fact.meter, fact.model, fact.direction] = price
        return price

    def _stretch(self, at: datetime) -> _Stretch:
        near = self.stretches.setdefault(at.toordinal(), [])
        for stretch in near:
            if stretch.start <= at < stretch.end:
                return stretch
        day, tariff = self._day(at), self._tariff(at)
        window = day.windows[Interval.DAY]
        start, end = max(window.start, tariff.since or window.start), min(window.end, tariff.until or window.end)
        near.append(_Stretch(start, end, day, tariff))
        return near[-1]

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

    def _spot(self, member_id: str, at: datetime, stretch: _Stretch) -> Spot:
        person = self.persons[member_id]
        place = bisect_right(person.changes, at)
        key = (place, id(stretch.day))
        spot = person.spots.get(key)
        if spot is None:
            spot = person.spots[key] = Spot(person.chain(self.unit.organization_id, member_id, at), stretch.day)
        if bisect_right(person.changes, stretch.start) == place == bisect_left(person.changes, stretch.end):
            stretch.spots[member_id] = spot
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


def _too_dear(fact: UsageFact, tariff: _Tariff) -> EventRefused:
    """Return the refusal of an event that costs more than can be counted."""
    assert tariff.terms is not None, "what has a price has terms"
    dear = cost_of(tariff.items[fact.meter], fact, tariff.terms.plan.currency)
    assert isinstance(dear, EventRefused), "what costs too much is refused"
    return dear
