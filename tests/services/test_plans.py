"""A plan changes at an instant, both sides are billed, and the preview said so."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.money import Money
from billing.plans import from_document, to_document
from models import invoices as rows
from models import plans as plan_rows
from models.database import Database
from models.sql import Client
from services import closing, plans
from services.outcomes import RefusalCode, Refused
from tests.services.books import POOLED, START, Books, a_use, books, days_later

NOVEMBER = datetime(2026, 11, 1, 2, tzinfo=UTC)
MIDDLE = START + timedelta(days=15, hours=12)
DEARER: dict[str, Any] = deepcopy(POOLED)
DEARER["key"] = "dearer"
DEARER["items"][0]["price"]["unit"] = "60"
DEARER["items"][2]["price"]["cards"][0]["rates"][0]["amount"] = "2"


def dollars(text: str) -> Money:
    return Money.parse(text, "USD")


async def two_plans(database: Database) -> Books:
    ours = await books(database)

    async def publish(client: Client) -> None:
        document = to_document(from_document(DEARER))
        await plan_rows.publish(client, key="dearer", version=1, currency="USD", document=document, published_at=START)

    await database.runner.run(publish, lane="catalog")
    return ours


async def bill(ours: Books, month: str = "2026-10", at: datetime = NOVEMBER) -> list[tuple[str, str, int]]:
    closed = await ours.do(closing.close, closing.Close, period=month, at=at)
    assert isinstance(closed, closing.Closed), closed
    lines = await rows.lines_of(ours.reader, ours.organization_id, [closed.invoice_id] if closed.invoice_id else [])
    return [(line.key, line.quantity, line.amount_minor) for line in lines]


async def test_a_change_in_the_middle_bills_each_plan_for_its_time_and_usage(database: Database) -> None:
    ours = await two_plans(database)
    bo = await ours.add("bo", tier="chat")
    await ours.use(a_use("1", bo, 100))

    changed = await ours.do(plans.change, plans.Change, plan_key="dearer", at=MIDDLE)
    await ours.use(a_use("2", bo, 100, at=MIDDLE), at=MIDDLE)
    lines = await bill(ours)

    assert isinstance(changed, plans.PlanChanged)
    amounts = sorted(amount for _, _, amount in lines)
    assert amounts == [1_00, 2_00, 10_00, 30_00], "half a month at 20 and at 60, a dollar of usage and the same at 2"


async def test_the_change_says_what_the_preview_said_and_the_invoice_says_it_too(database: Database) -> None:
    ours = await two_plans(database)
    await ours.add("bo", tier="chat")
    organization = await ours.organization()

    preview = await plans.preview(ours.reader, organization, "dearer", effective_at=MIDDLE, at=START)
    changed = await ours.do(plans.schedule, plans.Schedule, plan_key="dearer", effective_at=MIDDLE)
    lines = await bill(ours)

    assert isinstance(preview, plans.PlanPreview)
    assert (preview.before, preview.after) == (dollars("20.00"), dollars("40.00"))
    assert (changed.before, changed.after) == (preview.before, preview.after)
    assert sum(amount for _, _, amount in lines) == preview.after.minor


async def test_a_change_at_the_boundary_starts_with_the_next_month(database: Database) -> None:
    ours = await two_plans(database)
    await ours.add("bo", tier="chat")

    await ours.do(plans.schedule, plans.Schedule, plan_key="dearer", effective_at=START.replace(month=11))

    assert [amount for _, _, amount in await bill(ours)] == [20_00]
    december = datetime(2026, 12, 1, 2, tzinfo=UTC)
    assert [amount for _, _, amount in await bill(ours, "2026-11", december)] == [60_00]


async def test_a_new_schedule_takes_the_place_of_the_old_one(database: Database) -> None:
    ours = await two_plans(database)
    for day in (20, 25):
        await ours.do(plans.schedule, plans.Schedule, plan_key="dearer", effective_at=days_later(day))

    history = await plan_rows.history(database.reader, ours.organization_id)

    assert [(row.plan_key, row.starts_at, row.ends_at) for row in history] == [
        ("pooled", START, days_later(25)),
        ("dearer", days_later(25), None),
    ]


@pytest.mark.parametrize(
    ("plan_key", "effective_at", "code"),
    [
        ("nothing", days_later(5), RefusalCode.NOT_FOUND),
        ("pooled", days_later(5), RefusalCode.STATUS_CONFLICT),
        ("dearer", START - timedelta(days=1), RefusalCode.TIME_OUT_OF_RANGE),
    ],
)
async def test_a_change_that_cannot_be_is_refused(
    database: Database, plan_key: str, effective_at: datetime, code: RefusalCode
) -> None:
    ours = await two_plans(database)

    answer = await ours.do(
        plans.schedule, plans.Schedule, plan_key=plan_key, effective_at=effective_at, at=days_later(1)
    )

    assert isinstance(answer, Refused)
    assert answer.code is code
    assert len(await plan_rows.history(database.reader, ours.organization_id)) == 1


async def test_a_plan_without_a_place_for_a_seat_that_is_held_is_refused(database: Database) -> None:
    ours = await two_plans(database)
    bare = deepcopy(POOLED) | {"key": "bare", "tiers": [], "items": []}

    async def publish(client: Client) -> None:
        await plan_rows.publish(client, key="bare", version=1, currency="USD", document=bare, published_at=START)

    await database.runner.run(publish, lane="catalog")
    await ours.add("bo", tier="chat")

    answer = await ours.do(plans.change, plans.Change, plan_key="bare", at=MIDDLE)

    assert isinstance(answer, Refused)
    assert answer.code is RefusalCode.PLAN_INVALID


async def test_a_plan_whose_prices_have_the_tax_elsewhere_is_refused(database: Database) -> None:
    ours = await books(database)
    inclusive = deepcopy(POOLED) | {"key": "inclusive", "tax": {"mode": "INCLUSIVE", "percent": "20"}}

    async def publish(client: Client) -> None:
        await plan_rows.publish(
            client, key="inclusive", version=1, currency="USD", document=inclusive, published_at=START
        )

    await database.runner.run(publish, lane="catalog")

    answer = await ours.do(plans.change, plans.Change, plan_key="inclusive", at=MIDDLE)

    assert isinstance(answer, Refused), "what was paid with the tax inside would come back with the tax on top"
    assert (answer.code, answer.field) == (RefusalCode.PLAN_INVALID, ("planKey",))
