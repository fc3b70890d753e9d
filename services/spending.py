"""Does an event still fit, and what does it move?

A till holds the limits and counters of the windows a batch touches, loaded once under the organization's lock. It takes
events one by one, so that each is decided by what the ones before it left, and writes everything at the end: events,
rollups, counters, alerts and the fact itself.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

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


@dataclass(slots=True)
class Till:
    """Takes events one by one and writes all of them at the end."""

    unit: Unit
    limits: Sequence[rules.Limit]
    counters: Ledger
    before: Ledger
    taken: dict[str, tuple[RatedEvent, EventRecorded]]
    bearing: dict[rules.Chain, tuple[rules.Limit, ...]]

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
            return _blocked(event, verdict)
        if not self.count(event.chain, event.windows, spent_nanos=event.cost_nanos):
            message = f"the month's spend would pass the bound of {NANOS_MAX} nanos"
            return EventRefused(event.fact.event_id, RefusalCode.AMOUNT_INVALID, message, ("quantity",))
        over_limit = isinstance(verdict, rules.Blocked) or bool(verdict.exceeded)
        outcome = EventRecorded(event.fact.event_id, self.unit.new_id("usage"), event.cost_nanos, over_limit)
        self.taken[event.fact.event_id] = (event, outcome)
        return outcome

    def gates(self, chain: rules.Chain, windows: Windows) -> tuple[rules.Gate, ...]:
        """Return what spend of this chain must pass in these windows, as the counters stand now."""
        if chain not in self.bearing:
            self.bearing[chain] = rules.bearing(self.limits, chain)
        met = self.bearing[chain]
        counters = {
            key: counter
            for limit in met
            if (key := (limit.interval, limit.counted_at, chain.subject(limit.counted_at)))
            and (counter := self.counters.get((key[0], windows[key[0]].start, key[1], key[2])))
        }
        return tuple(rules.gate(limit, chain, counters) for limit in met)

    def count(self, chain: rules.Chain, windows: Windows, *, spent_nanos: int) -> bool:
        """Add to every counter of a chain in each window; False, and nothing added, where one would overflow."""
        moved: Ledger = {}
        for interval, period in windows.items():
            for level, subject in chain.counted:
                key = (interval, period.start, level, subject)
                counter = self.counters.get(key) or rules.Counter(level, subject, interval=interval)
                moved[key] = replace(counter, spent_nanos=counter.spent_nanos + spent_nanos)
        if any(counter.used_nanos > NANOS_MAX for counter in moved.values()):
            return False
        self.counters.update(moved)
        return True

    async def write(self) -> None:
        """Keep the events, add to rollups and counters, raise alerts and say what happened."""
        if not self.taken:
            return
        taken = list(self.taken.values())
        await rows.insert_many(self.unit.client, [_event_row(self.unit, *pair) for pair in taken])
        await rows.roll_up(self.unit.client, _rollup_rows(self.unit, [event for event, _ in taken]))
        late = [pair for pair in taken if pair[0].billed is not None]
        await adjustments.insert_many(self.unit.client, [_late_row(self.unit, *pair) for pair in late])
        await self._write_counters()
        events = [event for event, _ in taken]
        for period in sorted({event.period for event in events}, key=lambda each: each.start):
            self._say([event for event in events if event.period == period], period)
        await self._alert(events)
        await anomalies.look(self.unit, self.counters)

    async def _write_counters(self) -> None:
        deltas = [
            limit_rows.Delta(key[1], key[0], key[2], key[3], counter.spent_nanos - self._stood(key).spent_nanos)
            for key, counter in self.counters.items()
        ]
        moved = [delta for delta in deltas if delta.spent_nanos]
        await limit_rows.add(self.unit.client, self.unit.organization_id, moved)

    def _stood(self, key: WindowKey) -> rules.Counter:
        return self.before.get(key) or rules.Counter(key[2], key[3], interval=key[0])

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

    async def _alert(self, events: Sequence[RatedEvent]) -> None:
        met = {
            (gate.limit.id, gate.counter.subject, event.windows[gate.limit.interval].start): (
                gate,
                event.windows[gate.limit.interval],
            )
            for event in {(event.chain, event.windows[Interval.DAY]): event for event in events}.values()
            for gate in self.gates(event.chain, event.windows)
        }
        await alerts.raise_reached(self.unit, met.values())


async def till(unit: Unit, events: Sequence[RatedEvent]) -> Till:
    """Load the limits and counters that the given events meet, in two statements however many they are."""
    subjects = limit_rows.Subjects.of({event.chain for event in events})
    met = {(interval, period.start) for event in events for interval, period in event.windows.items()}
    in_force = await limit_rows.in_force_for(unit.client, unit.organization_id, subjects) if events else []
    counters = await limit_rows.counters_of(unit.client, unit.organization_id, met, subjects) if events else {}
    return Till(unit, [row.as_rule() for row in in_force], dict(counters), counters, {}, {})


def _blocked(event: RatedEvent, verdict: rules.Blocked) -> EventBlocked:
    limit = verdict.binding.limit
    assert limit.cap_nanos is not None, "what has no cap stops nothing"
    return EventBlocked(
        event_id=event.fact.event_id,
        limit_id=limit.id,
        level=limit.level,
        subject=limit.subject,
        cap_nanos=limit.cap_nanos,
        cost_nanos=event.cost_nanos,
        headroom_nanos=verdict.headroom_nanos,
        shortfall_nanos=verdict.shortfall_nanos,
        resets_at=event.windows[limit.interval].end,
    )


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
