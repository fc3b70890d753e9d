"""A plan that is replaced as a month begins is settled like one that is replaced within it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.plans import from_document, to_document
from models import invoices as rows
from models import plans as plan_rows
from models.database import Database
from models.sql import Client
from services import closing, plans
from tests.services.books import START, Books, books

NOVEMBER, DECEMBER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_fee(key: str, amount: str, interval: str, timing: str = "ADVANCE") -> dict[str, Any]:
    """Return a plan of one fee, counted by days."""
    item = {
        "key": "fee",
        "name": {"en": "Fee"},
        "quantity": {"kind": "FLAT"},
        "price": {"model": "UNIT", "unit": amount},
        "timing": timing,
        "interval": interval,
        "proration": "ACTUAL_EXCLUSIVE",
    }
    return {
        "key": key,
        "version": 1,
        "name": {"en": key},
        "currency": "USD",
        "tax": {"mode": "EXCLUSIVE", "percent": "0"},
        "tiers": [],
        "items": [item],
    }


async def between(database: Database, old: dict[str, Any], new: dict[str, Any]) -> Books:
    """Return books on `old`, with `new` in the catalogue."""
    ours = await books(database, plan=old)

    async def publish(client: Client) -> None:
        document = to_document(from_document(new))
        await plan_rows.publish(client, key="new", version=1, currency="USD", document=document, published_at=START)

    await database.runner.run(publish, lane="catalog")
    return ours


async def bill(ours: Books, month: str, at: datetime) -> dict[str, int]:
    """Close a month and return its lines."""
    closed = await ours.do(closing.close, closing.Close, period=month, at=at)
    assert isinstance(closed, closing.Closed), closed
    lines = await rows.lines_of(ours.reader, ours.organization_id, [closed.invoice_id] if closed.invoice_id else [])
    return {line.key: line.amount_minor for line in lines}


@pytest.mark.parametrize("scheduled", [True, False], ids=["scheduled", "at once, when the month is closed"])
async def test_what_is_left_of_a_year_comes_back(database: Database, scheduled: bool) -> None:
    ours = await between(database, a_fee("old", "365.00", "YEAR"), a_fee("new", "30.00", "MONTH"))
    if scheduled:
        await ours.do(plans.schedule, plans.Schedule, plan_key="new", effective_at=NOVEMBER)

    october = await bill(ours, "2026-10", NOVEMBER + HOUR)
    if not scheduled:
        await ours.do(plans.change, plans.Change, plan_key="new", at=NOVEMBER)
    november = await bill(ours, "2026-11", DECEMBER + HOUR)

    owed = 30_00 * 2 - (365 - 31) * 1_00
    assert sum(october.values()) + sum(november.values()) == owed
    assert november["fee/until-2026-11-01"] == -(365 - 31) * 1_00


async def test_a_year_that_begins_within_another_is_billed_for_the_rest_of_it(database: Database) -> None:
    ours = await between(database, a_fee("old", "30.00", "MONTH"), a_fee("new", "365.00", "YEAR"))
    await ours.do(plans.schedule, plans.Schedule, plan_key="new", effective_at=NOVEMBER)

    october = await bill(ours, "2026-10", NOVEMBER + HOUR)
    november = await bill(ours, "2026-11", DECEMBER + HOUR)

    assert october == {}
    assert november == {"fee/first": (365 - 31) * 1_00}


async def test_a_year_in_arrears_is_owed_from_the_day_its_plan_began(database: Database) -> None:
    ours = await between(database, a_fee("old", "31.00", "MONTH", "ARREARS"), a_fee("new", "365.00", "YEAR", "ARREARS"))
    await ours.do(plans.schedule, plans.Schedule, plan_key="new", effective_at=NOVEMBER)

    months = [f"2026-{month}" for month in (10, 11, 12)] + [f"2027-{month:02}" for month in range(1, 10)]
    bills = [await bill(ours, month, datetime(2027, 10, 1, 1, tzinfo=UTC)) for month in months]

    assert bills[0] == {"fee": 31_00}
    assert bills[-1] == {"fee": (365 - 31) * 1_00}
    assert not any(bills[1:-1])


async def test_a_change_as_a_month_is_closed_starts_an_instant_later_in_the_preview_too(database: Database) -> None:
    ours = await between(database, a_fee("old", "310.00", "MONTH"), a_fee("new", "620.00", "MONTH"))
    await bill(ours, "2026-10", NOVEMBER)

    preview = await plans.preview(ours.reader, await ours.organization(), "new", effective_at=NOVEMBER, at=NOVEMBER)
    changed = await ours.do(plans.change, plans.Change, plan_key="new", at=NOVEMBER)

    assert isinstance(preview, plans.PlanPreview)
    assert (preview.before, preview.after) == (changed.before, changed.after)
    assert preview.after.minor - preview.before.minor == 31_000 + 31_000, "November at once, and December in advance"


async def test_weeks_are_billed_with_the_month_they_end_in(database: Database) -> None:
    ours = await books(database, plan=a_fee("weekly", "7.00", "WEEK", "ARREARS"))

    october = await bill(ours, "2026-10", NOVEMBER + HOUR)
    november = await bill(ours, "2026-11", DECEMBER + HOUR)

    # weeks from Thursday 1 October
    assert october == {f"fee/2026-10-{day:02}": 7_00 for day in (1, 8, 15, 22)}
    assert november == {f"fee/{day}": 7_00 for day in ("2026-10-29", "2026-11-05", "2026-11-12", "2026-11-19")}
