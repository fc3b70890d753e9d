"""Usage is counted once, at every level, and never past a limit."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from billing.rating import Direction
from models.database import Database
from services import limits
from services.outcomes import RefusalCode
from services.usage import EventBlocked, EventRecorded, EventRefused, EventRepeated, Overage
from tests.services.books import START, a_use, books, days_later

DOLLAR = 1_000_000  # millionths


async def test_counts_at_every_level_even_without_a_limit(database: Database) -> None:
    ours = await books(database)
    bo, cy = await ours.add("bo", tier="chat"), await ours.add("cy", tier="chat_code")

    await ours.use(a_use("1", bo, 150), a_use("2", cy, 50), a_use("3", bo, 25))

    assert await ours.spent(bo, cy, tiers=("chat", "chat_code")) == {
        "organization": 2_250_000,
        "chat": 1_750_000,
        "chat_code": 500_000,
        bo: 1_750_000,
        cy: 500_000,
    }


@pytest.mark.parametrize(
    ("caps", "binds"),
    [
        ([("ORGANIZATION", None, "1.00")], "ORGANIZATION"),
        ([("SEAT_TIER", "chat", "1.00")], "SEAT_TIER"),
        ([("MEMBER", "bo", "1.00")], "MEMBER"),
        ([("ORGANIZATION", None, "5.00"), ("SEAT_TIER", "chat", "1.00"), ("MEMBER", "bo", "2.00")], "SEAT_TIER"),
        ([("ORGANIZATION", None, "1.00"), ("SEAT_TIER", "chat", "1.00"), ("MEMBER", "bo", "1.00")], "MEMBER"),
    ],
)
async def test_refuses_at_the_level_that_binds(database: Database, caps: list[Any], binds: str) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    for level, subject, amount in caps:
        await ours.cap(level, amount, bo if subject == "bo" else subject)

    fits, breaks = await ours.use(a_use("1", bo, 80), a_use("2", bo, 30))

    assert isinstance(fits, EventRecorded)
    assert isinstance(breaks, EventBlocked)
    assert breaks.level == binds
    assert breaks.headroom_nanos == 200_000_000
    assert breaks.shortfall_nanos == 100_000_000
    assert breaks.resets_at == START.replace(month=11)
    assert (await ours.spent(bo))[bo] == 800_000, "what was refused left no trace"


async def test_fills_a_limit_to_the_last_nano(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo)

    exact, over = await ours.use(a_use("1", bo, 100), a_use("2", bo, 0, quantity=1))

    assert isinstance(exact, EventRecorded)
    assert isinstance(over, EventBlocked)
    assert over.shortfall_nanos == 1_000


async def test_fifty_at_once_never_pass_a_nearly_full_limit(database: Database) -> None:
    ours = await books(database)
    people = [await ours.add(f"member{number}", tier="chat") for number in range(5)]
    await ours.cap("ORGANIZATION", "1.00")

    outcomes = await asyncio.gather(*(ours.use(a_use(f"use-{number}", people[number % 5], 7)) for number in range(50)))

    recorded = [each for (each,) in outcomes if isinstance(each, EventRecorded)]
    blocked = [each for (each,) in outcomes if isinstance(each, EventBlocked)]
    assert len(recorded) == 14, "fourteen sevens fit into a hundred"
    assert len(blocked) == 36
    spent = await ours.spent(*people, tiers=("chat",))
    assert spent["organization"] == 14 * 70_000 == spent["chat"] == sum(spent[person] for person in people)


async def test_an_event_is_counted_once_however_often_it_is_sent(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")

    first = await ours.use(a_use("1", bo, 10), a_use("1", bo, 10))
    again = await ours.use(a_use("1", bo, 10))

    assert [type(each) for each in (*first, *again)] == [EventRecorded, EventRepeated, EventRepeated]
    assert (await ours.spent(bo))[bo] == 100_000


async def test_the_same_id_for_another_event_is_a_conflict(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.use(a_use("1", bo, 10))

    (answer,) = await ours.use(a_use("1", bo, 11))

    assert isinstance(answer, EventRefused)
    assert answer.code is RefusalCode.EVENT_ID_CONFLICT
    assert (await ours.spent(bo))[bo] == 100_000


async def test_usage_that_has_happened_is_kept_flagged_and_alerted(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo)

    (answer,) = await ours.use(a_use("1", bo, 130), overage=Overage.RECORD)
    (later,) = await ours.use(a_use("2", bo, 1))

    assert isinstance(answer, EventRecorded)
    assert answer.over_limit
    assert isinstance(later, EventBlocked)
    assert later.headroom_nanos == 0
    assert len(await ours.facts("SpendLimitThresholdReached")) == 3


async def test_a_threshold_is_told_once(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo, thresholds=(75,))

    for number, cents in enumerate((74, 1, 5, 5)):
        await ours.use(a_use(str(number), bo, cents))

    (alert,) = await ours.facts("SpendLimitThresholdReached")
    assert alert.member_id == bo
    assert '"threshold":75' in alert.payload


async def test_a_limit_on_each_member_of_a_tier_alerts_each_of_them(database: Database) -> None:
    ours = await books(database)
    bo, cy = await ours.add("bo", tier="chat"), await ours.add("cy", tier="chat")
    await ours.cap("SEAT_TIER", "1.00", "chat", thresholds=(75,))

    await ours.use(a_use("1", bo, 80), a_use("2", cy, 80))

    assert {alert.member_id for alert in await ours.facts("SpendLimitThresholdReached")} == {bo, cy}


async def test_a_pooled_tier_limit_is_held_by_all_its_members_together(database: Database) -> None:
    ours = await books(database)
    bo, cy = await ours.add("bo", tier="chat"), await ours.add("cy", tier="chat")
    await ours.cap("SEAT_TIER", "1.00", "chat", scope=limits.Scope.POOLED)

    fits, breaks = await ours.use(a_use("1", bo, 80), a_use("2", cy, 30))

    assert isinstance(fits, EventRecorded)
    assert isinstance(breaks, EventBlocked)


async def test_a_limit_set_in_the_middle_of_a_month_knows_what_was_spent(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.use(a_use("1", bo, 90))

    await ours.cap("MEMBER", "1.00", bo, thresholds=(75,))
    (answer,) = await ours.use(a_use("2", bo, 20))

    assert isinstance(answer, EventBlocked)
    assert len(await ours.facts("SpendLimitThresholdReached")) == 1, "said at once, when the limit was set"


async def test_a_new_month_starts_from_nothing(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo)
    await ours.use(a_use("1", bo, 100))
    november = days_later(31)

    (answer,) = await ours.use(a_use("2", bo, 100, at=november), at=november)

    assert isinstance(answer, EventRecorded)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"quantity": -1}, RefusalCode.INPUT_INVALID, "quantity"),
        ({"quantity": 10**15 + 1}, RefusalCode.INPUT_INVALID, "quantity"),
        ({"model": "unknown"}, RefusalCode.PRICE_MISSING, "model"),
        ({"direction": Direction.OUTPUT}, RefusalCode.PRICE_MISSING, "model"),
        ({"meter": "bytes"}, RefusalCode.PRICE_MISSING, "meter"),
        ({"at": START + timedelta(hours=1)}, RefusalCode.TIME_OUT_OF_RANGE, "occurredAt"),
        ({"at": START - timedelta(days=1)}, RefusalCode.TIME_OUT_OF_RANGE, "occurredAt"),
        ({"member_id": "nobody"}, RefusalCode.NOT_FOUND, "memberId"),
    ],
)
async def test_a_bad_event_is_refused_by_field_and_harms_no_neighbour(
    database: Database, change: dict[str, Any], code: RefusalCode, field: str
) -> None:
    ours = await books(database)
    bo = await ours.add("bo")

    bad, good = await ours.use(a_use("bad", **{"member_id": bo, "cents": 1, **change}), a_use("good", bo, 10))

    assert isinstance(bad, EventRefused)
    assert (bad.code, bad.field) == (code, (field,))
    assert isinstance(good, EventRecorded)
    assert (await ours.spent(bo))[bo] == 100_000
