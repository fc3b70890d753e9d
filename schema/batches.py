"""How do many keys become few statements?

A key begins with the organization; the keys that one level of an answer asks for are read together, once for each
organization among them, so no statement can mix up two.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar, cast

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Read = Callable[[str, list[K]], Awaitable[Mapping[K, V]]]
_ALL: Final = object()


class Waiter(asyncio.Future[Any]):
    """What waits for the row of a key. A type of its own, so that whoever runs many resolvers knows that they load."""


class _Turn(Generic[K]):
    """The keys that are read together, and who waits for one of them or for all."""

    __slots__ = ("keys", "waiters")

    def __init__(self) -> None:
        self.keys: list[K] = []
        self.waiters: list[tuple[Waiter, K | object]] = []


class Loader(Generic[K, V]):
    """Reads the keys that were asked for since it last read, all at once, and remembers what it read.

    Everybody who asks has a waiter of their own. When a required field fails, the library cancels what its siblings
    wait for; a shared future would be cancelled for whoever else waits for it, and the whole request with it.
    """

    def __init__(self, read: Callable[[list[K]], Awaitable[Sequence[V]]]) -> None:
        self._read = read
        self._loop = asyncio.get_running_loop()
        self.known: dict[K, V] = {}
        """What was read."""
        self._turns: dict[K, _Turn[K]] = {}
        self._next: _Turn[K] = _Turn()
        self._reading: set[asyncio.Task[None]] = set()

    def load(self, key: K) -> Awaitable[V]:
        """Return what waits for the row of a key."""
        waiter = Waiter(loop=self._loop)
        if key in self.known:
            waiter.set_result(self.known[key])
        else:
            if key not in self._turns:
                self._ask([key])
            self._turns[key].waiters.append((waiter, key))
        return waiter

    def load_many(self, keys: Iterable[K]) -> Awaitable[list[V]]:
        """Return what waits for the rows of many keys."""
        return asyncio.gather(*map(self.load, keys))

    def turn(self, keys: Iterable[K]) -> Waiter | None:
        """Ask for what is not known of some keys; return what waits for it, or None where all is known.

        Whoever comes back asks again: some of the keys may be read in an earlier turn and others in a later one.
        """
        missing = [key for key in dict.fromkeys(keys) if key not in self.known]
        if not missing:
            return None
        fresh = [key for key in missing if key not in self._turns]
        if fresh:
            self._ask(fresh)
        turn = self._turns[missing[-1]]
        waiter = Waiter(loop=self._loop)
        turn.waiters.append((waiter, _ALL))
        return waiter

    def _ask(self, keys: list[K]) -> None:
        if not self._next.keys:
            self._loop.call_soon(self._begin)  # whoever is about to ask as well is in time
        self._next.keys += keys
        self._turns.update(dict.fromkeys(keys, self._next))

    def _begin(self) -> None:
        turn, self._next = self._next, _Turn()
        task = self._loop.create_task(self._answer(turn))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def _answer(self, turn: _Turn[K]) -> None:
        fault: Exception | None = None
        try:
            self.known.update(zip(turn.keys, await self._read(turn.keys), strict=True))
        except Exception as raised:
            fault = raised
        for key in turn.keys:
            del self._turns[key]
        for waiter, wanted in turn.waiters:
            if waiter.done():
                continue
            if fault is not None:
                waiter.set_exception(fault)
            else:
                waiter.set_result(None if wanted is _ALL else self.known[cast(K, wanted)])


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
