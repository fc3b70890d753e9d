"""How is the graph followed over server-sent events?

The distinct-connections mode of graphql-sse, on a path of its own: one request, one operation, one stream of `next`
events and a `complete`. Nothing here depends on the word `text/event-stream` standing somewhere in an Accept header.
A request that cannot be executed gets a plain HTTP answer with its status, before any stream begins.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from datetime import datetime

from graphql import ExecutionResult
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import json_codec, media_types
from api.answers import answer
from api.callers import seconds_until
from api.execution import Refused
from api.graphql_http import JSON, HttpDoor, failure
from api.middleware import request_id
from schema.errors import ErrorCode, GraphError

EVENT_STREAM = "text/event-stream"
HEARTBEAT_SECONDS = 12.0
CLOSING_SECONDS_MAX = 2.0

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class GraphQLOverEvents:
    """The ASGI application at `/graphql/stream`."""

    def __init__(self, door: HttpDoor) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._respond(request)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> ASGIApp:
        identity = request_id(request.scope)
        closing = request.app.state.closing
        try:
            if media_types.chosen(request.headers.get("accept") or "*/*", (EVENT_STREAM,)) is None:
                raise GraphError(ErrorCode.NOT_ACCEPTABLE, f"Accept {EVENT_STREAM}.")
            operation, visit = await self._door.enter(request)
        except Refused as refused:
            # Clients of this protocol read no error body, so a faulty document is told as an event.
            return _EventStream(
                _one(ExecutionResult(None, list(refused.errors))), identity, expires_at=None, closing=closing
            )
        except Exception as fault:  # presented like every other fault: ours as they are, the unexpected masked
            return failure(fault, JSON, identity)
        results = self._door.operations.stream(operation, visit)
        return _EventStream(results, identity, expires_at=visit.expires_at, closing=closing)


class _EventStream:
    """A response that lasts as long as its operation, its reader, its reader's proof of identity and this process."""

    def __init__(
        self,
        results: AsyncGenerator[ExecutionResult, None],
        identity: str,
        *,
        expires_at: datetime | None,
        closing: asyncio.Event,
    ) -> None:
        self._results = results
        self._identity = identity
        self._expires_at = expires_at
        self._closing = closing

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until one of them ends."""
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        sending = asyncio.create_task(self._send_events(send))
        others = (_left(receive), _send_heartbeats(send), self._closing.wait(), _expired(self._expires_at))
        tasks = {sending, *(asyncio.ensure_future(other) for other in others)}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if not sending.cancelled():
            sending.result()
            return
        # Not complete: the stream just ends. A reader that comes back has to prove itself anew, to a new process.
        with suppress(TimeoutError):  # whoever does not read will not read this either
            async with asyncio.timeout(CLOSING_SECONDS_MAX):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_events(self, send: Send) -> None:
        async with aclosing(self._results) as results:
            async for result in results:
                payload = json_codec.encode(answer(result, self._identity))
                await send(_chunk(b"event: next\ndata: " + payload + b"\n\n"))
        await send({"type": "http.response.body", "body": b"event: complete\ndata:\n\n", "more_body": False})


def _chunk(text: bytes) -> Message:
    return {"type": "http.response.body", "body": text, "more_body": True}


async def _one(result: ExecutionResult) -> AsyncGenerator[ExecutionResult, None]:
    yield result


async def _send_heartbeats(send: Send) -> None:
    """Send a comment now and then: proxies cut silent connections, and a dead one is found by writing to it."""
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        await send(_chunk(b":\n\n"))


async def _expired(at: datetime | None) -> None:
    """Return at that instant, or never."""
    seconds = seconds_until(at)
    if seconds is None:
        await asyncio.Event().wait()
    else:
        await asyncio.sleep(seconds)


async def _left(receive: Receive) -> None:
    """Return when the reader has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
