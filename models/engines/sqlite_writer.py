"""The one connection that writes to a SQLite file.

`BEGIN IMMEDIATE` takes the write lock before the first read, so a decision is never made on rows that another
writer is about to change. One process owns a file: a lock file beside it turns a second process away at start.

The connection lives on a thread of its own, and a trip there costs more than most statements do. So what asks for no
answer waits for the next statement that does, or for the commit, and travels with it, in order.
"""

import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from tortoise.backends.base.client import ConnectionWrapper
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionWrapper, translate_exceptions

from models.engines.fetching import SqliteFetching
from models.engines.ownership import Owned
from models.sql import Record

T = TypeVar("T")
PRAGMAS = {
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "foreign_keys": "ON",
    "busy_timeout": 5000,
    "trusted_schema": "OFF",
}


class DatabaseInUse(RuntimeError):
    """Another process owns this SQLite file."""


class SqliteTransaction(Owned, SqliteTransactionWrapper):
    """The writer inside `BEGIN IMMEDIATE`."""

    def __init__(self, writer: SqliteClient) -> None:
        super().__init__(writer)
        self._has_begun = False
        self._unsaid: list[tuple[str, Sequence[Any]]] = []

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        self.check_owner()
        return super().acquire_connection()

    async def begin(self) -> None:
        if self._connection.in_transaction:  # leftovers of a broken transaction are nobody's to commit
            await self._connection.rollback()

    async def commit(self) -> None:
        await self._say(lambda connection: connection.commit())
        self._finalized = True

    async def execute_query(self, query: str, values: list[Any] | None = None) -> tuple[int, Sequence[Any]]:
        def ask(connection: sqlite3.Connection) -> tuple[int, Sequence[Any]]:
            before = connection.total_changes
            rows = connection.execute(query, values or ()).fetchall()
            return (connection.total_changes - before) or len(rows), rows

        touched: tuple[int, Sequence[Any]] = await self._say(ask)
        return touched

    async def fetch(self, query: str, values: Sequence[Any]) -> Sequence[Record]:
        """Return every row of a query as the driver gives it."""
        found: Sequence[Record] = await self._say(lambda connection: connection.execute(query, values).fetchall())
        return found

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        return [dict(record) for record in await self.fetch(query, values or ())]

    async def execute_insert(self, query: str, values: list[Any]) -> int:
        row_id: int = await self._say(lambda connection: connection.execute(query, values).lastrowid or 0)
        return row_id

    async def execute_many(self, query: str, values: Sequence[Sequence[Any]]) -> None:
        self.check_owner()
        self._unsaid.append((query, values))

    async def execute_script(self, query: str) -> None:
        await self._say(lambda connection: connection.executescript(query))

    @translate_exceptions
    async def _say(self, what: Callable[[sqlite3.Connection], T]) -> T:
        """Return what comes of it on the connection's thread, after all that was left unsaid."""

        def said(connection: sqlite3.Connection) -> T:
            if not self._has_begun:
                connection.execute("BEGIN IMMEDIATE")
                self._has_begun = True
            while self._unsaid:
                connection.executemany(*self._unsaid.pop(0))
            return what(connection)

        async with self.acquire_connection() as connection:
            # What aiosqlite itself calls for each statement; it has no public name for several in one trip.
            return cast(T, await connection._execute(said, connection._conn))


class SqliteWriter(SqliteFetching, SqliteClient):
    """A SQLite client that owns its file and serializes its transactions."""

    def __init__(self, file_path: str, **kwargs: Any) -> None:
        super().__init__(file_path, **{**PRAGMAS, **kwargs})
        self._owner: int | None = None

    async def create_connection(self, with_db: bool) -> None:
        if self._connection is None:
            self._own_file()
        await super().create_connection(with_db)

    async def close(self) -> None:
        await super().close()
        if self._owner is not None:
            os.close(self._owner)
            self._owner = None

    def _own_file(self) -> None:
        Path(self.filename).parent.mkdir(parents=True, exist_ok=True)
        owner = os.open(f"{os.path.realpath(self.filename)}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(owner)
            raise DatabaseInUse(
                f"{self.filename} is open in another process: SQLite serves one process; use PostgreSQL for more"
            ) from error
        self._owner = owner
        # Made before the database opens it; the files that it then makes beside it have the same mode.
        os.close(os.open(self.filename, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqliteTransaction]:
        """Yield the writer inside one transaction: committed at the end, rolled back on any error."""
        async with self._lock:
            await self.create_connection(with_db=True)
            transaction = SqliteTransaction(self)
            transaction.claim()
            await transaction.begin()
            try:
                yield transaction
                await transaction.commit()
            except BaseException:
                if not transaction._finalized:
                    await transaction.rollback()
                raise


client_class = SqliteWriter
