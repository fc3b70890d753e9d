"""Whoever leaves while a connection begins leaves nothing behind."""

import asyncio
import gc

import pytest

from models.engines.connecting import connected
from tests.databases import on_postgres

STEPS = 30
"""More turns of the event loop than a connection takes to begin."""


@pytest.mark.skipif(not on_postgres(), reason="a file of SQLite is opened in one step")
async def test_leaving_at_any_step_of_connecting_goes_unnoticed(database_url: str) -> None:
    heard: list[object] = []
    loop, url = asyncio.get_running_loop(), database_url.replace("asyncpg://", "postgres://", 1)
    former, before = loop.get_exception_handler(), asyncio.all_tasks()
    loop.set_exception_handler(lambda _loop, context: heard.append(context))
    try:
        for steps in range(STEPS):
            connecting = asyncio.ensure_future(connected(url))
            for _ in range(steps):
                await asyncio.sleep(0)
            connecting.cancel()
            await asyncio.wait([connecting])
            if not connecting.cancelled():  # it was there already
                await connecting.result().close()
        del connecting
        await asyncio.gather(*(asyncio.all_tasks() - before), return_exceptions=True)  # what goes on to its end
        for _ in range(3):  # a connection that is let go of is closed in the turns after
            await asyncio.sleep(0)
        gc.collect()
        await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(former)

    assert heard == []
