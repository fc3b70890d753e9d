"""How is what many ask in the same moment asked once?

Whoever asks first begins a round, and everybody who asks before it starts takes part: all of them in the same turn of
the event loop. A round that has started takes nobody in any more, so nobody is told what was read before they asked.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ROUND_MAX: Final = 100
"""How many questions one round takes; the next one begins another."""


class Together(Generic[K, V]):
    """Answers questions in rounds. `read` is given different keys, and answers every one of them."""

    def __init__(self, read: Callable[[Collection[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._read = read
        self._waiting: list[tuple[K, asyncio.Future[V]]] = []
        self._rounds: set[asyncio.Task[None]] = set()

    async def of(self, key: K) -> V:
        """Return the answer to one question, or raise what reading it raised."""
        loop = asyncio.get_running_loop()
        if not self._waiting or len(self._waiting) >= ROUND_MAX:
            self._waiting = []
            # On a task of its own: the first to ask may hang up and must not take the others along.
            started = loop.create_task(self._answer(self._waiting), context=contextvars.Context())
            self._rounds.add(started)
            started.add_done_callback(self._rounds.discard)
        answer: asyncio.Future[V] = loop.create_future()
        self._waiting.append((key, answer))
        return await answer

    async def _answer(self, asked: list[tuple[K, asyncio.Future[V]]]) -> None:
        if self._waiting is asked:
            self._waiting = []
        try:
            found = await self._read({key for key, _ in asked})
        except Exception as fault:
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(fault)
        else:
            for key, answer in asked:
                if not answer.done():
                    answer.set_result(found[key])
        finally:
            for _, answer in asked:
                answer.cancel()  # where the round itself was cancelled: the loop is closing
