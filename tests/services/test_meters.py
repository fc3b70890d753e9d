"""Meters that are priced otherwise than by a rate card: counted, summed, or by the event."""

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from models import invoices as rows
from models.database import Database
from services import closing, plans
from tests.services.books import POOLED, a_use, books, days_later
from tests.services.test_plan_boundaries import between, bill

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


def by_event(unit: str, **quantity: Any) -> dict[str, Any]:
    return a_plan(quantity, {"model": "UNIT", "unit": unit})


@pytest.mark.parametrize(
    ("quantity", "old", "new"),
    [
        pytest.param({"aggregation": "MAX"}, 70_00, 5_00, id="the largest of each time"),
        pytest.param({"aggregation": "LATEST"}, 70_00, 5_00, id="the last of each time"),
        pytest.param({"aggregation": "SUM", "window": "DAY"}, 100_00, 5_00, id="the windows of each time"),
        pytest.param({"aggregation": "WEIGHTED_SUM"}, 37_10, 52_58, id="the level lasts beyond the change"),
    ],
)
async def test_each_plan_of_a_month_bills_the_events_of_its_own_time(
    database: Database, quantity: dict[str, Any], old: int, new: int
) -> None:
    # 30 on the 1st, 70 on the 6th, 5 on the 26th; the plan changes on the 16th, to another at the same price
    first, second = by_event("1", **quantity), by_event("1", **quantity) | {"key": "second"}
    ours = await between(database, first, second)
    bo = await ours.add("bo")
    await ours.do(plans.schedule, plans.Schedule, plan_key="new", effective_at=days_later(15))
    for day, value in ((0, 30), (5, 70), (25, 5)):
        await ours.use(a_use(f"day-{day}", bo, 0, quantity=value, at=days_later(day)), at=days_later(day))

    lines = await bill(ours, "2026-10", NOVEMBER)

    # the level: 30 × 15/31 + 70 × 10/31 = 37.10, then 100 × 16/31 + 5 × 6/31 = 52.58
    assert lines == {"meter/until-2026-10-16": old, "meter": new}


async def test_a_replaced_plan_that_counts_events_is_billed_where_the_new_one_counts_none(database: Database) -> None:
    fees = {"model": "PERCENTAGE", "percent": "1", "fixed": "0.25"}
    plain = by_event("2") | {"key": "second"}
    ours = await between(database, a_plan({}, fees), plain)
    bo = await ours.add("bo")
    await ours.use(a_use("one", bo, 0, quantity=100), at=days_later(0))
    await ours.do(plans.change, plans.Change, plan_key="new", at=days_later(15))
    await ours.use(a_use("two", bo, 0, quantity=7, at=days_later(20)), at=days_later(20))

    assert await bill(ours, "2026-10", NOVEMBER) == {"meter/until-2026-10-16": 1_25, "meter": 14_00}
