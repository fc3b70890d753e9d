"""What has just happened in one organization, read once for everybody in this process?

A tail reads the log forward and remembers a bounded stretch of it. Followers take from there what they have not seen;
one who is further behind reads the log itself until the tail remembers what comes next. A tail that fails to read
stays where it is and tries again at the next wake-up, so nothing is ever stepped over.
"""

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import structlog

from models import events as log
from models.sql import Client

BATCH = 500
EVENTS_REMEMBERED_MAX = 1_000
LENGTH_REMEMBERED_MAX = 1 << 19  # of payloads, in characters

Wants = Callable[[log.Event], bool]
_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Follower:
    """Somebody who has seen everything up to `position`, and what they want to hear of."""

    position: int
    wants: Wants
    bell: asyncio.Future[None] | None = None


class Tail:
    """The newest events of one organization."""

    def __init__(
        self,
        client: Client,
        organization_id: str,
        admit: Callable[[str, Sequence[log.Event]], Awaitable[None]],
    ) -> None:
        self.head: int | None = None
        """The number of the newest event read; None until the log was looked at."""
        self.held = 0
        self._client = client
        self._organization_id = organization_id
        self._admit = admit
        self._recent: deque[log.Event] = deque()
        self._length = 0
        self._resting: set[Follower] = set()
        self._reading: asyncio.Task[None] | None = None
        self._is_stale = False
        self._announced_at: float | None = None

    @property
    def waiting_since(self) -> float | None:
        """When the oldest news that has not been read yet was announced, on the monotonic clock; None without any."""
        return self._announced_at

    def wake(self) -> None:
        """Read what is new; one reading at a time, and another one after it where this came in between."""
        self._is_stale = True
        if self._announced_at is None:
            self._announced_at = time.monotonic()
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self._read(), context=contextvars.Context())

    def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()

    async def next(self, follower: Follower) -> list[log.Event]:
        """Return some of the events that follow the follower's position, waiting until it wants one of them."""
        while True:
            if self.head is not None and follower.position < self.head:
                # Never more than the tail itself has read: what is newer was not admitted yet.
                head = self.head
                return [event for event in await self.after(follower.position) if event.sequence <= head]
            await self._rest(follower)

    async def after(self, position: int) -> list[log.Event]:
        """Return some of the events that follow `position`, oldest first, from memory where it reaches back so far."""
        remembered = self._since(position)
        if remembered is not None:
            return remembered
        return await log.after(self._client, self._organization_id, position, limit=BATCH)

    def _since(self, position: int) -> list[log.Event] | None:
        """Return what is remembered from there on, or None where that is nothing or was forgotten."""
        skipped = position + 1 - self._recent[0].sequence if self._recent else -1
        return list(islice(self._recent, skipped, skipped + BATCH)) or None if skipped >= 0 else None

    async def _rest(self, follower: Follower) -> None:
        follower.bell = asyncio.get_running_loop().create_future()
        self._resting.add(follower)
        try:
            await follower.bell
        finally:
            self._resting.discard(follower)
            follower.bell = None

    async def _read(self) -> None:
        try:
            while self._is_stale:
                self._is_stale = False
                await self._step()
            self._announced_at = None
        except Exception as fault:  # the database is away; the next wake-up, at most a second later, tries again
            _log.warning("the log could not be read", organization=self._organization_id, exc_info=fault)
        finally:
            self._reading = None

    async def _step(self) -> None:
        if self.head is None:
            self.head = await log.head(self._client, self._organization_id)
            self._ring(())
            return
        found = await log.after(self._client, self._organization_id, self.head, limit=BATCH)
        if not found:
            return
        await self._admit(self._organization_id, found)
        self._remember(found)
        self._ring(found)
        self._is_stale = self._is_stale or len(found) == BATCH

    def _remember(self, events: Sequence[log.Event]) -> None:
        self.head = events[-1].sequence
        self._recent.extend(events)
        self._length += sum(len(event.payload) for event in events)
        while len(self._recent) > EVENTS_REMEMBERED_MAX or (
            len(self._recent) > 1 and self._length > LENGTH_REMEMBERED_MAX
        ):
            self._length -= len(self._recent.popleft().payload)

    def _ring(self, events: Sequence[log.Event]) -> None:
        """Wake those who want one of the events, or who have more to read; the others have seen them by this."""
        assert self.head is not None, "the log was looked at"
        for follower in tuple(self._resting):
            assert follower.bell is not None, "whoever rests can be woken"
            unseen = follower.position < self.head - len(events)
            if not unseen and not any(follower.wants(event) for event in events if event.sequence > follower.position):
                follower.position = max(follower.position, self.head)
            elif not follower.bell.done():
                follower.bell.set_result(None)
