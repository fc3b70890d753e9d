"""What one process writes, another hears of at once; and when it cannot, a little later."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from models import notices
from models.database import Database
from models.sql import Statement
from tests.databases import on_postgres
from tests.events.logs import Log, a_log

SECONDS_MAX = 10
POLLED_RARELY = 60.0
_TERMINATE = Statement("""
    SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity
    WHERE application_name = 'billgraph listen' AND datname = current_database()
""")
_LISTENERS = Statement("""
    SELECT count(*) AS total FROM pg_stat_activity
    WHERE application_name = 'billgraph listen' AND datname = current_database()
""")

postgres_only = pytest.mark.skipif(not on_postgres(), reason="notices go between processes, and SQLite has but one")


class Other:
    """Another process with the same database."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def write(self) -> float:
        """Let it write one event and return when that was committed."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        return float(await self.line())

    async def line(self) -> bytes:
        assert self._process.stdout is not None
        async with asyncio.timeout(SECONDS_MAX):
            return await self._process.stdout.readline()


@asynccontextmanager
async def another_process(log: Log) -> AsyncIterator[Other]:
    command = (sys.executable, "-m", "tests.events.writer", log.database.url, log.organization_id)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        other = Other(process)
        assert await other.line() == b"ready\n"
        yield other
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def listening(log: Log) -> AsyncIterator[None]:
    hub = log.hub
    task = asyncio.create_task(notices.listen(log.database, heard=hub.wake, lost=hub.wake_all))
    await until_listening(log)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_listening(log: Log) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while not (await _LISTENERS.rows(log.database.reader))[0]["total"]:  # noqa: ASYNC110  # the server tells nobody
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)


@asynccontextmanager
async def followed(log: Log) -> AsyncIterator[asyncio.Queue[tuple[int, float]]]:
    """Yield a queue of numbers and when each was heard of."""
    queue: asyncio.Queue[tuple[int, float]] = asyncio.Queue()
    after = await log.head()

    async def follow() -> None:
        async for told in log.feed("A").follow(after):
            queue.put_nowait((told.last - after, time.time()))

    task = asyncio.create_task(follow())
    await asyncio.sleep(0.2)
    try:
        yield queue
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def take(queue: "asyncio.Queue[tuple[int, float]]") -> tuple[int, float]:
    async with asyncio.timeout(SECONDS_MAX):
        return await queue.get()


@postgres_only
async def test_a_write_reaches_another_process_at_once(database: Database) -> None:
    log = await a_log(database, poll_seconds=POLLED_RARELY)
    async with another_process(log) as other, listening(log), followed(log) as queue:
        for number in range(1, 6):
            committed = await other.write()
            told, heard = await take(queue)
            assert told == number
            assert heard - committed < 0.5


@postgres_only
async def test_a_connection_that_is_cut_is_made_again_and_nothing_is_missed(database: Database) -> None:
    log = await a_log(database, poll_seconds=POLLED_RARELY)
    async with another_process(log) as other, listening(log), followed(log) as queue:
        await other.write()
        assert (await take(queue))[0] == 1

        assert [row["done"] for row in await _TERMINATE.rows(database.writer)] == [True]
        await other.write()  # perhaps while nobody listens
        assert (await take(queue))[0] == 2
        await until_listening(log)
        committed = await other.write()
        told, heard = await take(queue)

        assert told == 3
        assert heard - committed < 0.5


@postgres_only
async def test_without_notices_the_news_is_found_by_looking(database: Database) -> None:
    log = await a_log(database)
    async with another_process(log) as other, followed(log) as queue:
        for number in range(1, 4):
            committed = await other.write()
            told, heard = await take(queue)
            assert told == number
            assert heard - committed < 3


@postgres_only
async def test_a_write_that_is_rolled_back_gives_no_notice(database: Database) -> None:
    log = await a_log(database, poll_seconds=POLLED_RARELY)
    heard: list[str] = []
    task = asyncio.create_task(notices.listen(database, heard=heard.append, lost=lambda: None))
    await until_listening(log)

    async def fail(client: object) -> None:
        from models import events

        await events.append(
            client,  # type: ignore[arg-type]
            log.organization_id,
            [events.NewEvent("A", 1, {})],
            at=events.from_microseconds(0),
            actor="system",
            request_id="request",
        )
        raise RuntimeError("changed its mind")

    with pytest.raises(RuntimeError):
        await database.runner.run(fail, lane=log.organization_id)
    await log.write("A", wake=False)
    await asyncio.sleep(0.3)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert heard == [log.organization_id]


@pytest.mark.skipif(on_postgres(), reason="on PostgreSQL there is somebody, and the tests above listen")
async def test_on_sqlite_there_is_nobody_to_listen_to(database: Database) -> None:
    async with asyncio.timeout(1):
        await notices.listen(database, heard=lambda _: None, lost=lambda: None)
