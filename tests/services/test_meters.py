"""Meters that are priced otherwise than by a rate card: counted, summed, or by the event."""

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from models import invoices as rows
from models.database import Database
from services import closing
from tests.services.books import POOLED, a_use, books, days_later

NOVEMBER = datetime(2026, 11, 1, 2, tzinfo=UTC)


def a_plan(quantity: dict[str, Any], price: dict[str, Any]) -> dict[str, Any]:
    plan = deepcopy(POOLED)
    meter = {"kind": "USAGE", "meter": "tokens", **quantity}
    plan["items"] = [{"key": "meter", "name": {"en": "Meter"}, "quantity": meter, "price": price}]
    return plan


async def billed(database: Database, plan: dict[str, Any], *quantities: int) -> list[tuple[str, int]]:
    ours = await books(database, plan=plan)
    bo = await ours.add("bo")
    facts = [
        a_use(str(number), bo, 0, quantity=quantity, at=days_later(number))
        for number, quantity in enumerate(quantities)
    ]
    await ours.use(*facts, at=days_later(30))
    closed = await ours.do(closing.close, closing.Close, period="2026-10", at=NOVEMBER)
    lines = await rows.lines_of(database.reader, ours.organization_id, [closed.invoice_id])
    return [(line.quantity, line.amount_minor) for line in lines]


async def test_a_sum_is_priced_by_the_unit(database: Database) -> None:
    assert await billed(database, a_plan({}, {"model": "UNIT", "unit": "0.05"}), 30, 70) == [("100", 5_00)]


async def test_a_count_is_priced_by_the_event(database: Database) -> None:
    plan = a_plan({"aggregation": "COUNT"}, {"model": "UNIT", "unit": "1.50"})

    assert await billed(database, plan, 30, 70, 5) == [("3", 4_50)]


async def test_the_largest_event_is_what_max_bills(database: Database) -> None:
    plan = a_plan({"aggregation": "MAX"}, {"model": "UNIT", "unit": "2"})

    assert await billed(database, plan, 30, 70, 5) == [("70", 140_00)]


async def test_the_last_event_is_what_latest_bills(database: Database) -> None:
    plan = a_plan({"aggregation": "LATEST"}, {"model": "UNIT", "unit": "2"})

    assert await billed(database, plan, 30, 70, 5) == [("5", 10_00)]


async def test_tiers_are_filled_by_the_month(database: Database) -> None:
    tiers = [{"up_to": "50", "unit": "1"}, {"up_to": None, "unit": "0.5"}]

    assert await billed(database, a_plan({}, {"model": "GRADUATED", "tiers": tiers}), 30, 70) == [("100", 75_00)]
