"""Late and corrected usage: nothing lost, nothing twice, and nothing issued is edited."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.rating import QUANTITY_MAX
from models import invoices as rows
from models import usage as usage_rows
from models.database import Database
from models.paging import Window
from services import closing, corrections
from services.outcomes import RefusalCode, Refused
from services.usage import EventBlocked, EventRecorded, EventRefused, Overage
from tests.services.books import START, Books, a_use, books

HOUR = timedelta(hours=1)
OCTOBER_END = datetime(2026, 10, 31, 23, 59, 59, 999_999, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, 2, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, 2, tzinfo=UTC)


async def correct(ours: Books, event_id: str, cents: int, *, to: str = "fix", at: datetime = START) -> Any:
    return await ours.do(
        corrections.correct,
        corrections.Correct,
        event_id=event_id,
        correction_id=to,
        quantity=cents * 10_000,
        at=at,
    )


async def bill(ours: Books, month: str, at: datetime) -> list[tuple[str, int]]:
    closed = await ours.do(closing.close, closing.Close, period=month, at=at)
    assert isinstance(closed, closing.Closed), closed
    if closed.invoice_id is None:
        return []
    lines = await rows.lines_of(ours.reader, ours.organization_id, [closed.invoice_id])
    return [(line.description, line.amount_minor) for line in lines]


async def test_a_correction_in_an_open_month_is_rated_anew(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier=None)
    await ours.use(a_use("1", bo, 500))

    answer = await correct(ours, "1", 200)

    assert isinstance(answer, corrections.Corrected)
    assert (answer.previous_cost_nanos, answer.cost_nanos, answer.billed_later) == (5 * 10**9, 2 * 10**9, False)
    assert await ours.spent(bo, tiers=("",)) == {"organization": 2_000_000, "": 2_000_000, bo: 2_000_000}
    assert await bill(ours, "2026-10", NOVEMBER) == [("Usage: atlas, input", 2_00)]


async def test_an_event_taken_back_frees_the_limit(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "5.00", bo)
    await ours.use(a_use("1", bo, 500))

    (before,) = await ours.use(a_use("2", bo, 1))
    await correct(ours, "1", 0)
    (after,) = await ours.use(a_use("3", bo, 500))

    assert isinstance(before, EventBlocked)
    assert isinstance(after, EventRecorded)


async def test_a_correction_above_a_limit_is_kept_flagged_and_told(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "5.00", bo)
    await ours.use(a_use("1", bo, 400), a_use("2", bo, 50))

    fits = await correct(ours, "2", 100, to="fits")
    passes = await correct(ours, "1", 900, to="passes")
    less = await correct(ours, "passes", 800, to="less")

    flags = {}
    for each in ("fits", "passes", "less"):
        row = await usage_rows.find_by_external_id(ours.reader, ours.organization_id, each)
        assert row is not None
        flags[each] = row.overage
    (told,) = [json.loads(event.payload) for event in await ours.facts("SpendOverrun")]
    assert all(isinstance(each, corrections.Corrected) for each in (fits, passes, less))
    assert flags == {"fits": "NONE", "passes": "RECORDED", "less": "RECORDED"}
    assert (told["memberId"], told["overLimitNanos"], told["usageIds"]) == (bo, str(5 * 10**9), [passes.usage_id])
    assert [json.loads(event.payload)["threshold"] for event in await ours.facts("SpendLimitThresholdReached")] == [
        75,
        90,
        100,
    ]


async def test_a_correction_makes_no_sum_that_cannot_be_counted(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.use(
        *(a_use(str(each), bo, 1)._replace(quantity=QUANTITY_MAX) for each in range(9)), a_use("last", bo, 1)
    )

    answer = await correct(ours, "last", QUANTITY_MAX // 10_000)

    assert isinstance(answer, Refused)
    assert (answer.code, answer.field) == (RefusalCode.AMOUNT_INVALID, ("quantity",))
    assert (await ours.spent(bo))[bo] == 9 * QUANTITY_MAX + 10_000


async def test_a_correction_can_be_corrected_and_an_event_only_once(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.use(a_use("1", bo, 500))
    await correct(ours, "1", 200, to="fix")

    again = await correct(ours, "1", 300, to="other")
    further = await correct(ours, "fix", 300, to="fix2")

    assert isinstance(again, Refused)
    assert "'fix'" in again.message
    assert isinstance(further, corrections.Corrected)
    assert (await ours.spent(bo))[bo] == 3_000_000


async def test_a_correction_of_a_billed_month_is_a_line_of_the_next_invoice(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier=None)
    await ours.use(a_use("1", bo, 500))
    october = await bill(ours, "2026-10", NOVEMBER)
    (frozen,) = (await rows.page_of(database.reader, ours.organization_id, Window(5))).rows

    answer = await correct(ours, "1", 200, at=NOVEMBER)
    await ours.use(a_use("2", bo, 1_000, at=NOVEMBER), at=NOVEMBER)
    november = await bill(ours, "2026-11", DECEMBER)

    assert answer.billed_later
    assert october == [("Usage: atlas, input", 5_00)]
    assert november == [
        ("Usage: atlas, input", 10_00),
        ("Usage: atlas, input, correction of 2026-10 (invoice BILLGRAPH-000001)", -3_00),
    ]
    still = await rows.find(database.reader, ours.organization_id, frozen.id)
    assert still is not None
    assert still.digest == frozen.digest


async def test_late_usage_is_billed_next_and_only_once(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier=None)
    await ours.use(a_use("1", bo, 500))
    await bill(ours, "2026-10", NOVEMBER)

    asked = await ours.use(a_use("late", bo, 123, at=OCTOBER_END), at=NOVEMBER + HOUR)
    (late,) = await ours.use(a_use("late", bo, 123, at=OCTOBER_END), at=NOVEMBER + HOUR, overage=Overage.RECORD)
    november = await bill(ours, "2026-11", DECEMBER)
    december = await bill(ours, "2026-12", DECEMBER.replace(year=2027, month=1))

    assert [each.code for each in asked if isinstance(each, EventRefused)] == [RefusalCode.PERIOD_CLOSED]
    assert isinstance(late, EventRecorded)
    assert november == [("Usage: atlas, input, late usage of 2026-10 (invoice BILLGRAPH-000001)", 1_23)]
    assert december == []
    assert (await ours.spent(bo))[bo] == 6_230_000, "it counts in the month it happened in"


async def test_a_month_that_owes_less_than_nothing_is_a_credit(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier=None)
    await ours.use(a_use("1", bo, 500))
    await bill(ours, "2026-10", NOVEMBER)
    await correct(ours, "1", 0, at=NOVEMBER)

    await bill(ours, "2026-11", DECEMBER)

    newest = (await rows.page_of(database.reader, ours.organization_id, Window(5))).rows[0]
    assert (newest.total_minor, newest.status) == (-5_00, "PAID")


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"event_id": "unknown"}, RefusalCode.NOT_FOUND, "eventId"),
        ({"correction_id": ""}, RefusalCode.INPUT_INVALID, "correctionId"),
        ({"correction_id": "2"}, RefusalCode.EVENT_ID_CONFLICT, "correctionId"),
        ({"quantity": -1}, RefusalCode.INPUT_INVALID, "quantity"),
        ({"quantity": 10**15 + 1}, RefusalCode.INPUT_INVALID, "quantity"),
    ],
)
async def test_a_bad_correction_changes_nothing(
    database: Database, change: dict[str, Any], code: RefusalCode, field: str
) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.use(a_use("1", bo, 5), a_use("2", bo, 5))
    good = {"event_id": "1", "correction_id": "fix", "quantity": 1}

    answer = await ours.do(corrections.correct, corrections.Correct, **{**good, **change})

    assert isinstance(answer, Refused)
    assert (answer.code, answer.field) == (code, (field,))
    assert (await ours.spent(bo))[bo] == 100_000
