"""A hold whose time is over blocks nobody, is shown to nobody, and ends once."""

from datetime import datetime, timedelta

from billing.periods import month_containing
from jobs.due import carry_out
from models.database import Database
from services import expiry, reports, standings
from services.usage_facts import EventBlocked, EventRecorded
from tests.services.books import START, a_use, books
from tests.services.holding import (
    CENT,
    LATER,
    an_ask,
    held,
    kept,
    require_consistent,
    reserve,
)


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
    row = await kept(ours, "r1")
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
    assert (await kept(ours, "r1")).status == "HELD"
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


async def test_the_worker_sweeps_what_nobody_settled(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await reserve(ours, *(an_ask(f"r{number}", bo, 1, ttl_seconds=number + 1) for number in range(9)))

    swept = [report async for report in carry_out(ours.reader, ours.dispatcher, at=START + timedelta(seconds=5))]
    again = [report async for report in carry_out(ours.reader, ours.dispatcher, at=START + timedelta(seconds=5))]

    assert [(report.what, report.outcome) for report in swept] == [("reservation", expiry.Expired(5))]
    assert again == []
    assert (await held(ours, bo))[bo] == 4
