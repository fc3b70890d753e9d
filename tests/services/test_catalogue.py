"""List prices have a date; whoever bought before it keeps theirs until they move."""

import copy
from datetime import timedelta
from typing import Any

from billing.plans import from_document, to_document
from models import invoices
from models import plans as plan_rows
from models.database import Database
from models.paging import Window
from services import catalogue, closing, plans
from services.outcomes import RefusalCode, Refused
from tests.services.books import POOLED, START, Books, books, days_later

NOVEMBER = START.replace(month=11)


def dearer(version: int = 2, *, unit: str = "30", named: str = "2026-11") -> dict[str, Any]:
    plan = copy.deepcopy(POOLED) | {"version": version}
    plan["items"][0] |= {"price": {"model": "UNIT", "unit": unit}, "price_version": named}
    return to_document(from_document(plan))


async def published(ours: Books, document: dict[str, Any], since: Any = NOVEMBER, *, at: Any = START) -> Any:
    return await catalogue.publish(ours.database.runner, document, effective_at=since, at=at)


async def test_who_subscribes_gets_the_prices_of_that_day(database: Database) -> None:
    early = await books(database)
    done = await published(early, dearer())
    late = await books(database, slug="globex", at=NOVEMBER + timedelta(days=1))

    before, after = [await plan_rows.history(database.reader, ours.organization_id) for ours in (early, late)]

    assert done == catalogue.Published("pooled", "USD", 2, NOVEMBER)
    assert [row.plan_version for row in (*before, *after)] == [1, 2]


async def test_who_bought_before_keeps_the_prices_until_they_move(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    await published(ours, dearer())
    for month in ("2026-10", "2026-11"):
        await ours.do(closing.close, closing.Close, period=month, at=days_later(61))

    preview = await plans.preview(
        database.reader, await ours.organization(), "pooled", effective_at=days_later(61), at=days_later(61)
    )
    moved = await ours.do(plans.change, plans.Change, plan_key="pooled", at=days_later(61))
    again = await ours.do(plans.change, plans.Change, plan_key="pooled", at=days_later(62))
    await ours.do(closing.close, closing.Close, period="2026-12", at=days_later(92))
    page = await invoices.page_of(database.reader, ours.organization_id, Window(10))
    lines = await invoices.lines_of(database.reader, ours.organization_id, [row.id for row in page.rows])

    assert isinstance(preview, plans.PlanPreview)
    assert (moved.plan_version, moved.before, moved.after) == (2, preview.before, preview.after)
    assert isinstance(again, Refused)
    assert again.code is RefusalCode.STATUS_CONFLICT
    assert [(row.plan_version, row.total_minor) for row in reversed(page.rows)] == [(1, 20_00), (1, 20_00), (2, 30_00)]
    assert {line.explanation["price_version"] for line in lines} == {"1", "2026-11"}
    assert bo


async def test_before_its_day_nobody_moves_to_it(database: Database) -> None:
    ours = await books(database)
    await published(ours, dearer())

    now = await ours.do(plans.change, plans.Change, plan_key="pooled", at=days_later(2))
    later = await ours.do(plans.schedule, plans.Schedule, plan_key="pooled", effective_at=NOVEMBER, at=days_later(2))

    assert isinstance(now, Refused)
    assert later.plan_version == 2


async def test_refuses_what_would_change_a_price_that_was_on_offer(database: Database) -> None:
    ours = await books(database)
    await published(ours, dearer())

    refused = [
        await published(ours, dearer(2)),
        await published(ours, dearer(4)),
        await published(ours, dearer(3, named="2027-01"), NOVEMBER - timedelta(seconds=1)),
        await published(ours, dearer(3, named="2027-01"), NOVEMBER, at=NOVEMBER + timedelta(seconds=1)),
        await published(ours, dearer(3, unit="31"), NOVEMBER),
        await published(ours, {**dearer(3), "items": [{"key": "x"}]}),
    ]

    assert [(each.code, each.field) for each in refused] == [
        (RefusalCode.ALREADY_EXISTS, ("version",)),
        (RefusalCode.ALREADY_EXISTS, ("version",)),
        (RefusalCode.TIME_OUT_OF_RANGE, ("effectiveAt",)),
        (RefusalCode.TIME_OUT_OF_RANGE, ("effectiveAt",)),
        (RefusalCode.PLAN_INVALID, ("items", "0", "price_version")),
        (RefusalCode.PLAN_INVALID, ("items", "0", "name")),
    ]


async def test_a_plan_that_is_not_on_offer_yet_cannot_be_bought(database: Database) -> None:
    ours = await books(database)
    plan = dearer(1) | {"key": "future"}

    done = await published(ours, plan)
    refused = await ours.do(plans.change, plans.Change, plan_key="future", at=days_later(1))

    assert isinstance(done, catalogue.Published)
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.NOT_FOUND
