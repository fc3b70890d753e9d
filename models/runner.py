"""How does a write happen, whatever becomes of the one who asked for it?

Each write is one transaction on a task of its own, with an empty context, shielded from its caller. A client that
hangs up cancels its wait, never the transaction. Writes of one lane (one organization) pass one after another, so
what a write reads stays true until it commits; lanes do not wait for each other before they reach the database.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import OperationalError

T = TypeVar("T")
Work = Callable[[BaseDBAsyncClient], Awaitable[T]]

WAITING_MAX = 2_000
ATTEMPTS_MAX = 5


class Overloaded(RuntimeError):
    """More is waiting than the bound allows, here or for a connection; trying again later is right."""


class Writer(Protocol):
    """A Tortoise client that can open the engines' own kind of transaction."""

    def transaction(self) -> Any: ...


class Runner:
    """Runs every write of one process."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._running: set[asyncio.Task[Any]] = set()
        self._lanes: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def run(self, work: Work[T], *, lane: str, committed: Callable[[T], None] | None = None) -> T:
        """Return what `work` returns, once its transaction is durable.

        `work` may run more than once when the database asks for a retry, so it must act only through the client it
        is given. `committed` is called with the result after the commit, even when the caller has gone.
        """
        if self.waiting >= WAITING_MAX:
            raise Overloaded(f"{WAITING_MAX} writes are waiting already")
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._transact(work, lane, committed), context=contextvars.Context())
        self._running.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    @property
    def waiting(self) -> int:
        """How many writes were asked for and are not finished."""
        return len(self._running)

    async def drain(self) -> None:
        """Wait until no write is under way."""
        while self._running:
            await asyncio.wait(self._running)

    async def _transact(self, work: Work[T], lane: str, committed: Callable[[T], None] | None) -> T:
        lock = self._lanes.setdefault(lane, asyncio.Lock())
        async with lock:
            result = await self._attempt(work)
        if committed is not None:
            committed(result)
        return result

    async def _attempt(self, work: Work[T]) -> T:
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                async with self._writer.transaction() as client:
                    return await work(client)
            except Exception as error:
                if attempt == ATTEMPTS_MAX or not _is_transient(error):
                    raise
                await asyncio.sleep(0.005 * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # seen here, so that a caller who has gone leaves no warning behind


def _is_transient(error: Exception) -> bool:
    """Return whether the database rolled back a transaction that would succeed if tried again."""
    cause = error.args[0] if isinstance(error, OperationalError) and error.args else error
    return getattr(cause, "sqlstate", None) in {"40001", "40P01"}
