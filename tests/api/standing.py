"""A process of its own that serves the small graph until it is told to stop. It prints its port once it listens."""

import asyncio
import sys

from api import logs
from api.settings import Settings
from tests.api.house import until_told

NOTICE_SECONDS, SECONDS_MAX = 0.6, 4.0


async def main() -> None:
    """Serve, and say where."""
    settings = Settings(port=0, drain_seconds=NOTICE_SECONDS, shutdown_seconds_max=SECONDS_MAX, log_level="critical")
    logs.configure(settings)
    async with until_told(settings) as port:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
