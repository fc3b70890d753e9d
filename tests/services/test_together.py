"""Commands that wait for the same organization are committed together, and none of them notices the others."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest

from models.database import Database
from models.runner import Runner
from models.sql import Client
from services import reservations, usage, verification
from services.dispatch import Dispatcher
from services.outcomes import RefusalCode, Refused
from services.usage import EventBlocked, EventRecorded, EventRefused, EventRepeated, Overage
from tests.services.books import START, Books, a_use, books, days_later
from tests.services.holding import an_ask, reserve

CALLERS = 32


class Killed(BaseException):
    """The process died here."""


AT_THE_COMMIT = -1


class CountedWriter:
    """A writer that counts its transactions, and whose process may die at a statement or at the commit."""

    def __init__(self, writer: Any, *, dies_at: int = 0) -> None:
        self._writer = writer
        self.dies_at = dies_at
        self.begun = self.statements = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Client]:
        self.begun += 1
        async with self._writer.transaction() as client:
            alive = client.acquire_connection

            def acquire() -> Any:
                self.statements += 1
                if self.statements == self.dies_at:
                    raise Killed
                return alive()

            client.acquire_connection = acquire
            yield client
            if self.dies_at == AT_THE_COMMIT:
                raise Killed


def counted(ours: Books, *, dies_at: int = 0) -> CountedWriter:
    """Let the books be written through a writer that counts."""
    writer = CountedWriter(ours.database.writer, dies_at=dies_at)
    ours.dispatcher = Dispatcher(Runner(writer), ours.dispatcher.hub)
    return writer


async def all_at_once(ours: Books, *asked: tuple[str, tuple[usage.UsageFact, ...]]) -> list[Any]:
    """Record each batch under its key, all of them at once; return the answers or errors."""
    tasks = [ours.do(usage.record, usage.Record, under=key, events=facts) for key, facts in asked]
    return await asyncio.gather(*tasks, return_exceptions=True)


async def require_sound(ours: Books) -> None:
    assert await verification.of_organization(ours.reader, ours.organization_id) == []


async def test_each_of_many_callers_has_a_result_of_its_own(database: Database) -> None:
    ours = await books(database)
    bo, cy = await ours.add("bo", tier="chat"), await ours.add("cy", tier="chat")
    await ours.cap("MEMBER", "1.00", cy)
    await ours.use(a_use("before", bo, 5))
    asked = [(f"caller-{number}", (a_use(f"use-{number}", bo, 1),)) for number in range(CALLERS)]
    naive = datetime(2026, 10, 1)  # noqa: DTZ001  # what no door lets in breaks the service
    asked[3] = ("poison", (a_use("poison", bo, 1, at=naive),))
    asked[5] = ("duplicate", (a_use("use-4", bo, 1), a_use("before", bo, 5)))
    asked[7] = ("refused", (a_use("too much", cy, 101), a_use("fits", cy, 99)))
    asked[9] = ("unknown", (a_use("nobody", "nobody", 1),))

    answers = await all_at_once(ours, *asked)

    kinds = [
        type(each) if isinstance(each, Exception) else tuple(type(outcome) for outcome in each.outcomes)
        for each in answers
    ]
    assert kinds[3] is TypeError
    assert kinds[5] == (EventRepeated, EventRepeated)
    assert kinds[7] == (EventBlocked, EventRecorded)
    assert kinds[9] == (EventRefused,)
    assert Counter(kinds)[(EventRecorded,)] == CALLERS - 4
    assert await ours.spent(bo, cy) == {
        "organization": (CALLERS - 4 + 5 + 99) * 10_000,
        bo: (CALLERS - 4 + 5) * 10_000,
        cy: 99 * 10_000,
    }
    await require_sound(ours)


async def test_those_who_wait_share_one_transaction(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    writer = counted(ours)

    answers = await all_at_once(ours, *((f"k{each}", (a_use(f"e{each}", bo, 1),)) for each in range(CALLERS)))

    assert all(isinstance(each, usage.Recorded) for each in answers)
    assert writer.begun == 1
    assert ours.dispatcher.runner.separations == 0
    assert len(await ours.facts("UsageRecorded")) == CALLERS, "each tells its own"
    await require_sound(ours)


async def test_the_same_command_twice_at_once_happens_once(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")

    first, again, other = await all_at_once(
        ours, ("k", (a_use("1", bo, 10),)), ("k", (a_use("1", bo, 10),)), ("k", (a_use("2", bo, 10),))
    )

    assert first == again
    assert isinstance(first.outcomes[0], EventRecorded)
    assert isinstance(other, Refused)
    assert other.code is RefusalCode.IDEMPOTENCY_MISMATCH
    assert (await ours.spent(bo))[bo] == 100_000


async def test_alerts_are_raised_once_by_the_command_that_reached_them(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo, thresholds=(50, 75))

    await all_at_once(ours, *((f"k{each}", (a_use(f"e{each}", bo, 20),)) for each in range(6)))

    told = [event.payload for event in await ours.facts("SpendLimitThresholdReached")]
    assert ['"threshold":50' in payload for payload in told] == [True, False], "in the order of the commands"
    assert (await ours.spent(bo))[bo] == 1_000_000
    await require_sound(ours)


async def test_what_expires_between_two_commands_counts_for_the_first_only(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo)
    await reserve(ours, an_ask("hold", bo, 60, ttl_seconds=60), at=START)

    async def record(name: str, seconds: int) -> Any:
        at = START.replace(minute=seconds // 60)
        return await ours.do(usage.record, usage.Record, under=name, at=at, events=(a_use(name, bo, 50, at=START),))

    before, after = await asyncio.gather(record("before", 0), record("after", 120))

    assert isinstance(before.outcomes[0], EventBlocked), "the hold still stood at its instant"
    assert isinstance(after.outcomes[0], EventRecorded)
    await require_sound(ours)


async def test_a_caller_who_hangs_up_disturbs_nobody(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    tasks = [
        asyncio.create_task(ours.do(usage.record, usage.Record, under=f"k{each}", events=(a_use(f"e{each}", bo, 1),)))
        for each in range(8)
    ]
    await asyncio.sleep(0.002)

    tasks[2].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    again = await ours.do(usage.record, usage.Record, under="k2", events=(a_use("e2", bo, 1),))

    assert isinstance(answers.pop(2), asyncio.CancelledError)
    assert all(isinstance(each, usage.Recorded) for each in answers)
    assert isinstance(again.outcomes[0], EventRecorded), "it happened, and its key still answers"
    assert (await ours.spent(bo))[bo] == 80_000


@pytest.mark.parametrize(
    "place", [1, 9, 14, AT_THE_COMMIT], ids=["at once", "deciding", "writing", "before the commit"]
)
async def test_a_crash_leaves_all_of_a_group_or_nothing(database: Database, place: int) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    asked = [(f"k{each}", (a_use(f"e{each}", bo, 1), a_use(f"f{each}", bo, 2))) for each in range(CALLERS)]
    lasting = ours.dispatcher
    counted(ours, dies_at=place)

    died = await all_at_once(ours, *asked)
    spent_after_the_crash = await ours.spent(bo)
    ours.dispatcher = lasting
    answers = await all_at_once(ours, *asked)

    assert {type(each) for each in died} == {Killed}
    assert spent_after_the_crash == {}
    assert all(isinstance(event, EventRecorded) for each in answers for event in each.outcomes)
    assert (await ours.spent(bo))[bo] == CALLERS * 30_000
    await require_sound(ours)


async def test_late_usage_and_overruns_of_a_group_are_told_by_each(database: Database) -> None:
    ours = await books(database)
    bo, cy = await ours.add("bo"), await ours.add("cy")
    for who in (bo, cy):
        await ours.cap("MEMBER", "0.10", who)

    answers = await asyncio.gather(
        *(ours.use(a_use(who, who, 30, at=days_later(1)), at=days_later(2), overage=Overage.RECORD) for who in (bo, cy))
    )

    assert [outcome.over_limit for (outcome,) in answers if isinstance(outcome, EventRecorded)] == [True, True]
    assert {event.member_id for event in await ours.facts("SpendOverrun")} == {bo, cy}
    await require_sound(ours)


async def test_other_commands_keep_their_turn(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo")
    await ours.cap("MEMBER", "1.00", bo)

    async def use(name: str) -> Any:
        (outcome,) = await ours.use(a_use(name, bo, 60))
        return type(outcome)

    first, held, then = await asyncio.gather(use("a"), reserve(ours, an_ask("h", bo, 40)), use("b"))

    assert (first, then) == (EventRecorded, EventBlocked)
    assert isinstance(held[0], reservations.Reserved)
