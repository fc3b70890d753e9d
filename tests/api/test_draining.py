"""A process that is told to stop tells its clients, answers what they asked, and ends in time."""

import asyncio
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
import pytest
import websockets
from websockets.typing import Subprotocol

from tests.api.house import House, serving
from tests.api.standing import SECONDS_MAX
from tests.api.test_graphql_ws import closing, hear, introduced, subscribe
from tests.api.test_sse import STREAM, events

PAY = "mutation { pay(seconds: 0.9) }"
FOREVER = "subscription { count(to: 1000, pause: 0.01) }"


@dataclass(frozen=True)
class Standing:
    """A server in a process of its own."""

    process: asyncio.subprocess.Process
    house: House


@asynccontextmanager
async def standing() -> AsyncIterator[Standing]:
    command = (sys.executable, "-m", "tests.api.standing")
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            port = int(await process.stdout.readline())
        yield Standing(process, House(None, port, None))  # type: ignore[arg-type]  # they are in the other process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_answers_what_was_asked_refuses_what_is_new_and_ends() -> None:
    async with (
        standing() as ours,
        httpx2.AsyncClient(base_url=ours.house.url, timeout=10) as client,
        introduced(ours.house) as idle,
        introduced(ours.house) as busy,
    ):
        await subscribe(idle, "news", FOREVER)
        await subscribe(busy, "paying", PAY)
        streaming = asyncio.create_task(client.post("/graphql/stream", json={"query": FOREVER}, headers=STREAM))
        paying = asyncio.create_task(client.post("/graphql", json={"query": PAY}))
        await hear(idle)
        assert (await client.get("/readyz")).status_code == 200
        await asyncio.sleep(0.1)

        told_at = time.monotonic()
        ours.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.2)

        ready, alive = await client.get("/readyz"), await client.get("/livez")
        assert (ready.status_code, ready.json(), alive.status_code) == (503, {"serving": "failed"}, 200)
        assert (await client.post("/graphql", json={"query": "{ hello }"})).json()["data"] == {"hello": "hello world"}
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(ours.house.socket_url, subprotocols=[Subprotocol("graphql-transport-ws")])
        assert (refused.value.response.status_code, refused.value.response.headers["retry-after"]) == (503, "2")
        stream = await client.post("/graphql/stream", json={"query": FOREVER}, headers=STREAM)
        assert (stream.status_code, stream.json()["errors"][0]["extensions"]["code"]) == (503, "OVERLOADED")

        assert (await hear(busy))["payload"]["data"] == {"pay": "paid"}
        assert (await closing(busy))[0] == 1012
        assert (await closing(idle))[0] == 1012
        names = [name for name, _ in events((await streaming).text)]
        assert (set(names), "complete" in names) == ({"next"}, False)
        assert (await paying).json()["data"] == {"pay": "paid"}
        async with asyncio.timeout(SECONDS_MAX):
            assert await ours.process.wait() == 0
        assert time.monotonic() - told_at < SECONDS_MAX


async def test_waits_for_nobody_longer_than_was_agreed() -> None:
    async with serving(settings={"shutdown_seconds_max": 1}) as house, introduced(house) as socket:
        await subscribe(socket, "slow", "{ slow(seconds: 30) }")
        await asyncio.sleep(0.05)
        told_at = time.monotonic()
        house.server.should_exit = True

        assert (await closing(socket))[0] == 1012
        assert time.monotonic() - told_at < 2


async def test_takes_nothing_new_from_a_socket_that_is_about_to_close() -> None:
    async with serving() as house, introduced(house) as socket:
        await subscribe(socket, "first", "mutation { pay(seconds: 0.5) }")
        await asyncio.sleep(0.05)
        house.server.should_exit = True
        await asyncio.sleep(0.2)
        await subscribe(socket, "second", "mutation { pay }")

        refused, answered, over = [await hear(socket) for _ in range(3)]
        assert (refused["id"], refused["type"]) == ("second", "error")
        assert refused["payload"][0]["extensions"]["code"] == "OVERLOADED"
        assert (answered["payload"]["data"], over["type"]) == ({"pay": "paid"}, "complete")
        assert (await closing(socket))[0] == 1012
    assert house.notes.finished_mutations == 1
