"""The transaction runner: a write happens once and whole, whatever becomes of the one who asked for it."""

import asyncio
import random

import pytest

from models.database import Database
from models.engines.ownership import ForeignTask
from models.runner import Runner
from models.sql import Client, Statement

SERIES = ("left", "right")
ADD = Statement("""
    INSERT INTO number_series (series, last_number) VALUES (:series, 1)
    ON CONFLICT (series) DO UPDATE SET last_number = number_series.last_number + 1
""")
READ = Statement("SELECT series, last_number FROM number_series ORDER BY series")


async def both(client: Client) -> None:
    for series in SERIES:
        await ADD.run(client, series=series)


async def counts(database: Database) -> dict[str, int]:
    return {row["series"]: row["last_number"] for row in await READ.rows(database.reader)}


async def test_survives_three_thousand_cancelled_writes(database: Database) -> None:
    dice = random.Random(20_261)
    finished = 0

    async def cancelled_somewhere(number: int) -> None:
        nonlocal finished
        task = asyncio.create_task(database.runner.run(both, lane=f"lane-{number % 7}"))
        for _ in range(dice.randrange(12)):
            await asyncio.sleep(0 if dice.random() < 0.6 else 0.0002)
        task.cancel()
        try:
            await task
            finished += 1
        except asyncio.CancelledError:
            pass

    for start in range(0, 3_000, 10):
        await asyncio.gather(*(cancelled_somewhere(start + offset) for offset in range(10)))
        while database.runner.waiting > 500:  # noqa: ASYNC110  # there is nothing to be told of: only fewer waiting
            await asyncio.sleep(0.001)
    await database.runner.drain()
    await asyncio.wait_for(database.runner.run(both, lane="afterwards"), timeout=5)

    found = await counts(database)
    assert found["left"] == found["right"], "no write was done by half"
    assert found["left"] > finished, "a write whose caller has gone still happens"
    if database.dialect == "postgres":
        pool = database.writer._pool  # type: ignore[attr-defined]  # the engine's own pool
        assert pool.get_idle_size() == pool.get_size(), "every pooled connection came back"


async def test_rolls_back_whole_when_the_work_fails(database: Database) -> None:
    async def fails(client: Client) -> None:
        await ADD.run(client, series="left")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await database.runner.run(fails, lane="a")

    assert await counts(database) == {}


async def test_writes_of_one_lane_never_overlap(database: Database) -> None:
    inside = 0
    most = 0

    async def counted(client: Client) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await ADD.run(client, series="left")
        await asyncio.sleep(0)
        inside -= 1

    await asyncio.gather(*(database.runner.run(counted, lane="same") for _ in range(30)))

    assert most == 1
    assert await counts(database) == {"left": 30}


async def test_refuses_another_task_inside_a_transaction(database: Database) -> None:
    async def leaks(client: Client) -> None:
        await asyncio.create_task(ADD.run(client, series="left"))

    with pytest.raises(ForeignTask):
        await database.runner.run(leaks, lane="a")

    assert await counts(database) == {}


async def test_announces_a_commit_even_when_the_caller_has_gone(database: Database) -> None:
    announced: list[str] = []

    async def slow(client: Client) -> str:
        await asyncio.sleep(0.02)
        await both(client)
        return "done"

    task = asyncio.create_task(database.runner.run(slow, lane="a", committed=announced.append))
    await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert announced == []
    await database.runner.drain()

    assert announced == ["done"]


async def test_tries_again_what_the_database_asks_to_repeat() -> None:
    class Deadlock(Exception):
        sqlstate = "40P01"

    tries = 0

    class Flaky:
        def transaction(self) -> "Flaky":
            return self

        async def __aenter__(self) -> Client:
            nonlocal tries
            tries += 1
            if tries < 3:
                raise Deadlock
            return None  # type: ignore[return-value]  # the work below does not look at it

        async def __aexit__(self, *_: object) -> None:
            return None

    async def work(_client: Client) -> str:
        return "third time"

    assert await Runner(Flaky()).run(work, lane="a") == "third time"
    assert tries == 3


async def test_a_read_is_answered_while_a_long_write_is_under_way(database: Database) -> None:
    writing = asyncio.Event()
    go_on = asyncio.Event()

    async def long(client: Client) -> None:
        await both(client)
        writing.set()
        await go_on.wait()

    task = asyncio.create_task(database.runner.run(long, lane="a"))
    await writing.wait()
    during = await asyncio.wait_for(counts(database), timeout=2)
    go_on.set()
    await task

    assert during == {}, "a read sees the last commit"
    assert await counts(database) == {"left": 1, "right": 1}


async def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)read-?only"):
        await ADD.run(database.reader, series="left")
