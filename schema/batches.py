"""How do many keys become few statements?

A key begins with the organization; the keys that one level of an answer asks for are read together, once for each
organization among them, so no statement can mix up two.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from strawberry.dataloader import DataLoader

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Read = Callable[[str, list[K]], Awaitable[Mapping[K, V]]]


class Loader(DataLoader[K, V]):
    """A loader whose rows several fields wait for, without one of them ending the wait of the others.

    When a required field fails, the library cancels what its siblings wait for. A shared future would be cancelled
    for whoever else waits for it, and the whole request with it.
    """

    def load(self, key: K) -> Awaitable[V]:
        """Return what waits for the row of a key."""
        return asyncio.shield(super().load(key))


def batched(read: Read[K, V]) -> DataLoader[tuple[str, K], V | None]:
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
