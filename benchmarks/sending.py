"""How is noise sent, and how are operations that nobody would write?

Within this process, as the doors read it, and over real sockets. What came back is told to the findings.
"""

import asyncio
import json
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import httpx2
import websockets
from websockets.typing import Subprotocol

from api import json_codec, ws_frames
from api.execution import Operations
from api.graph_requests import GraphRequest
from api.operations import Refused
from api.settings import Limits
from benchmarks import noise
from benchmarks.author import Author
from benchmarks.findings import HANG_SECONDS, Findings
from resolvers.roots import schema
from schema.errors import GraphError, as_graphql

AT_ONCE: Final = 2
SECONDS_MAX: Final = 30.0
_JSON: Final = {"content-type": "application/json"}
KNOWN: Final = """{ organization(slug: "pooled") { id
    members(first: 5) { nodes { id } } invoices(first: 3) { nodes { id } } auditEvents(first: 3) { nodes { id } } } }"""
Ask = Callable[[dict[str, Any]], Awaitable[None]]


def bodies_within(count: int, dice: random.Random, found: Findings) -> None:
    """Read so many bodies as the door does."""
    operations, good = Operations(schema, Limits()), noise.requests(noise.DOCUMENTS)
    for _ in range(count):
        body, start = noise.noisy(dice, good), time.process_time()
        try:
            operations.prepare(GraphRequest.of(json_codec.decode(body)), is_known=False)
            said = "prepared"
        except json_codec.InvalidJson as fault:
            said = str(fault)
        except GraphError as fault:
            said = found.presented([as_graphql(fault)])
        except Refused as refused:
            said = found.presented(list(refused.errors))
        found.note("bodies, within", said, time.process_time() - start)


def frames_within(count: int, dice: random.Random, found: Findings) -> None:
    """Read so many frames as a session does."""
    good = noise.frames(noise.DOCUMENTS)
    for _ in range(count):
        frame, start = noise.noisy(dice, good).decode(errors="surrogateescape"), time.process_time()
        try:
            ws_frames.read(frame, depth_max=64)
            said = "read"
        except ws_frames.Close as closing:
            said = f"{closing.code} {closing.reason}"
        found.note("frames, within", said, time.process_time() - start)


async def bodies_over_http(client: httpx2.AsyncClient, count: int, dice: random.Random, found: Findings) -> None:
    """Send so many bodies to a server."""
    good, left = noise.requests(noise.DOCUMENTS), iter(range(count))

    async def send() -> None:
        for _ in left:
            body = noise.noisy(dice, good)
            send_it = partial(client.post, "/graphql", content=body, headers=_JSON)
            response, seconds = await _timed(send_it, found)
            found.responded("bodies, over HTTP", response.status_code, response.text, seconds)

    await asyncio.gather(*(send() for _ in range(AT_ONCE)))


async def frames_over_sockets(origin: str, token: str, count: int, dice: random.Random, found: Findings) -> None:
    """Send so many frames to a server, over each socket as many as it lets us."""
    good, sent = noise.frames(noise.DOCUMENTS), 0
    address = f"{origin.replace('http', 'ws', 1)}/graphql"
    while sent < count:
        start, queued = time.perf_counter(), found.queued_seconds()
        async with websockets.connect(address, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
            try:
                if dice.random() < 0.8:
                    payload = {"Authorization": f"Bearer {token}"}
                    await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
                for _ in range(dice.randint(1, 20)):
                    frame = noise.noisy(dice, good)
                    await socket.send(frame.decode(errors="replace") if dice.random() < 0.95 else frame)
                    sent += 1
                await socket.send("{")  # closes with 4400, where nothing before did
                async with asyncio.timeout(SECONDS_MAX):
                    async for message in socket:
                        found.heard("frames, over sockets", str(message))
            except websockets.ConnectionClosed:
                pass
        seconds = time.perf_counter() - start - (found.queued_seconds() - queued)
        found.closed("frames, over sockets", socket.close_code, socket.close_reason or "", seconds)
    found.sent["frames, over sockets"] += sent


async def operations(ask: Ask, known: list[str], count: int, seed_: int) -> None:
    """Ask so many valid questions and give so many valid commands, half and half."""
    organization_id = next(each for each in known if each.startswith("org_"))
    own = {"organizationId": organization_id, "id": organization_id}
    author = Author(schema._schema, known, random.Random(seed_), own)  # noqa: S311  # repeated, not guarded
    left = iter(range(count))

    async def send() -> None:
        for number in left:
            await ask(author.question() if number % 2 else author.command())

    await asyncio.gather(*(send() for _ in range(AT_ONCE)))


async def operations_over(client: httpx2.AsyncClient, what: str, count: int, seed_: int, found: Findings) -> None:
    """Send operations to whatever a client leads to."""
    answer = (await client.post("/graphql", json={"query": KNOWN})).json()
    assert "errors" not in answer, answer
    known = sorted(set(_ids(answer)))

    async def ask(asked: dict[str, Any]) -> None:
        response, seconds = await _timed(lambda: client.post("/graphql", json=_under_a_new_key(asked)), found)
        found.responded(what, response.status_code, response.text, seconds, of=asked)

    await operations(ask, known, count, seed_)


async def _timed(send: Callable[[], Awaitable[httpx2.Response]], found: Findings) -> tuple[httpx2.Response, float]:
    """Send, and once more where that took long: what hangs, hangs again, and a machine that was busy does not."""
    response, seconds = await _once(send, found)
    if seconds <= HANG_SECONDS:
        return response, seconds
    found.slow_once += 1
    return await _once(send, found)


async def _once(send: Callable[[], Awaitable[httpx2.Response]], found: Findings) -> tuple[httpx2.Response, float]:
    """Send, and return the answer with the time it took, without what was spent waiting for a processor."""
    start, queued = time.perf_counter(), found.queued_seconds()
    response = await send()
    return response, max(0.0, time.perf_counter() - start - (found.queued_seconds() - queued))


def _under_a_new_key(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the operation under a key of its own, so that the work is done each time; an empty key stays one."""
    variables = {
        name: {**value, "idempotencyKey": f"{value['idempotencyKey']}{secrets.token_hex(8)}"}
        if isinstance(value, dict) and value.get("idempotencyKey")
        else value
        for name, value in asked["variables"].items()
    }
    return {**asked, "variables": variables}


def _ids(answer: Any) -> list[str]:
    if isinstance(answer, dict):
        own = [answer["id"]] if isinstance(answer.get("id"), str) else []
        return own + [each for value in answer.values() for each in _ids(value)]
    return [each for value in answer for each in _ids(value)] if isinstance(answer, list) else []
