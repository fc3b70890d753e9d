"""What serving runs on."""

import asyncio

import pytest

from api.server import run


def test_serves_on_the_fastest_loop_that_is_installed() -> None:
    uvloop = pytest.importorskip("uvloop")
    loops: list[asyncio.AbstractEventLoop] = []

    async def serving() -> None:
        loops.append(asyncio.get_running_loop())

    run(serving())

    assert isinstance(loops[0], uvloop.Loop)
