"""How does a subscriber get everything since its cursor, and then whatever comes?

From the log, always. A feed follows the tail of its organization and tells what it wants of it, in order. Where events
come thick and fast, a feed may tell several that belong together as one and then pause: what comes in the meantime is
in the log, so a pause holds nothing that could be lost.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass

from events.hub import Hub
from events.tail import BATCH, Follower, Wants
from models import events as log
from models.sql import Client

Joins = Callable[[log.Event, log.Event], bool]


@dataclass(frozen=True, slots=True)
class Told:
    """What is told at once: one event, or several that belong together, oldest first."""

    events: tuple[log.Event, ...]

    @property
    def first(self) -> int:
        """The number of the first event told of."""
        return self.events[0].sequence

    @property
    def last(self) -> int:
        """The number of the last event told of: who has heard this goes on from there."""
        return self.events[-1].sequence


def alone(_before: log.Event, _event: log.Event) -> bool:
    """Tell each event by itself."""
    return False


@dataclass(frozen=True, slots=True)
class Feed:
    """What to follow in an organization's log, and how to tell it."""

    hub: Hub
    client: Client
    organization_id: str
    wants: Wants
    joins: Joins = alone
    pause_seconds: float = 0.0

    async def follow(self, after: int) -> AsyncGenerator[Told, None]:
        """Tell of every wanted event after number `after`, in order, without end."""
        with self.hub.tail(self.client, self.organization_id) as tail:
            follower = Follower(after, self.wants)
            while True:
                found = await tail.next(follower)
                follower.position = found[-1].sequence
                is_new = False
                for told in self._grouped(found):
                    is_new = True
                    yield told
                if is_new and self.pause_seconds and len(found) < BATCH:
                    await asyncio.sleep(self.pause_seconds)

    async def between(self, after: int, until: int) -> AsyncGenerator[Told, None]:
        """Tell of the wanted events after number `after` up to number `until`, which has happened already."""
        with self.hub.tail(self.client, self.organization_id) as tail:
            while after < until:
                found = [event for event in await tail.after(after) if event.sequence <= until]
                assert found, "the log has no gaps"
                after = found[-1].sequence
                for told in self._grouped(found):
                    yield told

    def _grouped(self, events: Sequence[log.Event]) -> list[Told]:
        groups: list[list[log.Event]] = []
        for event in events:
            if not self.wants(event):
                continue
            if groups and self.joins(groups[-1][-1], event):
                groups[-1].append(event)
            else:
                groups.append([event])
        return [Told(tuple(group)) for group in groups]
