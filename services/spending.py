"""Does an event still fit, and what does it move?

A till takes the events and holds of one command one by one, so that each is decided by what the ones before it left.
What it took is written at the end: events, rollups, counters, alerts and the fact itself. The tills of several commands
may share a ledger; then everything they took is written together, and each still tells what is its own.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from billing import holds
from billing import limits as rules
from billing.money import NANOS_MAX, nanos_amount
from billing.windows import Interval
from models import adjustments
from models import counters as counter_rows
from models import usage as rows
from models.counters import WindowKey
from services import alerts, anomalies, ledger, usage_rows
from services.ledger import Cell, Entry, Ledger, Place
from services.outcomes import RefusalCode
from services.rating import RatedEvent, Spot
from services.unit import Unit
from services.usage_facts import (
    EventBlocked,
    EventOutcome,
    EventRecorded,
    EventRefused,
    EventRepeated,
    Overage,
    conflict,
)

Taken = tuple[RatedEvent, EventRecorded]


@dataclass(slots=True)
class Till:
    """Takes events and holds one by one. `others` are what tills before this one took on the same ledger."""

    unit: Unit
    ledger: Ledger
    taken: dict[str, Taken] = field(default_factory=dict)
    others: dict[str, Taken] = field(default_factory=dict)
    moved: dict[int, Place] = field(default_factory=dict)
    looked_at: dict[int, Place] = field(default_factory=dict)
    journal: list[Entry] = field(default_factory=list)

    def take(self, event: RatedEvent, overage: Overage) -> EventOutcome:
        """Return what becomes of one event, counting it where it is recorded."""
        name = event.fact.event_id
        twin = self.taken.get(name) or self.others.get(name)
        if twin is not None:
            same = twin[0].fact.digest == event.fact.digest
            return EventRepeated(name, twin[1].usage_id, twin[1].cost_nanos) if same else conflict(event.fact)
        if event.billed is not None and overage is Overage.REFUSE:
            message = (
                f"the month that ended at {event.period.end.isoformat()} is closed; RECORD what has happened in it"
            )
            return EventRefused(name, RefusalCode.PERIOD_CLOSED, message, ("occurredAt",))
        place = self._place(event.spot)
        verdict = place.decide(event.cost_nanos)
        if isinstance(verdict, rules.Blocked):
            if overage is Overage.REFUSE:
                return blocked(name, event.cost_nanos, verdict, event.spot)
            return self._keep(event, place, over_limit=True)
        return self._keep(event, place, over_limit=bool(verdict.exceeded))

    def hold(self, external_id: str, amount_nanos: int, spot: Spot) -> rules.Allowed | EventBlocked | EventRefused:
        """Return whether an amount may be held, holding it at every counter of the chain where it may."""
        place = self._place(spot)
        verdict = rules.decide(place.gates, amount_nanos)
        if isinstance(verdict, rules.Blocked):
            return blocked(external_id, amount_nanos, verdict, spot)
        if not self._move(place.cells, held_nanos=amount_nanos):
            return _too_much(external_id, "amount")
        self.moved[id(place)] = place
        return verdict

    def capture(self, event: RatedEvent, keys: Collection[WindowKey], left: int) -> EventRecorded | EventRefused:
        """Record an event for which a hold keeps `left` on some counters, and take off what it gives way to.

        It has happened, so it is kept in any case. Only what is beyond the hold can be over a limit.
        """
        met, place = holds.cover(left, event.cost_nanos), self._place(event.spot)
        over_limit = any(
            rules.Gate(limit.level, limit.subject, limit, cell.counter).lacks(
                met.excess if cell.key in keys else event.cost_nanos
            )
            for limit, cell in place.guards
            if limit.kind is not rules.LimitKind.NOTIFY
        )
        self.free(keys, met.covered)
        return self._keep(event, place, over_limit=over_limit)

    def amend(self, external_id: str, difference_nanos: int, spot: Spot) -> bool | EventRefused:
        """Move what was spent by what a correction makes it differ, and return whether it passes a limit by it.

        What is corrected has happened, so no limit refuses it.
        """
        place = self._place(spot)
        over_limit = difference_nanos > 0 and any(
            gate.lacks(difference_nanos) for gate in place.gates if gate.limit.kind is not rules.LimitKind.NOTIFY
        )
        if not self._move(place.cells, spent_nanos=difference_nanos):
            return _too_much(external_id, "quantity")
        if difference_nanos > 0:
            self.moved[id(place)] = place
        return over_limit

    def free(self, keys: Iterable[WindowKey], amount_nanos: int) -> None:
        """Take a hold, or a part of it, off the counters it was put on."""
        cells = [self.ledger.cell(key) for key in keys]
        freed = self._move(cells, held_nanos=-amount_nanos)
        assert freed, "what is taken off leaves less"

    @property
    def recorded(self) -> list[tuple[str, EventRecorded]]:
        """The events that were taken, each with whose it is."""
        return [(event.fact.member_id, outcome) for event, outcome in self.taken.values()]

    def mark(self) -> tuple[int, int]:
        """Return where the till stands, to go back there when a part of something is refused."""
        return len(self.journal), len(self.taken)

    def back_to(self, mark: tuple[int, int]) -> None:
        """Undo everything since a mark."""
        moves, events = mark
        while len(self.journal) > moves:
            ledger.undo(self.journal.pop())
        while len(self.taken) > events:
            self.taken.popitem()

    def reached(self) -> tuple[alerts.Reached, anomalies.Spent]:
        """Return the thresholds that are reached where something moved, and what members have spent in their days.

        To be asked as soon as the last event was taken: another till may move the same counters after this one.
        """
        met = [(gate, place.spot.windows[gate.limit.interval]) for place in self.moved.values() for gate in place.gates]
        days = (
            {}
            if not self.taken
            else {
                cell.key: cell.counter
                for place in self.looked_at.values()
                for cell in place.cells
                if cell.key[0] is Interval.DAY and cell.key[2] is rules.SpendLevel.MEMBER
            }
        )
        return alerts.reached(met), anomalies.spent(self.unit, days)

    async def write(self) -> None:
        """Keep the events, add to rollups and counters, raise alerts and say what happened."""
        await write([(self, *self.reached())])

    def _place(self, spot: Spot) -> Place:
        place = self.ledger.place(spot)
        self.looked_at[id(place)] = place
        return place

    def _keep(self, event: RatedEvent, place: Place, *, over_limit: bool) -> EventRecorded | EventRefused:
        if not self._move(place.cells, spent_nanos=event.cost_nanos):
            return _too_much(event.fact.event_id, "quantity")
        outcome = EventRecorded(event.fact.event_id, self.unit.new_id("usage"), event.cost_nanos, over_limit)
        self.taken[event.fact.event_id] = (event, outcome)
        self.moved[id(place)] = place
        return outcome

    def _move(self, cells: Sequence[Cell], *, spent_nanos: int = 0, held_nanos: int = 0) -> bool:
        if not ledger.move(cells, spent_nanos=spent_nanos, held_nanos=held_nanos):
            return False
        self.journal.append((cells, spent_nanos, held_nanos))
        return True

    def _say(self) -> None:
        """Tell of the usage of each month."""
        months: dict[int, list[RatedEvent]] = {}
        for event, _ in self.taken.values():
            months.setdefault(event.spot.day.month_microseconds, []).append(event)
        for _, events in sorted(months.items()):
            self.unit.emit(
                "UsageRecorded",
                {
                    "events": len(events),
                    "costNanos": str(sum(event.cost_nanos for event in events)),
                    "currency": self.unit.organization.currency,
                    "periodStart": events[0].period.start.isoformat(),
                    "memberIds": sorted({event.fact.member_id for event in events}),
                },
            )


Closed = tuple[Till, alerts.Reached, anomalies.Spent]
"""A till that takes nothing more, with what was reached when it took its last event."""


async def till(unit: Unit, spots: Iterable[Spot], holds: Iterable[WindowKey] = ()) -> Till:
    """Return a till for amounts at some spots, and for holds that stand on some counters."""
    return Till(unit, await ledger.load(unit.client, unit.organization_id, spots, holds))


async def write(closed: Sequence[Closed]) -> None:
    """Keep what tills of one ledger took, all of it at once, and let each say what is its own."""
    unit, shared = closed[0][0].unit, closed[0][0].ledger
    tills = [each for each, _, _ in closed]
    taken = [event for each in tills for event in usage_rows.of_events(each.unit, each.taken.values())]
    await rows.insert_many(unit.client, taken)
    events = (event for each in tills for event, _ in each.taken.values())
    await rows.roll_up(unit.client, usage_rows.rollups(unit.organization_id, events))
    late = [
        usage_rows.of_late(each.unit, *pair)
        for each in tills
        for pair in each.taken.values()
        if pair[0].billed is not None
    ]
    await adjustments.insert_many(unit.client, late)
    await counter_rows.add(unit.client, unit.organization_id, shared.deltas())
    for each, _, _ in closed:
        each._say()
    await alerts.raise_all([(each.unit, found) for each, found, _ in closed])
    await anomalies.look_at_all([(each.unit, days) for each, _, days in closed])


def blocked(external_id: str, cost_nanos: int, verdict: rules.Blocked, spot: Spot) -> EventBlocked:
    """Return the refusal of an amount, as its source reads it."""
    limit = verdict.binding.limit
    assert limit.cap_nanos is not None, "what has no cap stops nothing"
    return EventBlocked(
        event_id=external_id,
        limit_id=limit.id,
        level=limit.level,
        subject=limit.subject,
        cap_nanos=limit.cap_nanos,
        cost_nanos=cost_nanos,
        headroom_nanos=verdict.headroom_nanos,
        shortfall_nanos=verdict.shortfall_nanos,
        resets_at=spot.windows[limit.interval].end,
    )


def _too_much(external_id: str, field_name: str) -> EventRefused:
    message = f"the spend of a window would pass the bound of {nanos_amount(NANOS_MAX)}"
    return EventRefused(external_id, RefusalCode.AMOUNT_INVALID, message, (field_name,))
