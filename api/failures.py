"""Of several required fields that fail and would make the same place null, which one is told?

The one that stands first in the answer. graphql-core tells the one that happens to fail first, which depends on how
long statements take: the same question would have one answer today and another tomorrow.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any

from graphql.execution import executor


async def gathered(*awaitables: Awaitable[Any]) -> list[Any]:
    """Return what all come to; raise what the first of those that fail raises, and leave those behind it."""
    tasks = [asyncio.ensure_future(each) for each in awaitables]
    try:
        return await asyncio.gather(*tasks)
    except Exception:
        try:
            for task in tasks:
                await task
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        raise


def tell_the_first() -> None:
    """Let graphql-core wait for the fields of an object, and for the items of a list, in this way."""
    executor.gather_with_cancel = gathered  # type: ignore[attr-defined]  # what it imports and calls for both
