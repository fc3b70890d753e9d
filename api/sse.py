"""How is the graph followed over server-sent events?

The distinct-connections mode of graphql-sse, on a path of its own: one request, one operation, one stream of `next`
events and a `complete`. Nothing here depends on the word `text/event-stream` standing somewhere in an Accept header.
A request that cannot be executed gets a plain HTTP answer with its status, before any stream begins.

Each piece of news carries its cursor as the event's id. A browser that lost its stream sends the last one back by
itself, and goes on from there.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from datetime import datetime

from graphql import ExecutionResult
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import json_codec, media_types
from api.answers import answer
from api.callers import Visit, seconds_until
from api.draining import Drain
from api.execution import Subscription
from api.following import Answered
from api.graphql_http import JSON, HttpDoor, failure
from api.headers import Request
from api.middleware import request_id
from api.operations import Refused
from api.watch import Watch
from schema.errors import ErrorCode, GraphError

EVENT_STREAM = "text/event-stream"
HEARTBEAT_SECONDS = 12.0
WAITING_MAX = 16
CLOSING_SECONDS_MAX = 2.0

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class GraphQLOverEvents:
    """The ASGI application at `/graphql/stream`."""

    def __init__(self, door: HttpDoor, watch: Watch, drain: Drain) -> None:
        self._door = door
        self._watch = watch
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._respond(request)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> ASGIApp:
        identity = request_id(request.scope)
        try:
            self._drain.require_open()
            if media_types.chosen(request.headers.get("accept") or "*/*", (EVENT_STREAM,)) is None:
                raise GraphError(ErrorCode.NOT_ACCEPTABLE, f"Accept {EVENT_STREAM}.")
            operation, visit = await self._door.enter(request)
            sink = _Sink(identity)
            opened = await self._door.operations.open(operation, visit, sink)
        except Refused as refused:
            # Clients of this protocol read no error body, so a faulty document is told as an event.
            return _EventStream(_alone(ExecutionResult(None, list(refused.errors)), identity), self._drain)
        except Exception as fault:  # presented like every other fault: ours as they are, the unexpected masked
            return failure(fault, JSON, request)
        if isinstance(opened, Subscription):
            stream = _EventStream(sink.chunks(), self._drain, expires_at=visit.expires_at)
            stream.follow(opened, visit, self._watch)
            return stream
        return _EventStream(_answers(opened, identity), self._drain, expires_at=visit.expires_at)


class _EventStream:
    """A response that lasts as long as its operation, its reader, its reader's proof of identity and this process."""

    def __init__(
        self,
        chunks: AsyncGenerator[bytes, None],
        drain: Drain,
        *,
        expires_at: datetime | None = None,
    ) -> None:
        self._chunks = chunks
        self._expires_at = expires_at
        self._drain = drain
        self._is_over = asyncio.Event()
        self._followed: tuple[Subscription, Visit, Watch] | None = None

    def follow(self, subscription: Subscription, visit: Visit, watch: Watch) -> None:
        """Look after a subscription and its caller for as long as the response lasts."""
        self._followed = subscription, visit, watch
        watch.add(self)

    @property
    def visit(self) -> Visit:
        """Who reads the stream."""
        assert self._followed is not None, "only news is watched"
        return self._followed[1]

    async def changed(self, visit: Visit) -> None:
        """Go on as who the reader is now."""
        assert self._followed is not None, "only news is watched"
        subscription, _, watch = self._followed
        self._followed = subscription, visit, watch
        await subscription.renew(visit)

    def ended(self, _fault: GraphError) -> None:
        """End, because the reader's proof of identity holds no longer."""
        assert self._followed is not None, "only news is watched"
        self._followed[0].cancel()
        self._is_over.set()

    def leave(self) -> None:
        """End, because the process is about to stop; whoever reads goes on elsewhere from the last cursor."""
        self._is_over.set()

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until one of them ends."""
        try:
            with self._drain.stay(self, self._drain.streams):
                await self._respond(receive, send)
        finally:
            if self._followed is not None:
                subscription, _, watch = self._followed
                watch.discard(self)
                subscription.cancel()

    async def _respond(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        sending = asyncio.create_task(self._send_events(send))
        others = (
            _left(receive),
            _send_heartbeats(send),
            self._is_over.wait(),
            _expired(self._expires_at),
        )
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
        async with aclosing(self._chunks) as chunks:
            async for chunk in chunks:
                await send(_chunk(chunk))
        await send({"type": "http.response.body", "body": b"event: complete\ndata:\n\n", "more_body": False})


class _Sink:
    """Where news waits for the one who sends it: a few messages, and no more until they are gone."""

    def __init__(self, identity: str) -> None:
        self._identity = identity
        self._waiting: deque[bytes | None] = deque()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()

    @property
    def is_ready(self) -> bool:
        """Whether the reader keeps up."""
        return len(self._waiting) < WAITING_MAX

    def push(self, answered: Answered) -> None:
        """Send a message, with its cursor as the event's id."""
        self._put(b"id: %b\n%b" % (answered.cursor.encode(), _next(answered.payload(self._identity))))

    async def drained(self) -> None:
        """Return when the reader has caught up."""
        while not self.is_ready:
            self._emptied.clear()
            await self._emptied.wait()

    def end(self, refused: ExecutionResult) -> None:
        """Say why nothing more will come."""
        self._put(_next(json_codec.encode(answer(refused, self._identity))))
        self._put(None)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield what is to be sent, until the end is said."""
        while True:
            while self._waiting:
                chunk = self._waiting.popleft()
                if chunk is None:
                    return
                yield chunk
            self._emptied.set()
            self._filled.clear()
            await self._filled.wait()

    def _put(self, chunk: bytes | None) -> None:
        self._waiting.append(chunk)
        self._filled.set()


def _next(payload: bytes) -> bytes:
    return b"event: next\ndata: " + payload + b"\n\n"


def _chunk(text: bytes) -> Message:
    return {"type": "http.response.body", "body": text, "more_body": True}


async def _alone(result: ExecutionResult, identity: str) -> AsyncGenerator[bytes, None]:
    yield _next(json_codec.encode(answer(result, identity)))


async def _answers(results: AsyncGenerator[ExecutionResult, None], identity: str) -> AsyncGenerator[bytes, None]:
    async with aclosing(results):
        async for result in results:
            yield _next(json_codec.encode(answer(result, identity)))


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
