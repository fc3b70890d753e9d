"""Another process that writes: one event for each line it is told, answering with the instant of the commit."""

import asyncio
import sys
import time

from events.hub import Hub
from models.database import opened
from tests.events.logs import Log


async def main(url: str, organization_id: str) -> None:
    """Write until the input ends."""
    async with opened(url) as database:
        log = Log(database, organization_id, Hub())
        print("ready", flush=True)  # noqa: T201  # read by the test
        while await asyncio.to_thread(sys.stdin.readline):
            await log.write("A")
            print(time.time(), flush=True)  # noqa: T201  # read by the test


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
