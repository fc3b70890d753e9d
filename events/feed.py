"""How does a subscriber get everything since its cursor, and then whatever comes?

From the log, always: the feed reads what follows its cursor, and when there is nothing more it waits to be woken. A
writer in another process wakes nobody here, so the feed also looks once a second.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection

from events.hub import Hub
from models import events as log
from models.sql import Client

BATCH = 200
POLL_SECONDS = 1.0


async def follow(
    client: Client, hub: Hub, organization_id: str, *, after: int, kinds: Collection[str] | None = None
) -> AsyncGenerator[log.Event, None]:
    """Yield every event after number `after`, of some kinds or of all, in order, without end."""
    cursor = after
    with hub.waiting(organization_id) as bell:
        while True:
            bell.clear()
            batch = await log.after(client, organization_id, cursor, limit=BATCH)
            for event in batch:
                cursor = event.sequence
                if kinds is None or event.kind in kinds:
                    yield event
            if len(batch) < BATCH:
                await _rest(bell)


async def _rest(bell: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(POLL_SECONDS):
            await bell.wait()
    except TimeoutError:
        pass
