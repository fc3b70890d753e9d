"""Who wants to know that something happened?

A wake-up carries no data. It says "look at the log of this organization"; whoever looks reads everything after the
last number it has seen. A lost or doubled wake-up therefore loses and doubles nothing.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Hub:
    """Wakes the waiters of one process."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._everywhere: set[asyncio.Event] = set()

    def wake(self, organization_id: str) -> None:
        """Wake everybody who waits for news of this organization."""
        for bell in (*self._waiting.get(organization_id, ()), *self._everywhere):
            bell.set()

    @contextmanager
    def waiting(self, organization_id: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set whenever there may be news; clear it before looking."""
        bell = asyncio.Event()
        self._waiting[organization_id].add(bell)
        try:
            yield bell
        finally:
            self._waiting[organization_id].discard(bell)
            if not self._waiting[organization_id]:
                del self._waiting[organization_id]

    @contextmanager
    def listening(self, bell: asyncio.Event) -> Iterator[None]:
        """Set `bell` whenever there may be news of any organization."""
        self._everywhere.add(bell)
        try:
            yield
        finally:
            self._everywhere.discard(bell)
