"""How do many keys become few statements?

A key begins with the organization; the keys that one level of an answer asks for are read together, once for each
organization among them, so no statement can mix up two.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Read = Callable[[str, list[K]], Awaitable[Mapping[K, V]]]


class Waiter(asyncio.Future[Any]):
    """What waits for the row of a key. A type of its own, so that whoever runs many resolvers knows that they load."""


class Loader(Generic[K, V]):
    """Reads the keys that were asked for since it last read, all at once, and remembers what it read.

    Everybody who asks has a waiter of their own. When a required field fails, the library cancels what its siblings
    wait for; a shared future would be cancelled for whoever else waits for it, and the whole request with it.
    """

    def __init__(self, read: Callable[[list[K]], Awaitable[Sequence[V]]]) -> None:
        self._read = read
        self._loop = asyncio.get_running_loop()
        self._known: dict[K, V] = {}
        self._waiting: dict[K, list[Waiter]] = {}
        self._asked: list[K] = []
        self._reading: set[asyncio.Task[None]] = set()

    def load(self, key: K) -> Awaitable[V]:
        """Return what waits for the row of a key."""
        waiter = Waiter(loop=self._loop)
        if key in self._known:
            waiter.set_result(self._known[key])
        elif (waiting := self._waiting.get(key)) is not None:
            waiting.append(waiter)
        else:
            self._waiting[key] = [waiter]
            if not self._asked:
                self._loop.call_soon(self._begin)  # whoever is about to ask as well is in time
            self._asked.append(key)
        return waiter

    def load_many(self, keys: Iterable[K]) -> Awaitable[list[V]]:
        """Return what waits for the rows of many keys."""
        return asyncio.gather(*map(self.load, keys))

    def _begin(self) -> None:
        task = self._loop.create_task(self._answer())
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _answer(self) -> None:
        keys, self._asked = self._asked, []
        try:
            found = dict(zip(keys, await self._read(keys), strict=True))
        except Exception as fault:
            for key in keys:
                for waiter in self._waiting.pop(key):
                    if not waiter.done():
                        waiter.set_exception(fault)
        else:
            self._known |= found
            for key, value in found.items():
                for waiter in self._waiting.pop(key):
                    if not waiter.done():
                        waiter.set_result(value)


def batched(read: Read[K, V]) -> Loader[tuple[str, K], V | None]:
    """Return a loader that calls `read` once for each organization among the keys."""

    async def load(keys: list[tuple[str, K]]) -> Sequence[V | None]:
        wanted: defaultdict[str, list[K]] = defaultdict(list)
        for organization_id, key in keys:
            wanted[organization_id].append(key)
        found = {organization_id: await read(organization_id, ids) for organization_id, ids in wanted.items()}
        return [found[organization_id].get(key) for organization_id, key in keys]

    return Loader(load)


def grouped(rows: Iterable[V], key: Callable[[V], str]) -> dict[str, list[V]]:
    """Return the rows by a key of theirs, in the order in which they came."""
    found: defaultdict[str, list[V]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return found
