"""Who wants to know that something happened?

A wake-up carries no data. It says "look at the log of this organization"; whoever looks reads everything after the
last number it has seen. A lost or doubled wake-up therefore loses and doubles nothing. Wake-ups come from commits of
this process and from the database's notices of other processes; beneath both, one statement a second asks for the
newest numbers of all the organizations that anybody here follows.
"""

import asyncio
import contextvars
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager

import structlog

from events.tail import Tail
from models import events as log
from models.sql import Client

POLL_SECONDS = 1.0
ASKED_AT_ONCE_MAX = 5_000

Admit = Callable[[str, Sequence[log.Event]], Awaitable[None]]
_log = structlog.get_logger(__name__)


async def _at_once(_organization_id: str, _events: Sequence[log.Event]) -> None:
    """Let events pass."""


class Hub:
    """Keeps one tail for each organization that is followed in this process."""

    def __init__(self, *, poll_seconds: float = POLL_SECONDS) -> None:
        self.admit: Admit = _at_once
        """Awaited before events are told to anybody: the place to notice that somebody may hear them no longer."""
        self._poll_seconds = poll_seconds
        self._everywhere: set[asyncio.Event] = set()
        self._tails: dict[str, Tail] = {}
        self._polling: asyncio.Task[None] | None = None

    def wake(self, organization_id: str) -> None:
        """Look for news of this organization, where anybody follows it."""
        self._ring_everywhere()
        tail = self._tails.get(organization_id)
        if tail is not None:
            tail.wake()

    def wake_all(self) -> None:
        """Look for news everywhere, because wake-ups may have been missed."""
        self._ring_everywhere()
        for tail in self._tails.values():
            tail.wake()

    @property
    def followed(self) -> int:
        """How many organizations are followed."""
        return len(self._tails)

    @property
    def lag_seconds(self) -> float:
        """How long the oldest news that was announced has waited to be read, in any organization that is followed."""
        since = [tail.waiting_since for tail in self._tails.values() if tail.waiting_since is not None]
        return time.monotonic() - min(since) if since else 0.0

    @contextmanager
    def tail(self, client: Client, organization_id: str) -> Iterator[Tail]:
        """Yield the organization's tail, shared by all who hold it; the last one to leave lets it go."""
        tail = self._tails.get(organization_id)
        if tail is None:
            tail = self._tails[organization_id] = Tail(client, organization_id, self._admit)
            tail.wake()
        tail.held += 1
        if self._polling is None:
            # Whoever comes first starts it for everybody, so it must not inherit anything of theirs.
            self._polling = asyncio.get_running_loop().create_task(self._poll(client), context=contextvars.Context())
        try:
            yield tail
        finally:
            tail.held -= 1
            if not tail.held:
                del self._tails[organization_id]
                tail.close()
            if not self._tails and self._polling is not None:
                self._polling.cancel()
                self._polling = None

    @contextmanager
    def listening(self, bell: asyncio.Event) -> Iterator[None]:
        """Set `bell` whenever there may be news of any organization."""
        self._everywhere.add(bell)
        try:
            yield
        finally:
            self._everywhere.discard(bell)

    def _ring_everywhere(self) -> None:
        for bell in self._everywhere:
            bell.set()

    async def _admit(self, organization_id: str, events: Sequence[log.Event]) -> None:
        await self.admit(organization_id, events)

    async def _poll(self, client: Client) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            followed = sorted(self._tails)
            for start in range(0, len(followed), ASKED_AT_ONCE_MAX):
                try:
                    heads = await log.heads(client, followed[start : start + ASKED_AT_ONCE_MAX])
                except Exception as fault:  # the database is away; what was missed is found when it is back
                    _log.warning("the newest events could not be asked for", exc_info=fault)
                    break
                for organization_id, head in heads.items():
                    tail = self._tails.get(organization_id)
                    if tail is not None and (tail.head is None or tail.head < head):
                        tail.wake()
