"""Does an event still fit, and what does it move?

A till holds the limits and counters of the months a batch touches, loaded once under the organization's lock. It takes
events one by one, so that each is decided by what the ones before it left, and writes everything at the end: events,
rollups, counters, alerts and the fact itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from billing import limits as rules
from billing.money import NANOS_MAX
from billing.periods import Period, local_date, to_microseconds
from models import adjustments
from models import limits as limit_rows
from models import usage as rows
from services import alerts
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

Level = rules.SpendLevel
Counters = dict[tuple[rules.SpendLevel, str], rules.Counter]


@dataclass(slots=True)
class Month:
    """The limits and counters that the events of one month meet."""

    period: Period
    limits: Sequence[rules.Limit]
    counters: Counters
    before: Counters

    def gates(self, organization_id: str, event: RatedEvent) -> tuple[rules.Gate, ...]:
        """Return what this event must pass, as the counters stand now."""
        return rules.gates(
            self.limits,
            self.counters.values(),
            organization_id=organization_id,
            tier=event.tier or None,
            member_id=event.fact.member_id,
        )

    def count(self, keys: Iterable[tuple[rules.SpendLevel, str]], cost_nanos: int) -> None:
        """Add a cost to the counters."""
        for key in keys:
            counter = self.counters.get(key, rules.Counter(*key))
            self.counters[key] = replace(counter, spent_nanos=counter.spent_nanos + cost_nanos)


@dataclass(slots=True)
class Till:
    """Takes events one by one and writes all of them at the end."""

    unit: Unit
    months: Mapping[datetime, Month]
    taken: dict[str, tuple[RatedEvent, EventRecorded]]

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
        month = self.months[event.period.start]
        verdict = rules.decide(month.gates(self.unit.organization_id, event), event.cost_nanos)
        if isinstance(verdict, rules.Blocked) and overage is Overage.REFUSE:
            return _blocked(event, verdict)
        keys = _counter_keys(self.unit.organization_id, event)
        if any(month.counters.get(key, rules.Counter(*key)).used_nanos + event.cost_nanos > NANOS_MAX for key in keys):
            message = f"the month's spend would pass the bound of {NANOS_MAX} nanos"
            return EventRefused(event.fact.event_id, RefusalCode.AMOUNT_INVALID, message, ("quantity",))
        month.count(keys, event.cost_nanos)
        over_limit = isinstance(verdict, rules.Blocked)
        outcome = EventRecorded(event.fact.event_id, self.unit.new_id("usage"), event.cost_nanos, over_limit)
        self.taken[event.fact.event_id] = (event, outcome)
        return outcome

    async def write(self) -> None:
        """Keep the events, add to rollups and counters, raise alerts and say what happened."""
        if not self.taken:
            return
        taken = list(self.taken.values())
        await rows.insert_many(self.unit.client, [_event_row(self.unit, *pair) for pair in taken])
        await rows.roll_up(self.unit.client, _rollup_rows(self.unit, [event for event, _ in taken]))
        late = [pair for pair in taken if pair[0].billed is not None]
        await adjustments.insert_many(self.unit.client, [_late_row(self.unit, *pair) for pair in late])
        for month in self.months.values():
            await self._write_month(month, [event for event, _ in taken if event.period == month.period])

    async def _write_month(self, month: Month, events: Sequence[RatedEvent]) -> None:
        if not events:
            return
        deltas = [
            limit_rows.Delta(*key, counter.spent_nanos - month.before.get(key, rules.Counter(*key)).spent_nanos)
            for key, counter in month.counters.items()
        ]
        organization_id = self.unit.organization_id
        await limit_rows.add(
            self.unit.client,
            organization_id,
            period_start=month.period.start,
            deltas=[delta for delta in deltas if delta.spent_nanos],
        )
        self.unit.emit(
            "UsageRecorded",
            {
                "events": len(events),
                "costNanos": str(sum(event.cost_nanos for event in events)),
                "currency": self.unit.organization.currency,
                "periodStart": month.period.start.isoformat(),
                "memberIds": sorted({event.fact.member_id for event in events}),
            },
        )
        chains = {(event.tier, event.fact.member_id): event for event in events}.values()
        gates = {
            (gate.limit.id, gate.counter.subject): gate
            for event in chains
            for gate in month.gates(organization_id, event)
        }
        await alerts.raise_reached(self.unit, gates.values(), month.period)


async def till(unit: Unit, events: Sequence[RatedEvent]) -> Till:
    """Load the limits and counters that the given events meet, in a few statements for each month."""
    months: dict[datetime, Month] = {}
    for period in sorted({event.period for event in events}, key=lambda each: each.start):
        here = [event for event in events if event.period == period]
        tiers = sorted({event.tier for event in here})
        member_ids = sorted({event.fact.member_id for event in here})
        in_force = await limit_rows.in_force_for(unit.client, unit.organization_id, tiers=tiers, members=member_ids)
        counters = await limit_rows.counters(
            unit.client, unit.organization_id, period_start=period.start, tiers=tiers, members=member_ids
        )
        months[period.start] = Month(period, [row.as_rule() for row in in_force], dict(counters), counters)
    return Till(unit, months, {})


def _counter_keys(organization_id: str, event: RatedEvent) -> tuple[tuple[rules.SpendLevel, str], ...]:
    return (
        (Level.ORGANIZATION, organization_id),
        (Level.SEAT_TIER, event.tier),
        (Level.MEMBER, event.fact.member_id),
    )


def _blocked(event: RatedEvent, verdict: rules.Blocked) -> EventBlocked:
    limit = verdict.binding.limit
    return EventBlocked(
        event_id=event.fact.event_id,
        limit_id=limit.id,
        level=limit.level,
        subject=limit.subject,
        cap_nanos=limit.cap_nanos,
        cost_nanos=event.cost_nanos,
        headroom_nanos=verdict.headroom_nanos,
        shortfall_nanos=verdict.shortfall_nanos,
        resets_at=event.period.end,
    )


def _event_row(unit: Unit, event: RatedEvent, outcome: EventRecorded) -> dict[str, object]:
    return {
        "organization_id": unit.organization_id,
        "id": outcome.usage_id,
        "external_id": event.fact.event_id,
        "digest": event.fact.digest,
        "member_id": event.fact.member_id,
        "tier": event.tier,
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
