"""How does work that nobody asked us to repeat leave room for everybody else?

Reading a document that was never seen before takes milliseconds in which the process serves nobody, and whoever has
nothing else to do can send new ones all day. A request that is served meanwhile needs the loop a dozen times, and each
time waits for all of them. So such work is done one piece at a time, in turn among those who ask for it, and after
each piece the loop belongs to others for twice as long as it took. Work that was asked for when nobody else waits and
the loop had its rest begins at once.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Final, TypeVar

from schema.errors import ErrorCode, GraphError

T = TypeVar("T")

REST: Final = 2.0
"""How many times as long as a piece of work took others have the loop to themselves."""

WAITING_MAX: Final = 64
"""Pieces of work that may wait for one who asks."""

WORTH_WAITING_BYTES: Final = 16_384
"""The length from which reading JSON is work that takes its turn."""


class Pace:
    """Does the pieces of work of one process, one at a time."""

    def __init__(self, *, rest: float = REST, waiting_max: int = WAITING_MAX) -> None:
        self._rest = rest
        self._waiting_max = waiting_max
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()
        self._is_taken = False

    async def run(self, who: Hashable, work: Callable[[], T]) -> T:
        """Return what the work returns, done when it is its turn; raise `GraphError` where too much waits already."""
        if self._is_taken:
            await self._turn(who)
        self._is_taken = True
        started = time.perf_counter()
        try:
            return work()
        finally:
            took = time.perf_counter() - started
            asyncio.get_running_loop().call_later(took * self._rest, self._next)

    async def _turn(self, who: Hashable) -> None:
        waiting = self._waiting.setdefault(who, deque())
        if len(waiting) >= self._waiting_max:
            message = (
                f"{len(waiting)} documents wait to be read already; try again, or send those that were sent before."
            )
            raise GraphError(ErrorCode.OVERLOADED, message)
        turn = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next()  # it was our turn, and it is the next one's now
            raise

    def _next(self) -> None:
        """Give the turn to the one who has waited for it longest, or let it be taken."""
        self._is_taken = False
        while self._waiting:
            who, waiting = self._waiting.popitem(last=False)
            turn = waiting.popleft()
            if waiting:
                self._waiting[who] = waiting  # behind all others who wait
            if not turn.done():
                self._is_taken = True
                turn.set_result(None)
                return
