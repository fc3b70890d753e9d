"""Read-only connections to a SQLite file, so that a read never waits for a write.

In write-ahead mode a reader sees the last commit whatever the writer is doing. What takes no time is read at once, see
`models.engines.sqlite_at_once`. For the rest a few connections let reads overlap; each lives on a thread of its own,
and who waits for one is served in the order of coming. `query_only` makes a stray write fail here instead of passing
unnoticed.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from tortoise.backends.base.client import ConnectionWrapper
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionWrapper

from models.engines.fetching import SqliteFetching
from models.engines.ownership import Owned
from models.engines.sqlite_at_once import AtOnce
from models.sql import Record

CONNECTIONS = 3
PRAGMAS = ("query_only=ON", "busy_timeout=5000", "trusted_schema=OFF", "cache_size=-16000")


class _Lease(ConnectionWrapper[aiosqlite.Connection]):
    """One read-only connection, borrowed for one statement."""

    __slots__ = ("_reader",)

    def __init__(self, reader: "SqliteReader") -> None:
        self._reader = reader

    async def __aenter__(self) -> aiosqlite.Connection:
        await self._reader.create_connection(with_db=True)
        await self._reader.line.acquire()
        self.connection = self._reader.idle.pop()
        return self.connection

    async def __aexit__(self, *_: object) -> None:
        self._reader.idle.append(self.connection)
        self._reader.line.release()


class SqliteSnapshot(Owned, SqliteFetching, SqliteTransactionWrapper):
    """One read-only connection inside `BEGIN`: every statement sees the database as the first one did."""

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        self.check_owner()
        return super().acquire_connection()

    async def begin(self) -> None:
        await self._connection.execute("BEGIN")


class SqliteReader(SqliteFetching, SqliteClient):
    """A small pool of read-only connections behind Tortoise's client interface."""

    def __init__(self, file_path: str, **kwargs: Any) -> None:
        super().__init__(file_path, **kwargs)
        self._address = f"{Path(file_path).absolute().as_uri()}?mode=ro"
        self.idle: list[aiosqlite.Connection] = []
        # A queue would let whoever comes just then take what somebody was woken for, and send that one to its end.
        self.line = asyncio.Semaphore(0)
        self._opened: list[aiosqlite.Connection] = []
        self._opening = asyncio.Lock()
        self._at_once: AtOnce | None = None

    async def create_connection(self, with_db: bool) -> None:  # noqa: ARG002  # the base's own signature
        async with self._opening:
            while len(self._opened) < CONNECTIONS:
                connection = await aiosqlite.connect(self._address, uri=True, isolation_level=None)
                self._opened.append(connection)
                connection.row_factory = sqlite3.Row
                for pragma in PRAGMAS:
                    await connection.execute_fetchall(f"PRAGMA {pragma}")
                self.idle.append(connection)
                self.line.release()

    async def close(self) -> None:
        if self._at_once is not None:
            self._at_once.close()
            self._at_once = None
        while self._opened:
            await self._opened.pop().close()
        self.idle, self.line = [], asyncio.Semaphore(0)

    async def fetch(self, query: str, values: Sequence[Any]) -> Sequence[Record]:
        """Return every row of a query: at once, or when a thread has them."""
        if self._at_once is None:
            self._at_once = AtOnce(self._address, (*PRAGMAS, "busy_timeout=0"))
        found = self._at_once.fetch(query, values)
        return await super().fetch(query, values) if found is None else found

    def acquire_connection(self) -> ConnectionWrapper[aiosqlite.Connection]:
        return _Lease(self)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[SqliteSnapshot]:
        """Yield a client for which the database stands still; writers go on beside it."""
        async with _Lease(self) as connection:
            snapshot = SqliteSnapshot(self)
            snapshot._connection = connection
            snapshot.claim()
            await snapshot.begin()
            try:
                yield snapshot
            finally:
                await snapshot.rollback()


client_class = SqliteReader
