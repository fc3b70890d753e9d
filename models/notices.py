"""Which organizations have news that another process wrote?

PostgreSQL tells a process that listens, on one connection that does nothing else. A notice can be lost with the
connection, so it is only ever a reason to look: `lost` is called whenever notices may have been missed. Behind a
pooler that hands connections around nobody can listen; then the news is found a little later by looking.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it ships no types
import structlog

from models.database import Database
from models.engines.connecting import connected
from models.events import NOTICES

RETRY_SECONDS_MIN = 0.1
RETRY_SECONDS_MAX = 10.0
ALIVE_SECONDS = 20.0  # a connection that was cut off without a word is found by asking it something

_log = structlog.get_logger(__name__)


async def listen(database: Database, *, heard: Callable[[str], None], lost: Callable[[], None]) -> None:
    """Call `heard` with the organization of each notice, and `lost` when some may be missing, until cancelled.

    On SQLite one process writes, so there is nobody else to hear of: returns at once.
    """
    if database.dialect == "sqlite":
        return
    delay = RETRY_SECONDS_MIN
    while True:
        try:
            connection = await _connected(database.url)
            try:
                await connection.add_listener(NOTICES, lambda _connection, _pid, _channel, payload: heard(payload))
                delay = RETRY_SECONDS_MIN
                lost()  # whatever was written while nobody listened
                await _until_closed(connection)
            finally:
                with suppress(*_FAULTS):
                    await connection.close(timeout=1)
        except _FAULTS as fault:
            _log.warning("notices cannot be heard; looking every second instead", error=repr(fault), retry_in=delay)
        await asyncio.sleep(delay)
        delay = min(delay * 2, RETRY_SECONDS_MAX)


_FAULTS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


async def _connected(url: str) -> Any:
    # One connection a process, named apart from the pool so that an operator can tell them in pg_stat_activity.
    return await connected(
        url.replace("asyncpg://", "postgres://", 1), timeout=5, server_settings={"application_name": "billgraph listen"}
    )


async def _until_closed(connection: Any) -> None:
    closed = asyncio.Event()
    connection.add_termination_listener(lambda _connection: closed.set())
    while not connection.is_closed():
        try:
            async with asyncio.timeout(ALIVE_SECONDS):
                await closed.wait()
        except TimeoutError:
            await connection.execute("SELECT 1", timeout=5)
    raise asyncpg.ConnectionDoesNotExistError("the connection was closed")
