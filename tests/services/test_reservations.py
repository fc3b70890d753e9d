"""Spend is held before it happens, at every level or nowhere, and a hold ends exactly once."""

import asyncio
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.periods import month_containing
from billing.rating import Direction
from billing.windows import Interval
from jobs.due import carry_out
from models import adjustments, invoices, organizations
from models import limits as limit_rows
from models import reservations as rows
from models.database import Database
from services import closing, expiry, groups, limits, members, reports, reservations, seats, standings
from services import reservation_facts as facts
from services.outcomes import RefusalCode, Refused
from services.usage_facts import EventBlocked, EventRecorded, EventRefused, NamedBy, Overage
from tests.services.books import POOLED, START, Books, a_use, books
from tests.services.holding import (
    CENT,
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

NOVEMBER = datetime(2026, 11, 1, 2, tzinfo=UTC)
LATER = START + timedelta(seconds=facts.TTL_SECONDS_DEFAULT)


async def _kept(ours: Books, external_id: str) -> rows.Reservation:
    (row,) = await rows.find_many_by(ours.reader, ours.organization_id, ids=(), external_ids=[external_id])
    return row


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
        counters = await limit_rows.counters(
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


async def test_settling_records_usage_like_any_other_and_frees_the_rest(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    await ours.cap("MEMBER", "1.00", bo)
    await reserve(ours, an_ask("r1", bo, 80))

    done = await settle(ours, "r1", a_call("u1", 20), a_call("u2", 30), at=START + timedelta(seconds=9))

    assert isinstance(done, facts.Settled)
    assert (done.settled_nanos, done.excess_nanos, done.over_limit, done.late) == (50 * CENT, 0, False, False)
    assert (await ours.spent(bo))[bo] == 500_000
    assert (await held(ours, bo))[bo] == 0
    row = await _kept(ours, "r1")
    assert (row.status, len(row.usage_ids)) == ("SETTLED", 2)
    assert len(await ours.facts("ReservationSettled")) == 1
    await require_consistent(ours)


async def test_what_is_above_the_hold_is_recorded_flagged_and_told(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo, thresholds=(100,))
    await reserve(ours, an_ask("r1", bo, 90))

    done = await settle(ours, "r1", a_call("u1", 90), a_call("u2", 10), a_call("u3", 5))

    assert isinstance(done, facts.Settled)
    assert (done.settled_nanos, done.excess_nanos, done.over_limit) == (105 * CENT, 15 * CENT, True)
    (settled,) = await ours.facts("ReservationSettled")
    assert f'"excessNanos":"{15 * CENT}"' in settled.payload
    assert len(await ours.facts("SpendLimitThresholdReached")) == 1
    (again,) = await ours.use(a_use("1", bo, 1))
    assert isinstance(again, EventBlocked)


async def test_excess_that_still_fits_is_no_breach(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo)
    await reserve(ours, an_ask("r1", bo, 50))

    done = await settle(ours, "r1", a_call("u1", 60))

    assert isinstance(done, facts.Settled)
    assert (done.excess_nanos, done.over_limit) == (10 * CENT, False)


async def test_a_released_hold_is_free_at_once_and_releasing_again_is_harmless(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo)
    await reserve(ours, an_ask("r1", bo, 100))

    (first,) = await release(ours, "r1")
    (second,) = await release(ours, "r1")
    (next_,) = await reserve(ours, an_ask("r2", bo, 100))

    assert isinstance(first, facts.Released)
    assert isinstance(second, facts.Released)
    assert (first.repeated, second.repeated) == (False, True)
    assert isinstance(next_, facts.Reserved)
    assert len(await ours.facts("ReservationReleased")) == 1


async def test_an_expired_hold_blocks_nobody_whether_or_not_it_was_swept(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo)
    await reserve(ours, an_ask("r1", bo, 100))
    last = LATER - timedelta(microseconds=1)

    (early,) = await ours.use(a_use("1", bo, 1, at=last), at=last)
    (due,) = await ours.use(a_use("2", bo, 100, at=LATER), at=LATER)

    assert isinstance(early, EventBlocked)
    assert isinstance(due, EventRecorded)
    row = await _kept(ours, "r1")
    assert (row.status, row.ended_at) == ("EXPIRED", LATER)
    assert len(await ours.facts("ReservationExpired")) == 1
    await require_consistent(ours)


async def test_an_expired_hold_is_shown_to_nobody_before_it_is_swept(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    await ours.cap("MEMBER", "1.00", bo)
    await reserve(ours, an_ask("r1", bo, 30), an_ask("r2", bo, 20, ttl_seconds=3_600))

    async def seen(at: datetime) -> tuple[int | None, list[int]]:
        organization = await ours.organization()
        standing = (await standings.standings(ours.reader, organization, [bo], at=at))[bo]
        month = month_containing(at, "UTC")
        status = await reports.spend_status(ours.reader, organization, period=month, at=at, terms=None)
        return standing.effective.remaining_nanos, [each.counter.held_nanos for each in status]

    assert await seen(LATER - timedelta(microseconds=1)) == (50 * CENT, [50 * CENT] * 2)
    assert await seen(LATER) == (80 * CENT, [20 * CENT] * 2)
    assert (await _kept(ours, "r1")).status == "HELD"
    assert await ours.do(expiry.expire, expiry.Expire, at=LATER) == expiry.Expired(1)
    assert await seen(LATER) == (80 * CENT, [20 * CENT] * 2)


async def test_a_limit_raises_no_alert_for_what_is_held_no_longer(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await reserve(ours, an_ask("r1", bo, 90))

    await ours.cap("MEMBER", "1.00", bo, at=LATER)

    assert await ours.facts("SpendLimitThresholdReached") == []


async def test_sweeping_twice_expires_once(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await reserve(ours, an_ask("r1", bo, 10), an_ask("r2", bo, 10, ttl_seconds=600))

    swept = [await ours.do(expiry.expire, expiry.Expire, at=LATER) for _ in range(2)]

    assert [each.reservations for each in swept] == [1, 0]
    assert (await held(ours, bo))[bo] == 10


async def test_a_capture_after_expiry_is_decided_anew(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo, thresholds=(100,))
    await reserve(ours, an_ask("r1", bo, 60), an_ask("r2", bo, 40))
    await ours.use(a_use("1", bo, 30, at=LATER), at=LATER)

    fits = await settle(ours, "r1", a_call("u1", 60), at=LATER)
    blocked = await settle(ours, "r2", a_call("u2", 5), a_call("u3", 35), at=LATER)
    recorded = await settle(ours, "r2", a_call("u2", 5), a_call("u3", 35), at=LATER, overage=Overage.RECORD)
    twice = await settle(ours, "r2", a_call("u4", 1), at=LATER)

    assert isinstance(fits, facts.Settled)
    assert fits.late
    assert isinstance(blocked, EventBlocked)
    assert (blocked.event_id, blocked.headroom_nanos) == ("r2", 5 * CENT), "the first use alone would have fitted"
    assert isinstance(recorded, facts.Settled)
    assert (recorded.late, recorded.over_limit) == (True, True)
    assert isinstance(twice, EventRefused)
    assert twice.code is RefusalCode.STATUS_CONFLICT
    assert (await ours.spent(bo))[bo] == 1_300_000
    await require_consistent(ours)


async def test_settling_again_with_the_same_uses_answers_the_same(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await reserve(ours, an_ask("r1", bo, 60))

    first = await settle(ours, "r1", a_call("u1", 60))
    same = await settle(ours, "r1", a_call("u1", 60))
    other = await settle(ours, "r1", a_call("u1", 61))
    (after,) = await release(ours, "r1")

    assert isinstance(first, facts.Settled)
    assert isinstance(same, facts.Settled)
    assert (first.repeated, same.repeated) == (False, True)
    for refused in (other, after):
        assert isinstance(refused, EventRefused)
        assert refused.code is RefusalCode.STATUS_CONFLICT
    assert (await ours.spent(bo))[bo] == 600_000


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


async def test_a_settlement_happens_as_a_whole_or_not_at_all(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.use(a_use("known", bo, 1))
    await reserve(ours, *(an_ask(f"r{number}", bo, 10) for number in range(7)))
    unknown_model = facts.Use("u2", "tokens", "unknown", Direction.INPUT, 1)

    outcomes = await settle_all(
        ours,
        facts.Actual(named("r0"), (a_call("u1", 1), unknown_model)),
        facts.Actual(named("r1"), (a_call("u1", 1), a_call("known", 1))),
        facts.Actual(named("r2"), (a_call("u1", 1), a_call("u1", 1))),
        facts.Actual(named("r3")),
        facts.Actual(named("r4"), (a_call("u1", 1),), amount_nanos=1),
        facts.Actual(named("r5"), (a_call("u3", 4),)),
        facts.Actual(named("r5"), (a_call("u4", 4),)),
        facts.Actual(named("r6"), (a_call("u5", 4), a_call("u3", 4))),
    )

    assert [(each.code.value, each.field) if isinstance(each, EventRefused) else "settled" for each in outcomes] == [
        ("PRICE_MISSING", ("usage", "1", "model")),
        ("EVENT_ID_CONFLICT", ("usage", "1", "id")),
        ("EVENT_ID_CONFLICT", ("usage", "1", "id")),
        ("INPUT_INVALID", ("usage",)),
        ("INPUT_INVALID", ("usage",)),
        "settled",
        ("STATUS_CONFLICT", ("reservationId",)),
        ("EVENT_ID_CONFLICT", ("usage", "1", "id")),
    ]
    assert (await held(ours, bo))[bo] == 60
    assert (await ours.spent(bo))[bo] == 50_000
    await require_consistent(ours)


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


BY_UNIT: dict[str, Any] = deepcopy(POOLED)
"""The pooled plan with a meter that is sold by the unit."""
BY_UNIT["items"].append(
    {
        "key": "calls",
        "name": {"en": "Calls"},
        "quantity": {"kind": "USAGE", "meter": "calls"},
        "price": {"model": "UNIT", "unit": "0.05"},
    }
)


async def test_an_amount_becomes_the_units_it_buys_and_is_billed_as_such(database: Database) -> None:
    ours = await books(database, plan=BY_UNIT)
    bo = await ours.add("bo")
    await reserve(ours, an_ask("r1", bo, 50), an_ask("r2", bo, 50))

    def came_to(external_id: str, cents: int, meter: str, currency: str = "USD") -> facts.Actual:
        return facts.Actual(named(external_id), (), cents * CENT, currency, meter)

    done, odd, foreign, by_card, unknown = await settle_all(
        ours,
        came_to("r1", 35, "calls"),
        came_to("r2", 36, "calls"),
        came_to("r2", 35, "calls", "EUR"),
        came_to("r2", 35, "tokens"),
        came_to("r2", 35, "bytes"),
    )
    (again,) = await settle_all(ours, came_to("r1", 35, "calls"))

    assert isinstance(done, facts.Settled)
    assert isinstance(again, facts.Settled)
    assert (done.settled_nanos, again.repeated) == (35 * CENT, True)
    assert [(each.code.value, each.field) for each in (odd, foreign, by_card, unknown)] == [
        ("AMOUNT_INVALID", ("amount",)),
        ("CURRENCY_MISMATCH", ("amount", "currency")),
        ("PRICE_MISSING", ("meter",)),
        ("PRICE_MISSING", ("meter",)),
    ]
    closed = await ours.do(closing.close, closing.Close, period="2026-10", at=NOVEMBER)
    lines = await invoices.lines_of(ours.reader, ours.organization_id, [closed.invoice_id])
    assert [(line.quantity, line.amount_minor) for line in lines if line.item_key == "calls"] == [("7", 35)]


async def test_a_hold_of_a_closed_month_is_billed_by_the_next_invoice(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    evening = NOVEMBER - timedelta(hours=3)
    await reserve(ours, an_ask("r1", bo, 50, ttl_seconds=86_400), at=evening)
    await ours.do(closing.close, closing.Close, period="2026-10", at=NOVEMBER)

    done = await settle(ours, "r1", a_call("u1", 50), at=NOVEMBER)

    assert isinstance(done, facts.Settled)
    (late,) = await adjustments.unbilled(ours.reader, ours.organization_id, before=NOVEMBER + timedelta(days=1))
    assert (late["reason"], late["cost_nanos"]) == ("LATE", 50 * CENT)
    assert (await ours.spent(bo))[bo] == 500_000
    await require_consistent(ours)


async def test_what_was_held_is_settled_also_when_the_organization_takes_nothing_new(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await reserve(ours, an_ask("r1", bo, 50), an_ask("r2", bo, 50))

    async def close_door(client: Any) -> None:
        await organizations.update(client, ours.organization_id, status="READ_ONLY")

    await database.runner.run(close_door, lane=ours.organization_id)
    done = await settle(ours, "r1", a_call("u1", 50))
    (given_up,) = await release(ours, "r2")
    refused = await ours.do(reservations.reserve, facts.Reserve, asks=(an_ask("r3", bo, 1),))

    assert isinstance(done, facts.Settled)
    assert isinstance(given_up, facts.Released)
    assert isinstance(refused, Refused)
    assert refused.code is RefusalCode.ORGANIZATION_READ_ONLY


async def test_the_worker_sweeps_what_nobody_settled(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await reserve(ours, *(an_ask(f"r{number}", bo, 1, ttl_seconds=number + 1) for number in range(9)))

    swept = [report async for report in carry_out(ours.reader, ours.dispatcher, at=START + timedelta(seconds=5))]
    again = [report async for report in carry_out(ours.reader, ours.dispatcher, at=START + timedelta(seconds=5))]

    assert [(report.what, report.outcome) for report in swept] == [("reservation", expiry.Expired(5))]
    assert again == []
    assert (await held(ours, bo))[bo] == 4


async def test_a_thousand_holds_end_in_one_batch(database: Database) -> None:
    ours = await books(database)
    people = [await ours.add(f"p{number}", tier="chat") for number in range(5)]
    await ours.cap("ORGANIZATION", "7.00")

    outcomes = await reserve(ours, *(an_ask(f"r{number}", people[number % 5], 1) for number in range(1_000)))
    made = [each.external_id for each in outcomes if isinstance(each, facts.Reserved)]
    settled = await settle_all(ours, *(facts.Actual(named(each), (a_call(f"u-{each}", 1),)) for each in made[:500]))
    released = await release(ours, *made[500:])

    assert len(made) == 700
    assert made == [f"r{number}" for number in range(700)]
    assert all(isinstance(each, facts.Settled) for each in settled)
    assert len(released) == 200
    live = await require_consistent(ours)
    assert sum(kept for _, kept in live.values()) == 0


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
