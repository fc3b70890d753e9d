"""What does a reader cost who stops reading while thousands of events happen?

    python -m benchmarks.stalls --events 20000 [--database postgres://…]

The whole house serves in a process of its own. First so many events happen while nobody listens, which is what writing
them costs; then as many again while a subscriber is connected who reads nothing. What the process occupies is looked
at all the while. Then the reader reads on: it must get every event, in order and without a gap, from the log. A reader
that is cut because it stalled for too long comes back with its last cursor, as clients do.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import websockets
from websockets.typing import Subprotocol

from api import server
from api.house import now
from benchmarks import databases
from benchmarks.stage import Stage, serve, started
from models import events as log
from models.sql import Client
from schema import cursors

DOCUMENT = """subscription Hear($id: ID!, $after: String) { organizationEvents(organizationId: $id, after: $after) {
    cursor event { sequence kind } } }"""
BATCH = 500
QUIET_SECONDS_MAX = 60.0
GROWTH_MIB_MAX = 16.0
LOOK_SECONDS = 0.05


def resident_mib(pid: int) -> float:
    """Return the memory a process really occupies."""
    text = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS")) / 1024


@dataclass(slots=True)
class Reader:
    """A subscriber who reads when it is told to, and what it has read."""

    port: int
    token: str
    organization: str
    cursor: str
    numbers: list[int]
    cuts: int = 0

    async def open(self) -> websockets.ClientConnection:
        """Connect and ask for everything after the cursor."""
        socket = await websockets.connect(
            f"ws://127.0.0.1:{self.port}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")], max_queue=1
        )
        payload = {"Authorization": f"Bearer {self.token}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        asked = {"query": DOCUMENT, "variables": {"id": self.organization, "after": self.cursor}}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": asked}))
        return socket

    async def read(self, socket: websockets.ClientConnection, count: int) -> None:
        """Read so many events, coming back where the connection is cut."""
        while len(self.numbers) < count:
            try:
                async with asyncio.timeout(QUIET_SECONDS_MAX):
                    message = json.loads(await socket.recv())
            except websockets.ConnectionClosed:
                self.cuts += 1
                socket = await self.open()
                continue
            assert message["type"] == "next", message
            told = message["payload"]["data"]["organizationEvents"]
            self.cursor = told["cursor"]
            self.numbers.append(int(told["event"]["sequence"]))
        await socket.close()


async def happening(process: Any) -> tuple[float, int, str]:
    """Let the events happen; return how much the process grew at most, the last number before, and the last cursor."""
    before = highest = resident_mib(process.pid)
    process.stdin.write("go\n")
    process.stdin.flush()
    done = asyncio.ensure_future(asyncio.to_thread(process.stdout.readline))
    while not done.done():  # memory has no event to wait for
        await asyncio.sleep(LOOK_SECONDS)
        highest = max(highest, resident_mib(process.pid))
    head, cursor = json.loads(await done)
    return highest - before, head, cursor


async def run(options: argparse.Namespace) -> int:
    """Stall, read on, and print what became of it; return 1 when a promise was broken."""
    count = options.events
    with tempfile.TemporaryDirectory() as folder:
        command = (sys.executable, "-m", "benchmarks.stalls", "--serve", folder, "--events", str(count))
        async with (
            databases.empty(options.database) as url,
            started(*command, "--database", url, cwd=Path(__file__).parents[1]) as (process, facts),
        ):
            (stage,) = facts["organizations"]
            alone, _, cursor = await happening(process)
            reader = Reader(facts["port"], facts["token"], stage["id"], cursor, [])
            socket = await reader.open()
            await asyncio.sleep(1)
            stalled, head, _ = await happening(process)
            began = time.perf_counter()
            await reader.read(socket, count)
            seconds = time.perf_counter() - began
    is_whole = reader.numbers == list(range(head + 1, head + 1 + count))
    print(f"{count} events on {databases.dialect_of(options.database)} while a subscriber reads nothing")  # noqa: T201
    print(f"  the process grew by           {alone:.1f} MiB with nobody, {stalled:.1f} MiB with the reader")  # noqa: T201
    print(f"  read afterwards               {len(reader.numbers)}, {'in order' if is_whole else 'NOT AS THEY CAME'}")  # noqa: T201
    print(f"  resumed from the log          in {seconds:.1f} s, cut off {reader.cuts} times")  # noqa: T201
    return int(not is_whole or stalled > GROWTH_MIB_MAX)


async def produce(stages: Sequence[Stage], count: int) -> None:
    """Let events happen whenever that is asked for, and print the last number before and the last cursor after."""
    (stage,) = stages
    while await asyncio.to_thread(sys.stdin.readline):
        head = await log.head(stage.reader, stage.organization_id)
        for _ in range(count // BATCH):
            await stage.dispatcher.runner.run(_append(stage), lane=stage.organization_id)
            stage.dispatcher.hub.wake(stage.organization_id)
        cursor = cursors.encode(cursors.EVENTS, stage.organization_id, str(head + count))
        print(json.dumps([head, cursor]), flush=True)  # noqa: T201  # for the process above


def _append(stage: Stage) -> Any:
    async def append(client: Client) -> None:
        happened = [log.NewEvent("Happened", 1, {"number": number}) for number in range(BATCH)]
        await log.append(client, stage.organization_id, happened, at=now(), actor="system", request_id="bench")

    return append


def main(arguments: list[str]) -> int:
    """Serve, where this process was started for that, or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--database", default=databases.SQLITE, help="`sqlite`, or the URL of a PostgreSQL server.")
    parser.add_argument("--serve", default="", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        server.run(
            serve(
                options.database,
                Path(options.serve),
                members=1,
                beside=lambda stages: produce(stages, options.events),
            )
        )
        return 0
    return asyncio.run(run(options))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
