"""What is kept of an event that was taken?

Its row, its share of a rollup, and, where its month is billed already, the adjustment by which the next invoice bills
it. The columns are those of `models.usage`, in their order.
"""

from collections.abc import Iterable

from billing.periods import to_microseconds
from models.sql import Row
from models.usage import EventColumns, RollupColumns
from services.event_prices import Price
from services.rating import RatedEvent, Spot
from services.unit import Unit
from services.usage_facts import EventRecorded


def of_events(unit: Unit, taken: Iterable[tuple[RatedEvent, EventRecorded]]) -> list[EventColumns]:
    """Return events that one command reported as rows."""
    organization_id, recorded_at = unit.organization_id, to_microseconds(unit.at)
    rows: list[EventColumns] = []
    for event, outcome in taken:
        fact, spot, price = event.fact, event.spot, event.price
        chain, occurred_at = spot.chain, to_microseconds(fact.occurred_at)
        rows.append(
            (
                organization_id,
                outcome.usage_id,
                fact.event_id,
                fact.digest_at(occurred_at),
                fact.member_id,
                chain.tier,
                chain.group,
                price.meter,
                price.model,
                price.direction,
                fact.quantity,
                event.cost_nanos,
                price.version,
                "RECORDED" if outcome.over_limit else "NONE",
                None,
                occurred_at,
                recorded_at,
                spot.day.month_microseconds,
            )
        )
    return rows


def of_late(unit: Unit, event: RatedEvent, outcome: EventRecorded) -> Row:
    """Return the adjustment by which the next invoice bills an event whose month is closed."""
    assert event.billed is not None, "only usage of a closed month is late"
    return {
        "organization_id": unit.organization_id,
        "id": unit.new_id("usage_adjustment"),
        "reason": "LATE",
        "usage_id": outcome.usage_id,
        "external_id": event.fact.event_id,
        "member_id": event.fact.member_id,
        "tier": event.chain.tier,
        "meter": event.fact.meter,
        "model": event.fact.model,
        "direction": event.fact.direction.value,
        "price_version": event.price.version,
        "quantity": event.fact.quantity,
        "cost_nanos": event.cost_nanos,
        "origin_period_start": event.spot.day.month_microseconds,
        "origin_invoice": event.billed.number,
        "recorded_at": to_microseconds(unit.at),
    }


def rollups(organization_id: str, events: Iterable[RatedEvent]) -> list[RollupColumns]:
    """Return what events add to the rollups: one row for each key they have."""
    # Spots and prices are the same objects for as long as they are equal, so most events only meet two of them.
    met: dict[tuple[int, int], tuple[Spot, Price, list[int]]] = {}
    for event in events:
        key = (id(event.spot), id(event.price))
        found = met.get(key)
        if found is None:
            found = met[key] = (event.spot, event.price, [0, 0, 0])
        sums = found[2]
        sums[0] += event.fact.quantity
        sums[1] += event.cost_nanos
        sums[2] += 1
    rows: dict[tuple[str | int, ...], list[int]] = {}
    for spot, price, sums in met.values():
        columns = (
            organization_id,
            spot.day.month_microseconds,
            price.subscription_id,
            spot.day.iso,
            spot.chain.member_id,
            spot.chain.tier,
            price.meter,
            price.model,
            price.direction,
            price.version,
        )
        kept = rows.setdefault(columns, [0, 0, 0])
        for place, amount in enumerate(sums):
            kept[place] += amount
    return [(*columns, *sums) for columns, sums in rows.items()]
