"""A hold is settled with what was really used: within it, above it, late, again, or not at all."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

from billing.rating import Direction
from models import adjustments, invoices, organizations
from models.database import Database
from services import closing, reservations
from services import reservation_facts as facts
from services.outcomes import RefusalCode, Refused
from services.usage_facts import EventBlocked, EventRefused, Overage
from tests.services.books import POOLED, START, a_use, books
from tests.services.holding import (
    CENT,
    LATER,
    NOVEMBER,
    a_call,
    an_ask,
    held,
    kept,
    named,
    release,
    require_consistent,
    reserve,
    settle,
    settle_all,
)


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
    row = await kept(ours, "r1")
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

    def came_to(external_id: str, cents: int, meter: str | None, currency: str = "USD") -> facts.Actual:
        return facts.Actual(named(external_id), (), cents * CENT, currency, meter)

    done, odd, foreign, by_card, unknown, unnamed = await settle_all(
        ours,
        came_to("r1", 35, "calls"),
        came_to("r2", 36, "calls"),
        came_to("r2", 35, "calls", "EUR"),
        came_to("r2", 35, "tokens"),
        came_to("r2", 35, "bytes"),
        came_to("r2", 35, None),
    )
    (again,) = await settle_all(ours, came_to("r1", 35, "calls"))

    assert isinstance(done, facts.Settled)
    assert isinstance(again, facts.Settled)
    assert (done.settled_nanos, again.repeated) == (35 * CENT, True)
    assert [(each.code.value, each.field) for each in (odd, foreign, by_card, unknown, unnamed)] == [
        ("AMOUNT_INVALID", ("amount",)),
        ("CURRENCY_MISMATCH", ("amount", "currency")),
        ("PRICE_MISSING", ("meter",)),
        ("PRICE_MISSING", ("meter",)),
        ("INPUT_INVALID", ("meter",)),
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
