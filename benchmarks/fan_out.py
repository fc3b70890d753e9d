"""How long until thousands of subscribers have one event, and what does each of them cost?

    python -m benchmarks.fan_out --subscribers 5000 --rounds 20 [--database postgres://…]

The whole house serves real WebSockets in one process; beside it, on the same machine and in the same run, serves a
minimal Node `graphql-ws` server, which keeps nothing and asks nobody's permission. One process follows both with the
same client and sets off one event after the other, turn by turn. A round is the time from the request that causes the
event, for us with its durable commit, until each subscriber has the whole message.

Needs Node and, once, `npm ci` in `benchmarks/peers`.
"""

import argparse
import asyncio
import json
import struct
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import uvloop

from benchmarks import databases
from benchmarks.stage import raise_file_limit, serve, started

PEERS = Path(__file__).parent / "peers"
DOCUMENT = """subscription Hear($id: ID!, $after: String) { limitApproaching(organizationId: $id, after: $after) {
    cursor dedupId alert { level subject threshold cap { amount currency } spent { amount currency }
        remaining { amount currency } } } }"""
USE = "mutation($input: RecordUsageInput!) { recordUsage(input: $input) { results { status } userErrors { message } } }"
HANDSHAKE = (
    "GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
CONNECTING_MAX = 100
ROUND_SECONDS_MAX = 60.0


@dataclass(slots=True)
class Crowd:
    """The subscribers of one server, and when each of them had the newest event."""

    size: int
    arrived: list[float] = field(default_factory=list)
    everybody: asyncio.Event = field(default_factory=asyncio.Event)
    lost: list[str] = field(default_factory=list)

    def expect(self) -> None:
        """Begin a round."""
        self.arrived.clear()
        self.everybody.clear()

    def arrive(self) -> None:
        """Note that one more has the event."""
        self.arrived.append(time.perf_counter())
        if len(self.arrived) == self.size:
            self.everybody.set()


class Subscriber(asyncio.Protocol):
    """As little as a client can be: it introduces itself, subscribes and notes when something comes."""

    __slots__ = ("_buffer", "_crowd", "_farewell", "_greeting", "_is_open", "_question", "_transport", "subscribed")

    def __init__(self, crowd: Crowd, greeting: bytes, question: bytes) -> None:
        self._crowd = crowd
        self._greeting = greeting
        self._question = question
        self._buffer = b""
        self._is_open = False
        self._farewell = "without a word"
        self.subscribed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        """Ask for a WebSocket."""
        self._transport = transport
        transport.write(HANDSHAKE.format(port=transport.get_extra_info("peername")[1]).encode())

    def connection_lost(self, exc: Exception | None) -> None:
        """Note a subscriber that was lost, and what was said of it."""
        reason = self._farewell if exc is None else f"{self._farewell}: {exc!r}"
        self._crowd.lost.append(reason)
        if not self.subscribed.done():
            self.subscribed.set_exception(ConnectionError(f"lost while subscribing, {reason}"))

    def data_received(self, data: bytes) -> None:
        """Read what has arrived."""
        buffer = self._buffer + data if self._buffer else data
        if not self._is_open:
            head, end, buffer = buffer.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._leave(f"with {head!r}")
                return
            self._is_open = True
            self._transport.write(masked(TEXT, self._greeting))
        while (frame := unframed(buffer)) is not None:
            opcode, payload, buffer = frame
            self._take(opcode, payload)
        self._buffer = buffer

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self._transport.write(masked(PONG, payload))
        elif opcode == TEXT and b'"next"' in payload and b'"errors"' not in payload:
            self._crowd.arrive()
        elif opcode == TEXT and b'"connection_ack"' in payload:
            # The answer to the ping proves that the question before it was read.
            self._transport.write(masked(TEXT, self._question) + masked(TEXT, b'{"type":"ping"}'))
        elif opcode == TEXT and b'"pong"' in payload:
            self.subscribed.set_result(None)
        elif opcode == CLOSE:
            self._leave(f"with code {int.from_bytes(payload[:2], 'big')}, {payload[2:].decode()!r}")
        else:
            self._leave(f"after frame {opcode}, {payload!r}")

    def _leave(self, farewell: str) -> None:
        self._farewell = farewell
        self._transport.close()


def masked(opcode: int, payload: bytes) -> bytes:
    """Return a frame as clients send it; the mask is zero, which every server must accept."""
    length = len(payload)
    if length < 126:
        return bytes((0x80 | opcode, 0x80 | length)) + bytes(4) + payload
    return bytes((0x80 | opcode, 0x80 | 126)) + struct.pack("!H", length) + bytes(4) + payload


def unframed(buffer: bytes) -> tuple[int, bytes, bytes] | None:
    """Return the first frame in `buffer`, its payload and the rest, or None while it is not whole."""
    if len(buffer) < 2:
        return None
    length, start = buffer[1] & 0x7F, 2
    if length == 126:
        if len(buffer) < 4:
            return None
        length, start = int.from_bytes(buffer[2:4], "big"), 4
    assert length < 1 << 16, "messages are short here"
    if len(buffer) < start + length:
        return None
    return buffer[0] & 0x0F, buffer[start : start + length], buffer[start + length :]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A running server and how to make it tell something."""

    name: str
    pid: int
    port: int
    token: str
    organization: str
    publish: Callable[[int], Awaitable[None]]
    crowd: Crowd

    def resident_bytes(self) -> int:
        """Return the memory the server really occupies."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return 1024 * next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))


async def connect(contestant: Contestant, size: int) -> None:
    """Let a crowd subscribe, some at a time."""
    loop = asyncio.get_running_loop()
    greeting = {"type": "connection_init", "payload": {"Authorization": f"Bearer {contestant.token}"}}
    asked = {"query": DOCUMENT, "variables": {"id": contestant.organization}, "operationName": "Hear"}
    gate = asyncio.Semaphore(CONNECTING_MAX)

    async def one(number: int) -> None:
        # Clients give their operations ids of their own choice, so no two frames are the same.
        question = {"id": f"{number:08x}-1c8a-4f6e-9a51-6b0d5f3b7e21", "type": "subscribe", "payload": asked}
        encoded = json.dumps(greeting).encode(), json.dumps(question).encode()
        async with gate:
            _, subscriber = await loop.create_connection(
                lambda: Subscriber(contestant.crowd, *encoded), "127.0.0.1", contestant.port
            )
            async with asyncio.timeout(ROUND_SECONDS_MAX):
                await subscriber.subscribed

    await asyncio.gather(*(one(number) for number in range(size)))


async def one_round(contestant: Contestant, number: int) -> list[float]:
    """Set off one event; return when each subscriber had it, in seconds, soonest first."""
    contestant.crowd.expect()
    started = time.perf_counter()
    await contestant.publish(number)
    async with asyncio.timeout(ROUND_SECONDS_MAX):
        await contestant.crowd.everybody.wait()
    lost = contestant.crowd.lost
    assert not lost, f"{contestant.name} lost {len(lost)} subscribers, the first {lost[0]}"
    return sorted(arrived - started for arrived in contestant.crowd.arrived)


@asynccontextmanager
async def ours(database: str, folder: str, *, rounds: int, size: int) -> AsyncIterator[Contestant]:
    """Yield the house, serving."""
    here = Path(__file__).parents[1]
    serving = (sys.executable, "-m", "benchmarks.fan_out", "--serve", folder, "--rounds", str(rounds))
    async with started(*serving, "--database", database, cwd=here) as (process, facts):
        (stage,) = facts["organizations"]
        origin, headers = f"http://127.0.0.1:{facts['port']}", {"authorization": f"Bearer {facts['token']}"}
        async with httpx2.AsyncClient(base_url=origin, headers=headers, timeout=60) as client:

            async def publish(number: int) -> None:
                used = {
                    "id": f"u{number}",
                    "memberId": stage["members"][number],
                    "meter": "tokens",
                    "model": "atlas",
                    "direction": "INPUT",
                    "quantity": "800000",
                    "occurredAt": datetime.now(UTC).isoformat(),
                }
                shared = {"organizationId": stage["id"], "idempotencyKey": f"round-{number}"}
                body = {"query": USE, "variables": {"input": {**shared, "events": [used]}}}
                answer = (await client.post("/graphql", json=body)).json()
                assert answer["data"]["recordUsage"]["results"] == [{"status": "RECORDED"}], answer

            yield Contestant("billgraph", process.pid, facts["port"], facts["token"], stage["id"], publish, Crowd(size))


@asynccontextmanager
async def theirs(*, size: int) -> AsyncIterator[Contestant]:
    """Yield the Node server, serving."""
    async with started("node", "fan_out.mjs", cwd=PEERS) as (process, facts), httpx2.AsyncClient(timeout=60) as client:

        async def publish(_number: int) -> None:
            (await client.post(f"http://127.0.0.1:{facts['port']}/publish")).raise_for_status()

        yield Contestant("graphql-ws", process.pid, facts["port"], "none", "acme", publish, Crowd(size))


async def run(options: argparse.Namespace) -> int:
    """Race, and print what was measured."""
    raise_file_limit()
    size, rounds = options.subscribers, options.rounds
    with tempfile.TemporaryDirectory() as folder:
        async with (
            databases.empty(options.database) as url,
            ours(url, folder, rounds=rounds + 1, size=size) as house,
            theirs(size=size) as node,
        ):
            racers = (house, node)
            costs: dict[str, float] = {}
            times: dict[str, list[list[float]]] = {}
            for racer in racers:
                await racer.publish(rounds)  # whatever is made at the first event is no subscriber's cost
                before = racer.resident_bytes()
                await connect(racer, size)
                await asyncio.sleep(1)
                costs[racer.name] = (racer.resident_bytes() - before) / size
                times[racer.name] = []
            for number in range(rounds):
                for racer in racers if number % 2 else reversed(racers):
                    times[racer.name].append(await one_round(racer, number))
                    await asyncio.sleep(0.1)
    print(f"{size} subscribers, {rounds} rounds each, turn by turn")  # noqa: T201
    print("                 KiB each   p50 ms   p99 ms   all ms (median of rounds)")  # noqa: T201
    for name, rows in times.items():
        shown = [1_000 * median(row[int(share * (size - 1))] for row in rows) for share in (0.5, 0.99, 1.0)]
        print(f"  {name:<12} {costs[name] / 1024:10.1f} {shown[0]:8.1f} {shown[1]:8.1f} {shown[2]:8.1f}")  # noqa: T201
    last = {name: median(row[-1] for row in rows) for name, rows in times.items()}
    print(f"  ratio of times  {last['billgraph'] / last['graphql-ws']:.2f}")  # noqa: T201
    print(f"  ratio of memory {costs['billgraph'] / costs['graphql-ws']:.2f}")  # noqa: T201
    return 0


def main(arguments: list[str]) -> int:
    """Serve, where this process was started for that, or race."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--database", default=databases.SQLITE, help="`sqlite`, or the URL of a PostgreSQL server.")
    parser.add_argument("--serve", default="", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if options.serve:
            runner.run(serve(options.database, Path(options.serve), members=options.rounds))
            return 0
        return runner.run(run(options))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
