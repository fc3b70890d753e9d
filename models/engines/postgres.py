"""PostgreSQL through asyncpg, with every wait bounded.

Tortoise waits for a pooled connection for ever. Here a full pool answers `Overloaded` after a few seconds, which
the doors turn into 503 with Retry-After; statements and lock waits are bounded by the server itself.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it ships no types
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import ConnectionWrapper

from models.engines.connecting import connected
from models.engines.ownership import Owned
from models.runner import Overloaded
from models.sql import Record

ACQUIRE_SECONDS = 5.0
SNAPSHOT_STATEMENT_MILLISECONDS = 600_000
UNREACHABLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    # What asyncpg says of a connection that died between two messages. They would also say that two tasks use one
    # connection, but a transaction refuses every task but its own before that.
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""How a database says, or does not live to say, that it is gone."""


class PooledConnection(asyncpg.Connection):  # type: ignore[misc]  # untyped base
    """A connection that is given back without a word to the server.

    asyncpg would reset the session each time, which costs every statement a second round trip. Nothing here leaves
    anything in a session: settings and locks are those of a transaction, and who listens has a connection of their own.
    """

    __slots__ = ()

    def get_reset_query(self) -> str:
        """Return nothing to run when the connection is given back."""
        return ""


class BoundedPool(asyncpg.Pool):  # type: ignore[misc]  # untyped base
    """A pool whose `acquire` gives up after `ACQUIRE_SECONDS`, and that serves in the order of coming."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # The pool's own queue lets whoever comes just then take what somebody was woken for, who is last again then.
        self._line = asyncio.Semaphore(self._maxsize)

    async def _acquire(self, timeout: float | None) -> Any:  # noqa: ASYNC109  # the base's own signature
        seconds = timeout if timeout is not None else ACQUIRE_SECONDS
        try:
            async with asyncio.timeout(seconds):
                await self._line.acquire()
                try:
                    # Without a timeout: the base would start a task to wait in, for what is there already.
                    return await super()._acquire(None)
                except BaseException:
                    self._line.release()
                    raise
        except TimeoutError as error:
            raise Overloaded(f"no database connection came free in {seconds:g} s") from error
        except UNREACHABLE as error:
            raise unreachable() from error

    async def release(self, connection: Any, *, timeout: float | None = None) -> None:  # noqa: ASYNC109  # the same
        """Take a connection back, once for each that was given."""
        seconds = timeout if timeout is not None else ACQUIRE_SECONDS
        try:
            if _is_at_rest(connection._con):
                connection._con._on_release()
                await connection._holder.release(seconds)
            else:
                await super().release(connection, timeout=seconds)
        finally:
            self._line.release()


def _is_at_rest(connection: PooledConnection | None) -> bool:
    """Return whether a connection goes back to its pool without a word to the server, so that nothing can interrupt it.

    The base gives every connection back in a task of its own, which costs more than most statements do.
    """
    return connection is not None and not (connection.is_in_transaction() or connection._protocol._is_cancelling())


def unreachable() -> Overloaded:
    """Return what to raise where the database is gone: whether the last thing was done, the same key will tell."""
    return Overloaded("the database cannot be reached just now")


class Reachable:
    """Mixin of a client: a statement on a connection that died under it may be tried again later."""

    async def fetch(self, query: str, values: Sequence[Any]) -> Sequence[Record]:
        """Return every row of a query as asyncpg gives it."""
        found: Sequence[Record] = await self._translate_exceptions(_fetched, query, values)
        return found

    async def _translate_exceptions(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super()._translate_exceptions(func, *args, **kwargs)  # type: ignore[misc]  # the client's
        except UNREACHABLE as error:
            raise unreachable() from error


async def _fetched(client: AsyncpgDBClient, query: str, values: Sequence[Any]) -> Sequence[Record]:
    async with client.acquire_connection() as connection:
        found: Sequence[Record] = await connection.fetch(query, *values)
        return found


class PostgresTransaction(Owned, Reachable, TransactionWrapper):
    """One pooled connection inside a transaction."""

    def acquire_connection(self) -> ConnectionWrapper[asyncpg.Connection]:
        self.check_owner()
        return super().acquire_connection()

    async def copy(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Write many rows by COPY, the quickest way in."""
        self.check_owner()
        try:
            await self._connection.copy_records_to_table(table, records=rows, columns=columns)
        except UNREACHABLE as error:
            raise unreachable() from error


class PostgresSnapshot(PostgresTransaction):
    """One pooled connection inside a read-only transaction: every statement sees the database as the first one did."""

    async def begin(self) -> None:
        self.transaction = self._connection.transaction(isolation="repeatable_read", readonly=True)
        await self.transaction.start()
        # A statement that looks at every row of an organization may take longer than one that serves a person.
        await self._connection.execute(f"SET LOCAL statement_timeout = {SNAPSHOT_STATEMENT_MILLISECONDS}")


class PostgresClient(Reachable, AsyncpgDBClient):
    """A Tortoise client over a bounded pool."""

    _pool: asyncpg.Pool | None

    async def create_pool(self, **kwargs: Any) -> asyncpg.Pool:
        defaults = {
            "max_queries": 50_000,
            "max_inactive_connection_lifetime": 300.0,
            "connect": connected,
            "setup": None,
            "init": None,
            "reset": None,
            "record_class": asyncpg.Record,
        }
        return await BoundedPool(None, **{**defaults, **kwargs, "connection_class": PooledConnection})

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[PostgresSnapshot]:
        """Yield a client for which the database stands still; writers go on beside it."""
        async with self.acquire_connection() as connection:
            snapshot = PostgresSnapshot(self)
            snapshot._connection = connection
            snapshot.claim()
            await snapshot.begin()
            try:
                yield snapshot
            finally:
                with suppress(*UNREACHABLE, Overloaded):  # the end of a dead connection is a rollback
                    await snapshot.rollback()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        """Yield a connection inside one transaction: committed at the end, rolled back on any error."""
        assert self._pool is not None, "the database is opened before it is used"
        connection = await self._pool.acquire()
        try:
            transaction = PostgresTransaction(self)
            transaction._connection = connection
            transaction.claim()
            await transaction.begin()
            try:
                yield transaction
                await transaction.commit()
            except BaseException:
                if not transaction._finalized:
                    with suppress(*UNREACHABLE, Overloaded):  # the end of a dead connection is a rollback
                        await transaction.rollback()
                raise
        except UNREACHABLE as error:
            raise unreachable() from error
        finally:
            await self._pool.release(connection)


client_class = PostgresClient
