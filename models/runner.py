"""How does a write happen, whatever becomes of the one who asked for it?

Each write is one transaction on a task of its own, with an empty context, shielded from its caller. A client that
hangs up cancels its wait, never the transaction. Writes of one lane (one organization) pass one after another, so
what a write reads stays true until it commits; lanes do not wait for each other before they reach the database.

Writes of one kind that wait in a lane may be shared: those that came while a transaction was running are carried out
together by the next one, which costs one commit for all of them. Each has its own result or its own error, and nobody
is told before the commit. Where the common transaction fails, each is tried in one of its own, so that what is wrong
with one is nobody else's trouble.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import OperationalError

T = TypeVar("T")
Work = Callable[[BaseDBAsyncClient], Awaitable[T]]

WAITING_MAX = 2_000
ATTEMPTS_MAX = 5
TOGETHER_MAX = 64
WEIGHT_MAX = 8_000
BACK_OFF_SECONDS = 0.005


class Overloaded(RuntimeError):
    """More is waiting than the bound allows, here or for a connection; trying again later is right."""


@dataclass(frozen=True, slots=True)
class _Failed:
    """What became of a write: this error, and nothing written."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Share:
    """A write that may be carried out with others of its kind.

    `together` is given the client and the items of several and returns the result of each; what it raises, none of them
    did. Shares join where `kind` is the same and no two have the same `key`, up to a weight in all.
    """

    together: Callable[[BaseDBAsyncClient, Sequence[Any]], Awaitable[Sequence[Any]]]
    item: Any
    kind: str
    key: str
    weight: int = 1


class Writer(Protocol):
    """A Tortoise client that can open the engines' own kind of transaction."""

    def transaction(self) -> Any: ...


@dataclass(slots=True)
class _Waiting:
    """A write that somebody waits for."""

    work: Work[Any] | Share
    committed: Callable[[Any], None] | None
    told: asyncio.Future[Any]

    def tell(self, result: Any) -> None:
        """Announce the commit, and give the caller what became of the write."""
        error = result.error if isinstance(result, _Failed) else None
        if error is None and self.committed is not None:
            try:
                self.committed(result)
            except Exception as broken:  # the write stands; its caller learns what its own announcement raised
                error = broken
        if self.told.done():
            return
        if error is None:
            self.told.set_result(result)
        else:
            self.told.set_exception(error)

    def break_off(self, end: BaseException) -> None:
        """Let the caller go with what ends the process."""
        if isinstance(end, asyncio.CancelledError):
            self.told.cancel()
        elif not self.told.done():
            self.told.set_exception(end)


@dataclass(slots=True)
class _Lane:
    """What waits for one organization's turn, in the order in which it came."""

    queue: deque[_Waiting] = field(default_factory=deque)

    def next(self) -> list[_Waiting]:
        """Take what the next transaction carries out: one write, or several that may be shared."""
        taken = [self.queue.popleft()]
        first = taken[0].work
        if not isinstance(first, Share):
            return taken
        keys, weight = {first.key}, first.weight
        while self.queue and len(taken) < TOGETHER_MAX:
            share = self.queue[0].work
            if not isinstance(share, Share) or share.kind != first.kind or share.key in keys:
                break
            weight += share.weight
            if weight > WEIGHT_MAX:
                break
            keys.add(share.key)
            taken.append(self.queue.popleft())
        return taken


class Runner:
    """Runs every write of one process."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._running: set[asyncio.Task[None]] = set()
        self._lanes: dict[str, _Lane] = {}
        self._waiting = 0
        self.separations = 0
        """How often writes that were to be carried out together were tried one by one instead."""

    async def run(self, work: Work[T] | Share, *, lane: str, committed: Callable[[T], None] | None = None) -> T:
        """Return what `work` returns, once its transaction is durable.

        `work` may run more than once when the database asks for a retry, so it must act only through the client it
        is given. `committed` is called with the result after the commit, even when the caller has gone.
        """
        if self._waiting >= WAITING_MAX:
            raise Overloaded(f"{WAITING_MAX} writes are waiting already")
        told: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        told.add_done_callback(_seen)
        self._waiting += 1
        queue = self._lane(lane).queue
        queue.append(_Waiting(work, committed, told))
        return await asyncio.shield(told)

    @property
    def waiting(self) -> int:
        """How many writes were asked for and are not finished."""
        return self._waiting

    async def drain(self) -> None:
        """Wait until no write is under way."""
        while self._running:
            await asyncio.wait(self._running)

    def _lane(self, name: str) -> _Lane:
        """Return a lane in which something is under way, or begin with one."""
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = _Lane()
            task = asyncio.get_running_loop().create_task(self._drive(name, lane), context=contextvars.Context())
            self._running.add(task)
            task.add_done_callback(self._finished)
        return lane

    async def _drive(self, name: str, lane: _Lane) -> None:
        taken: list[_Waiting] = []
        try:
            while lane.queue:
                taken = lane.next()
                results = await self._carry_out(taken)
                self._waiting -= len(taken)
                for waiting, result in zip(taken, results, strict=True):
                    waiting.tell(result)
        except BaseException as end:
            for waiting in (*taken, *lane.queue):  # the process is being ended, and nobody is left waiting for it
                waiting.break_off(end)
            raise
        finally:
            del self._lanes[name]

    async def _carry_out(self, taken: Sequence[_Waiting]) -> Sequence[Any]:
        """Return what became of each write, none of which can end the lane."""
        if len(taken) > 1:
            try:
                return await self._attempt(lambda client: _together(client, taken))
            except Overloaded as error:
                return [_Failed(error)] * len(taken)
            except Exception:  # whose fault it is shows when each is tried alone
                self.separations += 1
        return [await self._alone(each) for each in taken]

    async def _alone(self, waiting: _Waiting) -> Any:
        work = waiting.work
        try:
            if isinstance(work, Share):
                (result,) = await self._attempt(lambda client: _together(client, [waiting]))
                return result
            return await self._attempt(work)
        except Exception as error:  # it is the caller's to see
            return _Failed(error)

    async def _attempt(self, work: Work[T]) -> T:
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                async with self._writer.transaction() as client:
                    return await work(client)
            except Exception as error:
                if attempt == ATTEMPTS_MAX or not _is_transient(error):
                    raise
                await asyncio.sleep(BACK_OFF_SECONDS * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        _seen(task)


async def _together(client: BaseDBAsyncClient, taken: Sequence[_Waiting]) -> Sequence[Any]:
    shares = [each.work for each in taken if isinstance(each.work, Share)]
    results = await shares[0].together(client, [share.item for share in shares])
    assert len(results) == len(shares), "each of several writes has a result of its own"
    return results


def _seen(told: asyncio.Future[Any]) -> None:
    """Look at an error, so that a caller who has gone leaves no warning behind."""
    if not told.cancelled():
        told.exception()


def _is_transient(error: Exception) -> bool:
    """Return whether the database rolled back a transaction that would succeed if tried again."""
    cause = error.args[0] if isinstance(error, OperationalError) and error.args else error
    return getattr(cause, "sqlstate", None) in {"40001", "40P01"}
