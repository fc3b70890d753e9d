"""Raises for a time and questions nobody answers end by themselves, once, at their instant."""

import json
from datetime import datetime
from typing import Any

import pytest

from auth.principal import Principal
from billing.limit_increases import WAITING_MAX
from jobs import due
from models.database import Database
from services import increase_ends, limit_increases, usage
from services.outcomes import RefusalCode
from tests.services.books import START, a_use, days_later
from tests.services.holding import an_ask, reserve
from tests.services.increases import (
    advance,
    asking,
    cap_of,
    capped,
    deciding,
    raised,
    the,
)


async def test_a_raise_for_a_time_gives_the_former_limit_back(database: Database) -> None:
    ours, bo = await capped(database, test_clock_at=START)
    request_id = await raised(ours, bo, "200", until=days_later(3))

    before = await advance(ours, 2), await cap_of(ours, bo)
    after = await advance(ours, 4), await cap_of(ours, bo)
    later = await advance(ours, 9)

    assert before == ([], "200")
    assert after == (["limit_raise"], "100")
    assert later == []
    row = await the(ours, request_id)
    assert row.ended_at == days_later(3)
    (event,) = await ours.facts("LimitIncreaseEnded")
    assert event.actor == "system"
    assert json.loads(event.payload)["formerLimitId"]


async def test_a_raise_is_over_at_its_instant_whether_or_not_a_worker_came_by(database: Database) -> None:
    ours, bo = await capped(database)
    await raised(ours, bo, "200", until=days_later(3))
    await ours.use(a_use("1", bo, 150_00, at=START), at=START)

    (within,) = await ours.use(a_use("2", bo, 10_00, at=days_later(2)), at=days_later(2))
    (late,) = await ours.use(a_use("3", bo, 10_00, at=days_later(3)), at=days_later(3))
    (held,) = await reserve(ours, an_ask("r", bo, 1), at=days_later(3))

    assert isinstance(within, usage.EventRecorded)
    assert isinstance(late, usage.EventBlocked)
    assert isinstance(held, usage.EventBlocked)
    assert (late.cap_nanos, late.headroom_nanos) == (100 * 10**9, 0)
    assert len(await ours.facts("LimitIncreaseEnded")) == 1


async def test_what_was_decided_later_stands_when_a_raise_is_over(database: Database) -> None:
    ours, bo = await capped(database, test_clock_at=START)
    await raised(ours, bo, "200", until=days_later(3))
    await ours.cap("MEMBER", "150", bo)

    happened = await advance(ours, 4)

    assert happened == ["limit_raise"]
    assert await cap_of(ours, bo) == "150"
    (event,) = await ours.facts("LimitIncreaseEnded")
    assert json.loads(event.payload)["formerLimitId"] is None


@pytest.mark.parametrize(
    ("first", "second", "caps"),
    [
        (3, 6, {2: "300", 4: "300", 7: "100"}),
        (6, 3, {2: "300", 4: "200", 7: "100"}),
        (3, 3, {2: "300", 4: "100"}),
    ],
)
async def test_raises_upon_each_other_end_in_order(
    database: Database, first: int, second: int, caps: dict[int, str]
) -> None:
    ours, bo = await capped(database, test_clock_at=START)
    await raised(ours, bo, "200", until=days_later(first))
    await raised(ours, bo, "300", until=days_later(second))

    found = {}
    for day in caps:
        await advance(ours, day)
        found[day] = await cap_of(ours, bo)

    assert found == caps


async def test_a_raise_for_good_stays_when_one_before_it_is_over(database: Database) -> None:
    ours, bo = await capped(database, test_clock_at=START)
    await raised(ours, bo, "200", until=days_later(3))
    await raised(ours, bo, "300")

    await advance(ours, 4)

    assert await cap_of(ours, bo) == "300"


async def test_a_question_nobody_answers_expires(database: Database) -> None:
    ours, bo = await capped(database, test_clock_at=START)
    asked = await asking(ours, bo)

    happened = await advance(ours, WAITING_MAX.days)

    assert happened == ["limit_request"]
    assert (await the(ours, asked.request_id)).status == "EXPIRED"
    assert len(await ours.facts("LimitIncreaseExpired")) == 1


async def test_a_late_worker_lets_no_answer_through(database: Database) -> None:
    ours, bo = await capped(database)
    first = await asking(ours, bo, until=days_later(2))

    late = await deciding(ours, first.request_id, at=days_later(3))
    second = await asking(ours, bo, at=days_later(3))

    assert late.code is RefusalCode.STATUS_CONFLICT
    assert isinstance(second, limit_increases.Asked)
    assert (await the(ours, first.request_id)).status == "EXPIRED"


async def test_the_worker_ends_raises_of_real_organizations(database: Database) -> None:
    ours, bo = await capped(database)
    await raised(ours, bo, "200", until=days_later(3))

    async def work(at: datetime) -> list[str]:
        return [each.what async for each in due.carry_out(ours.reader, ours.dispatcher, at=at)]

    assert await work(days_later(2)) == []
    assert await work(days_later(3)) == ["limit_raise"]
    assert await work(days_later(4)) == []
    assert await cap_of(ours, bo) == "100"


async def test_nothing_ends_early_or_twice(database: Database) -> None:
    ours, bo = await capped(database)
    waiting = await asking(ours, bo)

    async def end(request_id: str, at: datetime) -> Any:
        actor = Principal.system(ours.organization_id)
        return await ours.do(increase_ends.end, increase_ends.End, request_id=request_id, at=at, actor=actor)

    early = await end(waiting.request_id, START)
    await deciding(ours, waiting.request_id, until=days_later(3))
    running = await end(waiting.request_id, days_later(2))
    over = await end(waiting.request_id, days_later(3))
    twice = await end(waiting.request_id, days_later(4))
    nothing = await end("01kwdfkd00yp6arym8shx0mx4x", START)

    assert [each.code for each in (early, running, twice, nothing)] == [
        RefusalCode.TIME_OUT_OF_RANGE,
        RefusalCode.TIME_OUT_OF_RANGE,
        RefusalCode.STATUS_CONFLICT,
        RefusalCode.NOT_FOUND,
    ]
    assert isinstance(over, increase_ends.Ended)
