"""Does an event still fit, and what does it move?

A till holds the limits and counters of the windows a batch touches, loaded once under the organization's lock. It takes
events and holds one by one, so that each is decided by what the ones before it left, and writes everything at the end:
events, rollups, counters, alerts and the fact itself.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from billing import holds
from billing import limits as rules
from billing.money import NANOS_MAX
from billing.periods import Period, local_date, to_microseconds
from billing.windows import Interval, Windows
from models import adjustments
from models import limits as limit_rows
from models import usage as rows
from models.limits import WindowKey
from services import alerts, anomalies
from services.outcomes import RefusalCode
from services.rating import RatedEvent
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

Ledger = dict[WindowKey, rules.Counter]
Spot = tuple[rules.Chain, Windows]
"""Where an amount counts: whose spend it is, and in which windows."""


@dataclass(slots=True)
class Till:
    """Takes events and holds one by one and writes all of them at the end."""

    unit: Unit
    limits: Sequence[rules.Limit]
    counters: Ledger
    before: Ledger
    taken: dict[str, tuple[RatedEvent, EventRecorded]] = field(default_factory=dict)
    bearing: dict[rules.Chain, tuple[rules.Limit, ...]] = field(default_factory=dict)
    moved: dict[tuple[rules.Chain, datetime], Spot] = field(default_factory=dict)
    journal: list[tuple[WindowKey, rules.Counter]] = field(default_factory=list)

    def take(self, event: RatedEvent, overage: Overage) -> EventOutcome:
        """Return what becomes of one event, counting it where it is recorded."""
        twin = self.taken.get(event.fact.event_id)
        if twin is not None:
            same = twin[0].fact.digest == event.fact.digest
            repeated = EventRepeated(event.fact.event_id, twin[1].usage_id, twin[1].cost_nanos)
            return repeated if same else conflict(event.fact)
        if event.billed is not None and overage is Overage.REFUSE:
            message = (
                f"the month that ended at {event.period.end.isoformat()} is closed; RECORD what has happened in it"
            )
            return EventRefused(event.fact.event_id, RefusalCode.PERIOD_CLOSED, message, ("occurredAt",))
        verdict = rules.decide(self.gates(event.chain, event.windows), event.cost_nanos)
        if isinstance(verdict, rules.Blocked) and overage is Overage.REFUSE:
            return blocked(event.fact.event_id, event.cost_nanos, verdict, event.windows)
        return self._keep(event, over_limit=isinstance(verdict, rules.Blocked) or bool(verdict.exceeded))

    def hold(self, external_id: str, amount_nanos: int, spot: Spot) -> rules.Allowed | EventBlocked | EventRefused:
        """Return whether an amount may be held, holding it at every counter of the chain where it may."""
        verdict = rules.decide(self.gates(*spot), amount_nanos)
        if isinstance(verdict, rules.Blocked):
            return blocked(external_id, amount_nanos, verdict, spot[1])
        if not self._move(_keys(*spot), held_nanos=amount_nanos):
            return _too_much(external_id, "amount")
        self._touch(spot)
        return verdict

    def capture(self, event: RatedEvent, keys: Collection[WindowKey], left: int) -> EventRecorded | EventRefused:
        """Record an event for which a hold keeps `left` on some counters, and take off what it gives way to.

        It has happened, so it is kept in any case. Only what is beyond the hold can be over a limit.
        """
        met = holds.cover(left, event.cost_nanos)
        over_limit = any(
            gate.lacks(met.excess if _key(gate, event.windows) in keys else event.cost_nanos)
            for gate in self.gates(event.chain, event.windows)
            if gate.limit.kind is not rules.LimitKind.NOTIFY
        )
        self.free(keys, met.covered)
        return self._keep(event, over_limit=over_limit)

    def free(self, keys: Iterable[WindowKey], amount_nanos: int) -> None:
        """Take a hold, or a part of it, off the counters it was put on."""
        freed = self._move(keys, held_nanos=-amount_nanos)
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
            key, counter = self.journal.pop()
            self.counters[key] = counter
        while len(self.taken) > events:
            self.taken.popitem()

    def gates(self, chain: rules.Chain, windows: Windows) -> tuple[rules.Gate, ...]:
        """Return what spend of this chain must pass in these windows, as the counters stand now."""
        if chain not in self.bearing:
            self.bearing[chain] = rules.bearing(self.limits, chain)
        met = self.bearing[chain]
        counters: dict[rules.CounterKey, rules.Counter] = {}
        for limit in met:
            key = (limit.interval, limit.counted_at, chain.subject(limit.counted_at))
            counter = self.counters.get((key[0], windows[key[0]].start, key[1], key[2]))
            if counter is not None:
                counters[key] = counter
        return tuple(rules.gate(limit, chain, counters) for limit in met)

    def _keep(self, event: RatedEvent, *, over_limit: bool) -> EventRecorded | EventRefused:
        if not self._move(_keys(event.chain, event.windows), spent_nanos=event.cost_nanos):
            return _too_much(event.fact.event_id, "quantity")
        outcome = EventRecorded(event.fact.event_id, self.unit.new_id("usage"), event.cost_nanos, over_limit)
        self.taken[event.fact.event_id] = (event, outcome)
        self._touch((event.chain, event.windows))
        return outcome

    def _touch(self, spot: Spot) -> None:
        self.moved[spot[0], spot[1][Interval.DAY].start] = spot

    def _move(self, keys: Iterable[WindowKey], *, spent_nanos: int = 0, held_nanos: int = 0) -> bool:
        """Add to counters; False, and nothing added, where one would pass the bound."""
        moved: Ledger = {}
        for key in keys:
            counter = self._stands(key)
            moved[key] = replace(
                counter,
                spent_nanos=counter.spent_nanos + spent_nanos,
                held_nanos=counter.held_nanos + held_nanos,
            )
        if spent_nanos + held_nanos > 0 and any(counter.used_nanos > NANOS_MAX for counter in moved.values()):
            return False
        self.journal += [(key, self._stands(key)) for key in moved]
        self.counters.update(moved)
        return True

    def _stands(self, key: WindowKey) -> rules.Counter:
        return self.counters.get(key) or _zero(key)

    async def write(self) -> None:
        """Keep the events, add to rollups and counters, raise alerts and say what happened."""
        taken = list(self.taken.values())
        await rows.insert_many(self.unit.client, [_event_row(self.unit, *pair) for pair in taken])
        await rows.roll_up(self.unit.client, _rollup_rows(self.unit, [event for event, _ in taken]))
        late = [pair for pair in taken if pair[0].billed is not None]
        await adjustments.insert_many(self.unit.client, [_late_row(self.unit, *pair) for pair in late])
        await self._write_counters()
        events = [event for event, _ in taken]
        for period in sorted({event.period for event in events}, key=lambda each: each.start):
            self._say([event for event in events if event.period == period], period)
        await self._alert()
        if taken:
            await anomalies.look(self.unit, self.counters)

    async def _write_counters(self) -> None:
        deltas = []
        for key, counter in self.counters.items():
            stood = self.before.get(key) or _zero(key)
            spent, held = counter.spent_nanos - stood.spent_nanos, counter.held_nanos - stood.held_nanos
            if spent or held:
                deltas.append(limit_rows.Delta(key[1], key[0], key[2], key[3], spent, held))
        await limit_rows.add(self.unit.client, self.unit.organization_id, deltas)

    def _say(self, events: Sequence[RatedEvent], period: Period) -> None:
        self.unit.emit(
            "UsageRecorded",
            {
                "events": len(events),
                "costNanos": str(sum(event.cost_nanos for event in events)),
                "currency": self.unit.organization.currency,
                "periodStart": period.start.isoformat(),
                "memberIds": sorted({event.fact.member_id for event in events}),
            },
        )

    async def _alert(self) -> None:
        met = {
            (gate.limit.id, gate.counter.subject, windows[gate.limit.interval].start): (
                gate,
                windows[gate.limit.interval],
            )
            for chain, windows in self.moved.values()
            for gate in self.gates(chain, windows)
        }
        await alerts.raise_reached(self.unit, met.values())


async def till(unit: Unit, spots: Iterable[Spot], holds: Iterable[WindowKey] = ()) -> Till:
    """Load the limits and counters that amounts meet at some spots, and the counters that holds stand on.

    It takes two statements however many they are.
    """
    found, held = list(spots), set(holds)
    if not found and not held:
        return Till(unit, (), {}, {})
    met = {(interval, period.start) for _, windows in found for interval, period in windows.items()}
    met |= {(interval, start) for interval, start, _, _ in held}
    subjects = limit_rows.Subjects.of({chain for chain, _ in found}).joined(held)
    in_force = await limit_rows.in_force_for(unit.client, unit.organization_id, subjects)
    counters = await limit_rows.counters_of(unit.client, unit.organization_id, met, subjects)
    return Till(unit, [row.as_rule() for row in in_force], dict(counters), counters)


def blocked(external_id: str, cost_nanos: int, verdict: rules.Blocked, windows: Windows) -> EventBlocked:
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
        resets_at=windows[limit.interval].end,
    )


def _too_much(external_id: str, field_name: str) -> EventRefused:
    message = f"the month's spend would pass the bound of {NANOS_MAX} nanos"
    return EventRefused(external_id, RefusalCode.AMOUNT_INVALID, message, (field_name,))


def _keys(chain: rules.Chain, windows: Windows) -> tuple[WindowKey, ...]:
    return tuple(
        (interval, period.start, level, subject)
        for interval, period in windows.items()
        for level, subject in chain.counted
    )


def _key(gate: rules.Gate, windows: Windows) -> WindowKey:
    interval, level, subject = gate.counter.key
    return interval, windows[interval].start, level, subject


def _zero(key: WindowKey) -> rules.Counter:
    return rules.Counter(key[2], key[3], interval=key[0])


def _event_row(unit: Unit, event: RatedEvent, outcome: EventRecorded) -> dict[str, object]:
    return {
        "organization_id": unit.organization_id,
        "id": outcome.usage_id,
        "external_id": event.fact.event_id,
        "digest": event.fact.digest,
        "member_id": event.fact.member_id,
        "tier": event.chain.tier,
        "group_id": event.chain.group,
        "meter": event.fact.meter,
        "model": event.fact.model,
        "direction": event.fact.direction.value,
        "quantity": event.fact.quantity,
        "cost_nanos": event.cost_nanos,
        "price_version": event.price_version,
        "overage": "RECORDED" if outcome.over_limit else "NONE",
        "supersedes": None,
        "occurred_at": to_microseconds(event.fact.occurred_at),
        "recorded_at": to_microseconds(unit.at),
        "period_start": to_microseconds(event.period.start),
    }


def _late_row(unit: Unit, event: RatedEvent, outcome: EventRecorded) -> dict[str, object]:
    """Return the adjustment by which the next invoice bills an event whose month is closed."""
    assert event.billed is not None, "only usage of a closed month is late"
    row = _event_row(unit, event, outcome)
    shared = (
        "member_id",
        "tier",
        "meter",
        "model",
        "direction",
        "price_version",
        "quantity",
        "cost_nanos",
        "recorded_at",
    )
    return {
        **{name: row[name] for name in ("organization_id", "external_id", *shared)},
        "id": unit.new_id("usage_adjustment"),
        "reason": "LATE",
        "usage_id": outcome.usage_id,
        "origin_period_start": row["period_start"],
        "origin_invoice": event.billed.number,
    }


def _rollup_rows(unit: Unit, events: Sequence[RatedEvent]) -> list[dict[str, object]]:
    sums: defaultdict[tuple[object, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    for event in events:
        fact = event.fact
        day = local_date(fact.occurred_at, unit.organization.time_zone).isoformat()
        start = to_microseconds(event.period.start)
        key = (
            start,
            event.subscription_id,
            day,
            fact.member_id,
            event.tier,
            fact.meter,
            fact.model,
            fact.direction.value,
            event.price_version,
        )
        cell = sums[key]
        cell[0] += fact.quantity
        cell[1] += event.cost_nanos
        cell[2] += 1
    kind = ("member_id", "tier", "meter", "model", "direction", "price_version")
    names = ("period_start", "subscription_id", "day", *kind)
    return [
        {
            "organization_id": unit.organization_id,
            **dict(zip(names, key, strict=True)),
            "quantity": quantity,
            "cost_nanos": cost_nanos,
            "events": count,
        }
        for key, (quantity, cost_nanos, count) in sorted(sums.items())
    ]
