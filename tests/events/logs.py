"""A log to follow: an organization whose events are written one by one, without a service in between."""

from dataclasses import dataclass
from typing import Any

from events.feed import Feed, Joins, Told, alone
from events.hub import Hub
from models import events as log
from models.database import Database
from models.sql import Client
from tests.services.books import START, books

_READS = "FROM events"


@dataclass(slots=True)
class Log:
    """An organization's log, and the hub of the process that writes it."""

    database: Database
    organization_id: str
    hub: Hub

    async def write(self, *kinds: str, wake: bool = True) -> int:
        """Append events of these kinds in one transaction and return the last number."""

        async def append(client: Client) -> int:
            events = [log.NewEvent(kind, 1, {"kind": kind}) for kind in kinds]
            return await log.append(
                client, self.organization_id, events, at=START, actor="system", request_id="request"
            )

        last = await self.database.runner.run(append, lane=self.organization_id)
        if wake:
            self.hub.wake(self.organization_id)
        return last

    async def head(self) -> int:
        """Return the number of the newest event."""
        return await log.head(self.database.reader, self.organization_id)

    def feed(self, *kinds: str, joins: Joins = alone, pause_seconds: float = 0.0, client: Any = None) -> Feed:
        """Return a feed of some kinds of events."""
        return Feed(
            self.hub,
            client or self.database.reader,
            self.organization_id,
            lambda event: event.kind in kinds,
            joins,
            pause_seconds,
        )


class Reads:
    """Counts how often the log itself is read."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def fetch(self, query: str, values: Any) -> Any:
        """Count a read of events, and read."""
        self.count += _READS in query
        return await self._client.fetch(query, values)  # type: ignore[attr-defined]  # every reader of ours does


async def a_log(database: Database, *, poll_seconds: float = 1.0) -> Log:
    """Return the log of a new organization, and a hub."""
    opened = await books(database)
    return Log(database, opened.organization_id, Hub(poll_seconds=poll_seconds))


def kinds(told: Told) -> list[str]:
    """Return what was told at once."""
    return [event.kind for event in told.events]
