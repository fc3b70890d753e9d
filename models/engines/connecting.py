"""How does a connection begin, when whoever wanted it may leave meanwhile?

Cancelled between two steps of connecting, asyncpg leaves a failure behind that nobody waits for, and the loop complains
of it long afterwards, in the middle of somebody else's work. So what was begun goes on to its end, and a connection
that nobody wants any more is closed.
"""

import asyncio
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it ships no types


async def connected(*arguments: Any, **options: Any) -> asyncpg.Connection:
    """Return a new connection, as `asyncpg.connect` does."""
    connecting = asyncio.ensure_future(asyncpg.connect(*arguments, **options))
    try:
        return await asyncio.shield(connecting)
    except asyncio.CancelledError:
        connecting.add_done_callback(_let_go)
        raise


def _let_go(connecting: "asyncio.Future[asyncpg.Connection]") -> None:
    if not connecting.cancelled() and connecting.exception() is None:
        connecting.result().terminate()
