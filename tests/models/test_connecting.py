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
    loop = asyncio.get_running_loop()
    former = loop.get_exception_handler()
    loop.set_exception_handler(lambda _loop, context: heard.append(context))
    try:
        for steps in range(STEPS):
            connecting = asyncio.ensure_future(connected(database_url.replace("asyncpg://", "postgres://", 1)))
            for _ in range(steps):
                await asyncio.sleep(0)
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
        del connecting
        await (await connected(database_url.replace("asyncpg://", "postgres://", 1))).close()
        gc.collect()
        await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(former)

    assert heard == []
