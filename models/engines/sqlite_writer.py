"""The one connection that writes to a SQLite file.

`BEGIN IMMEDIATE` takes the write lock before the first read, so a decision is never made on rows that another
writer is about to change. One process owns a file: a lock file beside it turns a second process away at start.
"""

import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tortoise.backends.base.client import ConnectionWrapper
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionWrapper

from models.engines.ownership import Owned

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

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        self.check_owner()
        return super().acquire_connection()

    async def begin(self) -> None:
        if self._connection.in_transaction:  # leftovers of a broken transaction are nobody's to commit
            await self._connection.rollback()
        await self._connection.execute("BEGIN IMMEDIATE")


class SqliteWriter(SqliteClient):
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
