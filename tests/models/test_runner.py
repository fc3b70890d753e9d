"""The transaction runner: a write happens once and whole, whatever becomes of the one who asked for it."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from models.database import POOL_SIZE, Database
from models.engines.ownership import ForeignTask
from models.engines.sqlite_reader import CONNECTIONS
from models.runner import WAITING_MAX, WEIGHT_MAX, Overloaded, Runner, Share
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


async def test_shared_writes_are_carried_out_together_and_tried_again_together(database: Database) -> None:
    class Deadlock(Exception):
        sqlstate = "40P01"

    begun = asyncio.Event()
    carried_out: list[list[int]] = []

    async def together(client: Client, items: Sequence[int]) -> list[int]:
        carried_out.append(list(items))
        if len(items) > 1 and len(carried_out) < 4:
            raise Deadlock
        for _ in items:
            await ADD.run(client, series="left")
        return [item * 10 for item in items]

    async def first(_client: Client) -> None:
        begun.set()
        await asyncio.sleep(0.01)

    runner = database.runner
    leading = asyncio.create_task(runner.run(first, lane="a"))
    await begun.wait()
    results = await asyncio.gather(
        *(runner.run(Share(together, each, "count", f"key-{each}"), lane="a") for each in range(5))
    )
    await leading

    assert results == [0, 10, 20, 30, 40]
    assert carried_out == [[0, 1, 2, 3, 4]] * 4
    assert runner.separations == 0
    assert await counts(database) == {"left": 5}


async def test_shared_writes_of_one_key_another_kind_or_too_much_weight_are_apart(database: Database) -> None:
    carried_out: list[list[int]] = []

    async def together(_client: Client, items: Sequence[int]) -> Sequence[int]:
        carried_out.append(list(items))
        return items

    kinds = [("a", "x", 1), ("a", "x", 1), ("a", "y", 1), ("b", "z", 1), ("b", "w", WEIGHT_MAX), ("b", "v", 9_999)]
    shares = [Share(together, number, *about) for number, about in enumerate(kinds)]
    await asyncio.gather(*(database.runner.run(share, lane="l") for share in shares))

    assert carried_out == [[0], [1, 2], [3], [4], [5]]


async def test_what_breaks_together_is_tried_alone(database: Database) -> None:
    async def together(client: Client, items: Sequence[str]) -> Sequence[str]:
        for item in items:
            await ADD.run(client, series=item)
            if item == "poison":
                raise ValueError(item)
        return items

    shares = [Share(together, item, "k", item) for item in ("left", "poison", "right")]
    results = await asyncio.gather(*(database.runner.run(share, lane="l") for share in shares), return_exceptions=True)

    assert [str(each) for each in results] == ["left", "poison", "right"]
    assert isinstance(results[1], ValueError)
    assert await counts(database) == {"left": 1, "right": 1}


async def test_turns_away_what_is_above_the_bound(database: Database) -> None:
    go_on = asyncio.Event()

    async def waits(_client: Client) -> None:
        await go_on.wait()

    waiting = [asyncio.create_task(database.runner.run(waits, lane="a")) for _ in range(WAITING_MAX)]
    await asyncio.sleep(0)

    with pytest.raises(Overloaded, match="2000 writes are waiting"):
        await database.runner.run(waits, lane="b")

    go_on.set()
    for task in waiting[1:]:
        task.cancel()
    await waiting[0]


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


async def test_a_statement_on_postgres_is_one_round_trip(database: Database) -> None:
    if database.dialect != "postgres":
        pytest.skip("SQLite answers in this process: there is no trip to count")
    async with database.reader.acquire_connection() as connection:
        process = await connection.fetchval("SELECT pg_backend_pid()")

    looking = Statement("SELECT query, state FROM pg_stat_activity WHERE pid = :process")
    (found,) = await looking.rows(database.writer, process=process)

    assert (found["query"], found["state"]) == ("SELECT pg_backend_pid()", "idle"), "nothing was sent at its return"


async def test_who_waits_for_a_connection_is_served_in_the_order_of_coming(database: Database) -> None:
    """A queue of connections would let one that comes just then go first, again and again, while others starve."""
    turns: list[int] = []

    async def reads(number: int, times: int) -> None:
        for _ in range(times):
            async with database.reader.acquire_connection() as connection:
                turns.append(number)
                await (connection.fetch if database.dialect == "postgres" else connection.execute_fetchall)("SELECT 1")

    connections = POOL_SIZE if database.dialect == "postgres" else CONNECTIONS
    size, times = 2 * connections, 6
    await asyncio.gather(*(reads(number, times) for number in range(size)))

    last: dict[int, int] = {}
    for turn, number in enumerate(turns):
        others = turn - last.get(number, -size) - 1
        assert others >= size - connections - 1, f"{number} was served again before others who waited"
        last[number] = turn
        if turns[: turn + 1].count(number) == times:
            break  # from here on fewer are in the line
