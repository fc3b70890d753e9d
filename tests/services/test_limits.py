"""Limits of three kinds and three intervals, told of in percent and in amounts, and overridden for one member."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from billing.money import Money
from billing.windows import Interval
from models import plans as plan_rows
from models.database import Database
from models.sql import Client
from services import corrections, limits, plans, seats, standings
from services.outcomes import Refused
from services.usage import EventBlocked, EventRecorded, Overage
from tests.services.books import POOLED, START, Books, a_use, books, days_later

MONDAY = days_later(4)  # 5 October 2026


def usd(amount: str) -> Money:
    return Money.parse(amount, "USD")


async def told(ours: Books) -> list[tuple[int, str | None]]:
    """Return the percent and amount of every alert, in order."""
    facts = [json.loads(event.payload) for event in await ours.facts("SpendLimitThresholdReached")]
    return [(each["threshold"], each["thresholdAmount"]) for each in facts]


async def test_a_daily_limit_holds_for_the_day_and_is_free_the_next(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo, interval=Interval.DAY)
    evening = START + timedelta(hours=23, minutes=59)

    (first,) = await ours.use(a_use("1", bo, 100))
    (late,) = await ours.use(a_use("2", bo, 1, at=evening), at=evening)
    (next_day,) = await ours.use(a_use("3", bo, 100, at=days_later(1)), at=days_later(1))

    assert isinstance(first, EventRecorded)
    assert isinstance(late, EventBlocked)
    assert late.resets_at == days_later(1)
    assert isinstance(next_day, EventRecorded)


@pytest.mark.parametrize(
    ("interval", "last", "first"),
    [
        # Berlin sets its clocks back on Sunday, 25 October 2026: that day has 25 hours, its week 169.
        ("DAY", "2026-10-25T22:59:59+00:00", "2026-10-25T23:00:00+00:00"),
        ("WEEK", "2026-10-25T22:59:59+00:00", "2026-10-25T23:00:00+00:00"),
        ("MONTH", "2026-10-31T22:59:59+00:00", "2026-10-31T23:00:00+00:00"),
    ],
)
async def test_a_window_ends_with_the_local_day_also_when_the_clocks_change(
    database: Database, interval: str, last: str, first: str
) -> None:
    ours = await books(database, time_zone="Europe/Berlin")
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo, interval=Interval(interval))
    before, after = datetime.fromisoformat(last), datetime.fromisoformat(first)
    await ours.use(a_use("1", bo, 100, at=before), at=before)

    (late,) = await ours.use(a_use("2", bo, 1, at=before), at=before)
    (next_day,) = await ours.use(a_use("3", bo, 100, at=after), at=after)

    assert isinstance(late, EventBlocked)
    assert late.resets_at == after
    assert isinstance(next_day, EventRecorded)


async def test_a_weekly_limit_set_on_wednesday_knows_what_was_spent_since_monday(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.use(a_use("0", bo, 500, at=MONDAY - timedelta(seconds=1)), at=MONDAY)
    await ours.use(a_use("1", bo, 90, at=MONDAY), at=MONDAY)

    await ours.cap("ORGANIZATION", "1.00", at=days_later(6), interval=Interval.WEEK)
    (breaks,) = await ours.use(a_use("2", bo, 20, at=days_later(6)), at=days_later(6))

    assert isinstance(breaks, EventBlocked)
    assert (breaks.headroom_nanos, breaks.resets_at) == (100_000_000, days_later(11))


async def test_late_usage_counts_in_the_day_it_was_used(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo, interval=Interval.DAY)
    await ours.use(a_use("1", bo, 60))

    (late,) = await ours.use(a_use("2", bo, 60), at=days_later(1))
    (today,) = await ours.use(a_use("3", bo, 60, at=days_later(1)), at=days_later(1))

    assert isinstance(late, EventBlocked)
    assert isinstance(today, EventRecorded)


async def test_a_correction_gives_back_in_the_windows_of_the_use(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    await ours.use(a_use("1", bo, 60), a_use("2", bo, 10))

    await ours.do(
        corrections.correct, corrections.Correct, at=MONDAY, event_id="1", correction_id="1c", quantity=200_000
    )

    for interval in Interval:
        spent = await ours.spent(bo, tiers=("chat",), interval=interval)
        assert spent == {"organization": 300_000, "chat": 300_000, bo: 300_000}, interval


@pytest.mark.parametrize("kind", [limits.Kind.SOFT, limits.Kind.NOTIFY])
async def test_a_limit_that_is_not_hard_refuses_nothing_and_alerts(database: Database, kind: limits.Kind) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo, kind=kind)

    fits, passes = await ours.use(a_use("1", bo, 100), a_use("2", bo, 30))

    assert isinstance(fits, EventRecorded)
    assert isinstance(passes, EventRecorded)
    assert (fits.over_limit, passes.over_limit) == (False, kind is limits.Kind.SOFT)
    assert await told(ours) == [(75, None), (90, None), (100, None)]


async def test_alerts_come_at_amounts_and_again_at_every_step_beyond(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap(
        "MEMBER",
        "10.00",
        bo,
        kind=limits.Kind.SOFT,
        thresholds=(100,),
        amount_thresholds=(usd("3.00"),),
        repeat_percent=20,
    )

    for number, cents in enumerate((299, 1, 700, 199, 1, 50)):
        await ours.use(a_use(str(number), bo, cents))

    assert await told(ours) == [(30, "3"), (100, None), (120, None)]


async def test_one_leap_is_ten_alerts_at_most_and_going_back_is_no_news(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", None, bo, amount_thresholds=(), repeat_amount=usd("1.00"))

    await ours.use(a_use("1", bo, 5_000))
    leap = await told(ours)
    await ours.do(corrections.correct, corrections.Correct, event_id="1", correction_id="1c", quantity=10_000_000)
    await ours.use(a_use("2", bo, 3_900), a_use("3", bo, 200))

    assert [amount for _, amount in leap] == [str(dollars) for dollars in range(41, 51)]
    assert [amount for _, amount in (await told(ours))[10:]] == ["51"]


async def test_raising_arms_the_alerts_again_and_lowering_tells_at_once(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo, thresholds=(75,))
    await ours.use(a_use("1", bo, 80))

    await ours.cap("MEMBER", "2.00", bo, thresholds=(75,))
    raised = len(await told(ours))
    await ours.use(a_use("2", bo, 70))
    again = len(await told(ours))
    await ours.cap("MEMBER", "1.20", bo, thresholds=(75,))
    (breaks,) = await ours.use(a_use("3", bo, 1))

    assert (raised, again, len(await told(ours))) == (1, 2, 3)
    assert isinstance(breaks, EventBlocked)
    assert breaks.headroom_nanos == 0
    assert (await ours.spent(bo))[bo] == 1_500_000, "what is spent stays spent"


async def test_a_member_without_a_limit_inherits_and_one_with_no_limit_does_not(database: Database) -> None:
    ours = await books(database)
    bo, cy = await ours.add("bo", tier="chat"), await ours.add("cy", tier="chat")
    await ours.cap("SEAT_TIER", "1.00", "chat", thresholds=())
    await ours.cap("ORGANIZATION", "5.00", thresholds=())

    unlimited = await ours.cap("MEMBER", None, cy)
    inherits, free, shared = await ours.use(a_use("1", bo, 110), a_use("2", cy, 300), a_use("3", cy, 201))

    assert isinstance(unlimited, limits.LimitSet)
    assert isinstance(inherits, EventBlocked)
    assert inherits.level == "SEAT_TIER"
    assert isinstance(free, EventRecorded)
    assert isinstance(shared, EventBlocked)
    assert shared.level == "ORGANIZATION"


async def test_a_tier_limit_set_on_each_member_spares_whoever_has_one_instead(database: Database) -> None:
    ours = await books(database)
    bo, cy = await ours.add("bo", tier="chat"), await ours.add("cy", tier="chat")
    await ours.cap("MEMBER", "9.00", cy, override=limits.Override.INSTEAD, thresholds=())
    await ours.use(a_use("1", bo, 90), a_use("2", cy, 90))

    await ours.cap("SEAT_TIER", "1.00", "chat", thresholds=(75,))

    (alert,) = await ours.facts("SpendLimitThresholdReached")
    assert alert.member_id == bo


async def test_a_limit_of_ones_own_that_is_lifted_tells_at_once_what_is_reached_without_it(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    await ours.cap("MEMBER", "9.00", bo, override=limits.Override.INSTEAD, thresholds=())
    await ours.cap("SEAT_TIER", "1.00", "chat", thresholds=(75, 100))
    await ours.use(a_use("1", bo, 90))
    before = await told(ours)

    await ours.do(limits.clear_limit, limits.ClearLimit, level=limits.Level.MEMBER, subject=bo, scope=None)

    assert (before, await told(ours)) == ([], [(75, None)])


async def test_a_limit_on_a_tier_that_has_left_the_plan_can_be_lifted_and_not_set(database: Database) -> None:
    ours = await books(database)
    await ours.cap("SEAT_TIER", "1.00", "chat")
    await _publish(ours, POOLED | {"key": "bare", "tiers": [], "items": []})
    await ours.do(plans.change, plans.Change, plan_key="bare", at=days_later(1))

    again = await ours.cap("SEAT_TIER", "2.00", "chat", at=days_later(2))
    lifted = await _lift_of_chat(ours)
    twice = await _lift_of_chat(ours)

    assert isinstance(again, Refused)
    assert again.field == ("tier",)
    assert isinstance(lifted, limits.LimitCleared)
    assert isinstance(twice, Refused)
    assert twice.message == "the plan has no seat tier 'chat'; it has none"


async def _lift_of_chat(ours: Books) -> Any:
    tier = limits.Level.SEAT_TIER
    return await ours.do(
        limits.clear_limit, limits.ClearLimit, level=tier, subject="chat", scope=None, at=days_later(2)
    )


async def _publish(ours: Books, document: dict[str, Any]) -> None:
    async def publish(client: Client) -> None:
        await plan_rows.publish(
            client, key=document["key"], version=1, currency="USD", document=document, published_at=START
        )

    await ours.database.runner.run(publish, lane="catalog")


async def test_each_interval_has_a_limit_of_its_own_and_the_tightest_binds(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "10.00", bo)
    await ours.cap("MEMBER", "4.00", bo, interval=Interval.WEEK)
    await ours.cap("MEMBER", "3.00", bo, interval=Interval.DAY)
    await ours.use(a_use("1", bo, 200))
    organization = await ours.organization()

    today = (await standings.standings(ours.reader, organization, [bo], at=START))[bo]
    tomorrow = (await standings.standings(ours.reader, organization, [bo], at=days_later(1)))[bo]

    assert [gate.headroom_nanos for gate in today.gates] == [8_000_000_000, 2_000_000_000, 1_000_000_000]
    assert (today.effective.binding.limit.interval, today.resets_at) == (Interval.DAY, days_later(1))
    assert (tomorrow.effective.binding.limit.interval, tomorrow.resets_at) == (Interval.WEEK, MONDAY)


async def test_a_move_to_another_tier_leaves_a_per_member_window_as_it_was(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    await ours.cap("SEAT_TIER", "1.00", "chat_code", interval=Interval.DAY)
    await ours.use(a_use("1", bo, 90))
    later = START + timedelta(hours=1)

    await ours.do(seats.change_tier, seats.ChangeTier, at=later, member_id=bo, tier="chat_code")
    (breaks,) = await ours.use(a_use("2", bo, 20, at=later), at=later)

    assert isinstance(breaks, EventBlocked)
    assert breaks.headroom_nanos == 100_000_000


@pytest.mark.parametrize(
    ("field", "change"),
    [
        (("thresholds",), {"cap": None, "thresholds": (75,)}),
        (("thresholds",), {"cap": None, "repeat_percent": 10}),
        (("thresholds",), {"amount_thresholds": (usd("2.00"), usd("1.00"))}),
        (("thresholds",), {"amount_thresholds": (usd("0.00"),)}),
        (("thresholds",), {"repeat_percent": 0}),
        (("repeatEvery",), {"repeat_percent": 10, "repeat_amount": usd("1.00")}),
        (("repeatEvery", "currency"), {"repeat_amount": Money.parse("1.00", "EUR")}),
        (("amountThresholds", "currency"), {"amount_thresholds": (Money.parse("1.00", "EUR"),)}),
        (("override",), {"override": limits.Override.INSTEAD}),
    ],
)
async def test_refuses_what_cannot_be_told(database: Database, field: tuple[str, ...], change: dict[str, Any]) -> None:
    ours = await books(database)

    answer = await ours.cap("ORGANIZATION", "1.00", **change)

    assert isinstance(answer, Refused)
    assert answer.field == field


async def test_usage_of_a_closed_day_is_recorded_over_its_limit(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo, interval=Interval.DAY, thresholds=(100,))

    (late,) = await ours.use(a_use("1", bo, 150), at=days_later(3), overage=Overage.RECORD)

    assert isinstance(late, EventRecorded)
    assert late.over_limit
    (alert,) = await ours.facts("SpendLimitThresholdReached")
    assert alert.member_id == bo
