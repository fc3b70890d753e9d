"""Spend is held before it happens, at every level or nowhere, and a hold ends exactly once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.rating import Direction
from billing.windows import Interval
from models import counters as counter_rows
from models.database import Database
from services import groups, limits, members, reservations, seats
from services import reservation_facts as facts
from services.outcomes import RefusalCode, Refused
from services.usage_facts import EventBlocked, EventRefused, NamedBy
from tests.services.books import START, a_use, books
from tests.services.holding import (
    CENT,
    LATER,
    a_call,
    an_ask,
    held,
    named,
    release,
    require_consistent,
    reserve,
    settle,
    settle_all,
)


async def test_holds_at_every_level_of_the_chain(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    kept = await ours.do(groups.create, groups.CreateGroup, key="sales", name="Sales")
    await ours.do(groups.assign, groups.AssignGroup, member_ids=(bo,), group_id=kept.group_id)

    (made,) = await reserve(ours, an_ask("r1", bo, 30))

    assert isinstance(made, facts.Reserved)
    assert (made.held_nanos, made.expires_at, made.repeated) == (30 * CENT, LATER, False)
    for interval in Interval:
        start = START - timedelta(days=3) if interval is Interval.WEEK else START
        counters = await counter_rows.counters(
            ours.reader,
            ours.organization_id,
            period_start=start,
            interval=interval,
            groups=[kept.group_id],
            tiers=["chat"],
            members=[bo],
        )
        assert [counter.held_nanos for counter in counters.values()] == [30 * CENT] * 4, interval


async def test_what_is_held_is_not_free_for_anybody_else(database: Database) -> None:
    ours = await books(database)
    bo, cy = await ours.add("bo", tier="chat"), await ours.add("cy", tier="chat")
    await ours.cap("SEAT_TIER", "1.00", "chat", scope=limits.Scope.POOLED)
    await reserve(ours, an_ask("r1", bo, 70))

    (blocked,) = await reserve(ours, an_ask("r2", cy, 40))
    (used,) = await ours.use(a_use("1", cy, 31))

    assert isinstance(blocked, EventBlocked)
    assert (blocked.event_id, blocked.level, blocked.subject) == ("r2", "SEAT_TIER", "chat")
    assert (blocked.headroom_nanos, blocked.shortfall_nanos) == (30 * CENT, 10 * CENT)
    assert blocked.resets_at == START.replace(month=11)
    assert isinstance(used, EventBlocked)
    assert (await held(ours, bo, cy))["organization"] == 70, "what was refused left no trace"


async def test_holds_what_estimated_quantities_cost(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    estimates = (
        facts.Estimate("tokens", "atlas", Direction.INPUT, 200_000),
        facts.Estimate("tokens", "atlas", Direction.INPUT, 100_001),
    )

    (made,) = await reserve(ours, facts.Ask("r1", bo, estimates=estimates))

    assert isinstance(made, facts.Reserved)
    assert made.held_nanos == 300_001_000


async def test_a_refusal_is_the_same_under_replay_also_when_there_is_room_by_then(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo)
    await reserve(ours, an_ask("r1", bo, 100))
    (blocked,) = await reserve(ours, an_ask("r2", bo, 50), under="again")
    await release(ours, "r1")

    (replayed,) = await reserve(ours, an_ask("r2", bo, 50), under="again")
    (anew,) = await reserve(ours, an_ask("r2", bo, 50))

    assert isinstance(blocked, EventBlocked)
    assert replayed == blocked
    assert isinstance(anew, facts.Reserved)


async def test_every_outcome_survives_its_replay(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo)
    asks = (an_ask("r1", bo, 60), an_ask("r1", bo, 60), an_ask("r2", bo, 60), an_ask("r3", "nobody", 1))

    made = [await reserve(ours, *asks, under="reserve") for _ in range(2)]
    actuals = (
        facts.Actual(named("r1"), (a_call("u1", 70),)),
        facts.Actual(named("r9"), (a_call("u2", 1),)),
    )
    settled = [await settle_all(ours, *actuals, under="settle") for _ in range(2)]
    released = [await release(ours, "r1", "r9", under="release") for _ in range(2)]

    assert made[0] == made[1]
    assert [type(each) for each in made[0]] == [facts.Reserved, facts.Reserved, EventBlocked, EventRefused]
    assert settled[0] == settled[1]
    assert [type(each) for each in settled[0]] == [facts.Settled, EventRefused]
    assert released[0] == released[1]
    assert [type(each) for each in released[0]] == [EventRefused, EventRefused]


async def test_an_id_stands_for_one_reservation(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")

    first, twin, other = await reserve(ours, an_ask("r1", bo, 10), an_ask("r1", bo, 10), an_ask("r1", bo, 11))
    (later,) = await reserve(ours, an_ask("r1", bo, 10))

    assert isinstance(first, facts.Reserved)
    assert isinstance(twin, facts.Reserved)
    assert isinstance(later, facts.Reserved)
    assert (twin.repeated, later.repeated) == (True, True)
    assert {first.reservation_id, twin.reservation_id, later.reservation_id} == {first.reservation_id}
    assert isinstance(other, EventRefused)
    assert other.code is RefusalCode.EVENT_ID_CONFLICT
    assert (await held(ours, bo))[bo] == 10


async def test_moves_while_a_hold_is_open_neither_lose_nor_double_it(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    await ours.cap("SEAT_TIER", "1.00", "chat", scope=limits.Scope.POOLED)
    await ours.cap("SEAT_TIER", "0.10", "chat_code", scope=limits.Scope.POOLED)
    await reserve(ours, an_ask("r1", bo, 60), an_ask("r2", bo, 40, ttl_seconds=600))
    later = START + timedelta(seconds=60)

    await ours.do(seats.change_tier, seats.ChangeTier, at=later, member_id=bo, tier="chat_code")
    done = await settle(ours, "r1", a_call("u1", 60), at=later)
    await ours.cap("SEAT_TIER", "0.10", "chat", scope=limits.Scope.POOLED, at=later)
    lowered = await settle(ours, "r2", a_call("u2", 40), at=later)

    assert isinstance(done, facts.Settled)
    assert isinstance(lowered, facts.Settled)
    assert (done.over_limit, lowered.over_limit) == (False, False), "both were promised when they were reserved"
    spent = await ours.spent(bo, tiers=("chat", "chat_code"))
    assert (spent["chat"], spent.get("chat_code", 0)) == (1_000_000, 0)
    await require_consistent(ours)


async def test_a_hold_stays_in_the_month_it_was_made_in(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo)
    before, after = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC), datetime(2026, 11, 1, 0, 0, 1, tzinfo=UTC)
    await reserve(ours, an_ask("r1", bo, 100), an_ask("r2", bo, 0), at=before)

    (november,) = await reserve(ours, an_ask("r3", bo, 100), at=after)
    october = await settle(ours, "r1", a_call("u1", 100), at=after)
    said = await settle(ours, "r2", a_call("u2", 5, occurred_at=after), at=after)

    assert isinstance(november, facts.Reserved)
    assert isinstance(october, facts.Settled)
    assert not october.over_limit
    assert isinstance(said, facts.Settled)
    assert said.over_limit, "it says that it happened in a month in which nothing was free"
    assert (await ours.spent(bo))[bo] == 1_000_000
    assert (await ours.spent(bo, at=after))[bo] == 50_000
    await require_consistent(ours)


async def test_a_deactivated_member_starts_nothing_new_and_what_is_under_way_is_settled(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    await reserve(ours, an_ask("r1", bo, 10), an_ask("r2", bo, 10))
    later = START + timedelta(seconds=60)

    await ours.do(members.deactivate, members.Deactivate, at=later, member_id=bo)
    (refused,) = await reserve(ours, an_ask("r3", bo, 10), at=later)
    done = await settle(ours, "r1", a_call("u1", 10), at=later)
    (given_up,) = await release(ours, "r2", at=later)

    assert isinstance(refused, EventRefused)
    assert refused.code is RefusalCode.MEMBER_DEACTIVATED
    assert isinstance(done, facts.Settled)
    assert isinstance(given_up, facts.Released)
    assert (await held(ours, bo))["organization"] == 0
    await require_consistent(ours)


async def test_members_are_named_as_in_usage(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", external_id="dir-1")

    outcomes = await reserve(
        ours,
        an_ask("r1", "dir-1", 1, named_by=NamedBy.EXTERNAL_ID),
        an_ask("r2", "BO@x.example", 1, named_by=NamedBy.EMAIL),
        an_ask("r3", "nobody@x.example", 1, named_by=NamedBy.EMAIL),
    )

    assert [type(each) for each in outcomes] == [facts.Reserved, facts.Reserved, EventRefused]
    assert (await held(ours, bo))[bo] == 2


async def test_a_soft_limit_flags_a_reservation(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo, kind=limits.Kind.SOFT)

    fits, passes = await reserve(ours, an_ask("r1", bo, 100), an_ask("r2", bo, 1))

    assert isinstance(fits, facts.Reserved)
    assert isinstance(passes, facts.Reserved)
    assert (fits.over_limit, passes.over_limit) == (False, True)
    assert len(await ours.facts("SpendLimitThresholdReached")) == 3, "what is held counts towards a threshold"


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"external_id": ""}, "INPUT_INVALID", ("externalId",)),
        ({"amount_nanos": None}, "INPUT_INVALID", ("amount",)),
        ({"amount_nanos": -1}, "AMOUNT_INVALID", ("amount",)),
        ({"currency": "EUR"}, "CURRENCY_MISMATCH", ("amount", "currency")),
        ({"ttl_seconds": 0}, "INPUT_INVALID", ("ttlSeconds",)),
        ({"ttl_seconds": 86_401}, "INPUT_INVALID", ("ttlSeconds",)),
        ({"member_id": "nobody"}, "NOT_FOUND", ("memberId",)),
        (
            {"amount_nanos": None, "estimates": (facts.Estimate("tokens", "unknown", Direction.INPUT, 1),)},
            "PRICE_MISSING",
            ("quantities", "0", "model"),
        ),
        (
            {"amount_nanos": None, "estimates": (facts.Estimate("tokens", "atlas", Direction.INPUT, 1),) * 21},
            "INPUT_INVALID",
            ("quantities",),
        ),
    ],
)
async def test_refuses_what_cannot_be_held_and_harms_no_neighbour(
    database: Database, change: dict[str, Any], code: str, field: tuple[str, ...]
) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    given = {"external_id": "r1", "member_id": bo, "amount_nanos": 1, "currency": "USD", **change}

    refused, made = await reserve(ours, facts.Ask(**given), an_ask("r2", bo, 1))

    assert isinstance(refused, EventRefused)
    assert (refused.code, refused.field) == (code, field)
    assert "nanos" not in refused.message, "amounts are told as people write them"
    assert isinstance(made, facts.Reserved)


async def test_refuses_batches_out_of_bounds(database: Database) -> None:
    ours = await books(database)

    answers = [
        await ours.do(reservations.reserve, facts.Reserve, asks=()),
        await ours.do(reservations.reserve, facts.Reserve, asks=(an_ask("r", "x", 1),) * 1_001),
        await ours.do(reservations.release, facts.Release, reservations=()),
        await ours.do(reservations.release, facts.Release, reservations=(named("r"),) * 1_001),
    ]

    for answer in answers:
        assert isinstance(answer, Refused)
        assert (answer.code, answer.field) == (RefusalCode.INPUT_INVALID, ("reservations",))


async def test_a_hundred_at_once_fill_a_limit_exactly(database: Database) -> None:
    ours = await books(database)
    people = [await ours.add(f"p{number}", tier="chat") for number in range(5)]
    await ours.cap("ORGANIZATION", "1.00")

    outcomes = await asyncio.gather(
        *(reserve(ours, an_ask(f"r{number}", people[number % 5], 7)) for number in range(100))
    )

    assert sum(isinstance(each, facts.Reserved) for (each,) in outcomes) == 14
    assert (await held(ours))["organization"] == 98
    assert await ours.facts("SpendReserved")
