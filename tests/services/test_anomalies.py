"""An unusual day is noticed once, and noticing costs next to nothing."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from auth import policy
from billing.anomalies import Sensitivity
from billing.limits import Counter, SpendLevel
from billing.money import Money
from billing.windows import Interval
from models import anomalies as rows
from models.database import Database
from models.paging import Window
from models.sql import Client
from services import anomalies
from services.outcomes import RefusalCode
from services.unit import Unit
from services.usage import Overage
from tests.schema.counting import CountingReader
from tests.services.books import START, Books, a_use, as_role, books

DAY = timedelta(days=1)
NOW = START + 14 * DAY + timedelta(hours=12)
USUAL = 20_00
UNUSUAL = 40_01
"""Usual is 20.00 a day, and a sixth of it, six times, is another 20.00: above 40.00 a day is unusual."""


async def habit(ours: Books, name: str = "bo", *, days: int = 14) -> str:
    """Add somebody who has spent 20.00 on each of so many days before today."""
    member_id = await ours.add(name)
    uses = [a_use(f"{name}-{day}", member_id, USUAL, at=NOW - day * DAY) for day in range(1, days + 1)]
    await ours.use(*uses, at=NOW)
    return member_id


async def found(ours: Books) -> list[dict[str, Any]]:
    return [json.loads(event.payload) for event in await ours.facts(anomalies.KIND)]


async def watching(ours: Books, sensitivity: str, floor: Money | None = None, **fields: Any) -> Any:
    return await ours.do(
        anomalies.set_watch, anomalies.SetWatch, sensitivity=Sensitivity(sensitivity), floor=floor, **fields
    )


async def test_tells_of_a_day_once(database: Database) -> None:
    ours = await books(database)
    bo = await habit(ours)

    await ours.use(a_use("e1", bo, UNUSUAL - 1, at=NOW), at=NOW)
    quiet = await found(ours)
    await ours.use(a_use("e2", bo, 1, at=NOW), at=NOW)
    await ours.use(a_use("e3", bo, 100_00, at=NOW), at=NOW)

    assert quiet == []
    (event,) = await ours.facts(anomalies.KIND)
    assert event.member_id == bo
    (row,) = (await rows.page_of(ours.reader, ours.organization_id, Window(10), seen_by=None)).rows
    assert json.loads(event.payload) == {
        "anomalyId": row.id,
        "dedupId": f"unusual:{bo}:2026-10-15",
        "memberId": bo,
        "day": "2026-10-15",
        "currency": "USD",
        "spent": "40.01",
        "usual": "20",
        "threshold": "40.000000004",
    }
    assert (row.detected_at, row.history_days) == (NOW, 14)


async def test_tells_of_each_day_and_each_member_apart(database: Database) -> None:
    ours = await books(database)
    bo, eve = await habit(ours), await habit(ours, "eve")

    await ours.use(a_use("b1", bo, UNUSUAL, at=NOW), a_use("v1", eve, USUAL, at=NOW), at=NOW)
    await ours.use(a_use("b2", bo, UNUSUAL, at=NOW + DAY), a_use("v2", eve, UNUSUAL, at=NOW + DAY), at=NOW + DAY)

    assert sorted((each["memberId"], each["day"]) for each in await found(ours)) == sorted(
        [(bo, "2026-10-15"), (bo, "2026-10-16"), (eve, "2026-10-16")]
    )


async def test_hears_of_yesterday_late_but_not_of_last_week(database: Database) -> None:
    ours = await books(database)
    bo = await habit(ours, days=14)
    await ours.use(a_use("today", bo, 1_00, at=NOW), at=NOW)

    await ours.use(a_use("yesterday", bo, 50_00, at=NOW - DAY), a_use("old", bo, 500_00, at=NOW - 3 * DAY), at=NOW)

    assert [each["day"] for each in await found(ours)] == ["2026-10-14"]


async def test_knows_nothing_of_newcomers(database: Database) -> None:
    ours = await books(database)
    bo = await habit(ours, days=6)

    await ours.use(a_use("e1", bo, 500_00, at=NOW), at=NOW)

    assert await found(ours) == []


async def test_pennies_never_alert(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.use(*[a_use(f"p{day}", bo, 1, at=NOW - day * DAY) for day in range(1, 12)], at=NOW)

    await ours.use(a_use("e1", bo, anomalies.FLOOR_MINOR, at=NOW), at=NOW)
    at_floor = await found(ours)
    await ours.use(a_use("e2", bo, 1, at=NOW), at=NOW)

    assert at_floor == []
    assert [each["spent"] for each in await found(ours)] == ["10.01"]


async def test_a_refused_event_is_no_spend_and_a_recorded_one_is(database: Database) -> None:
    ours = await books(database)
    bo = await habit(ours)
    await ours.cap("MEMBER", "290", bo)

    await ours.use(a_use("refused", bo, UNUSUAL, at=NOW), at=NOW)
    refused = await found(ours)
    await ours.use(a_use("happened", bo, UNUSUAL, at=NOW), at=NOW, overage=Overage.RECORD)

    assert refused == []
    assert len(await found(ours)) == 1


async def test_the_organization_chooses_how_closely_to_watch(database: Database) -> None:
    ours = await books(database)
    bo = await habit(ours)
    await watching(ours, "OFF")
    await ours.use(a_use("e1", bo, UNUSUAL, at=NOW), at=NOW)
    off = await found(ours)
    await watching(ours, "LOW")
    await ours.use(a_use("e2", bo, 1, at=NOW), at=NOW)
    low = await found(ours)
    await watching(ours, "HIGH", Money.parse("41", "USD"))
    await ours.use(a_use("e3", bo, 1, at=NOW), at=NOW)
    floored = await found(ours)
    changed = await watching(ours, "HIGH", Money.parse("40", "USD"))
    kept = await watching(ours, "HIGH")
    await ours.use(a_use("e4", bo, 1, at=NOW), at=NOW)

    assert (off, low, floored) == ([], [], [])
    assert changed == kept == anomalies.WatchSet(Sensitivity.HIGH, 40_00)
    assert [each["threshold"] for each in await found(ours)] == ["40"]
    assert [json.loads(event.payload)["sensitivity"] for event in await ours.facts("SpendWatchSet")] == [
        "OFF",
        "LOW",
        "HIGH",
        "HIGH",
        "HIGH",
    ]


async def test_a_day_that_was_told_of_stays_told_when_the_watch_changes(database: Database) -> None:
    ours = await books(database)
    bo = await habit(ours)
    await ours.use(a_use("e1", bo, UNUSUAL, at=NOW), at=NOW)

    await watching(ours, "HIGH")
    await ours.use(a_use("e2", bo, UNUSUAL, at=NOW), at=NOW)

    assert len(await found(ours)) == 1


async def test_refuses_a_floor_that_cannot_be_and_everybody_but_owners(database: Database) -> None:
    ours = await books(database)

    euros = await watching(ours, "LOW", Money.parse("1", "EUR"))
    below = await watching(ours, "LOW", Money(-1, "USD"))
    huge = await watching(ours, "LOW", Money.parse("10000000000", "USD"))

    assert [(each.code, each.field) for each in (euros, below, huge)] == [
        (RefusalCode.CURRENCY_MISMATCH, ("floor", "currency")),
        (RefusalCode.AMOUNT_INVALID, ("floor",)),
        (RefusalCode.AMOUNT_INVALID, ("floor",)),
    ]
    for role in ("billing_admin", "auditor", "member"):
        with pytest.raises(policy.Forbidden):
            await watching(ours, "OFF", actor=as_role(ours.organization_id, role))
    assert await ours.facts("SpendWatchSet") == []


async def test_takes_one_statement_for_a_batch_once_the_day_is_known(database: Database) -> None:
    ours = await books(database)
    members = [await habit(ours, f"m{number}") for number in range(5)]

    first = await looking(ours, members, NOW)
    second = await looking(ours, members, NOW)
    alone = await looking(ours, members[:1], NOW)
    next_day = await looking(ours, members, NOW + DAY)

    assert (first, second, alone, next_day) == (4, 1, 1, 4)  # with: how closely, what was spent, and forgetting


async def looking(ours: Books, members: list[str], at: datetime) -> int:
    """Look at a usual day of these members; return how many statements it took, inserts of many rows aside."""
    day = at.replace(hour=0)
    counters = {
        (Interval.DAY, day, SpendLevel.MEMBER, each): Counter(SpendLevel.MEMBER, each, 10**9, 0, Interval.DAY)
        for each in members
    }
    organization = await ours.organization()

    async def work(client: Client) -> int:
        counting = CountingReader(client)
        unit = Unit(counting, organization, ours.owner, at, at, "request", "key")  # type: ignore[arg-type]  # a stand-in
        await anomalies.look(unit, counters)
        return len(counting.statements)

    return await ours.database.runner.run(work, lane=ours.organization_id)


async def test_notes_are_forgotten_after_a_few_days(database: Database) -> None:
    ours = await books(database)
    bo = await habit(ours)
    for day in range(6):
        await looking(ours, [bo], NOW + day * DAY)

    since = (NOW - 30 * DAY).date()
    noted = await rows.noted(ours.reader, ours.organization_id, [bo], since=since)

    assert sorted(day.isoformat() for _, day in noted) == ["2026-10-18", "2026-10-19", "2026-10-20"]
