"""How is the graph followed over WebSocket?

graphql-transport-ws, complete: queries, mutations and subscriptions, many at once. One task reads, one writes, one
runs each operation. What an operation sends waits in a short queue, so a slow reader slows its sources down instead
of filling our memory. The socket ends when its caller's proof of identity does.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import aclosing, suppress

import structlog
from graphql import ExecutionResult
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from api import json_codec, ws_frames
from api.answers import answer, has_data
from api.callers import Authenticate, OpenContext, Visit, require_origin, seconds_until
from api.execution import Operations, Refused
from api.middleware import request_id
from api.settings import Limits, Settings
from api.ws_frames import Close
from schema.errors import ErrorCode, GraphError, as_graphql

SUBPROTOCOL = "graphql-transport-ws"
CLOSING_SECONDS_MAX = 2.0

_Connect = Callable[[WebSocket, Mapping[str, object]], Awaitable[Visit]]

_log = structlog.get_logger(__name__)


class GraphQLOverWebSocket:
    """The ASGI application at `/graphql`, for WebSocket."""

    def __init__(
        self, operations: Operations, *, settings: Settings, authenticate: Authenticate, open_context: OpenContext
    ) -> None:
        self._operations = operations
        self._settings = settings
        self._authenticate = authenticate
        self._open_context = open_context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket until it closes."""
        websocket = WebSocket(scope, receive, send)
        try:
            require_origin(websocket, self._settings.trusted_origins)
        except GraphError:
            await websocket.close()  # before accepting: the handshake is refused with 403
            return
        is_spoken = SUBPROTOCOL in websocket.scope["subprotocols"]
        await websocket.accept(SUBPROTOCOL if is_spoken else None)
        session = _Session(websocket, self._operations, self._settings.limits, self._connect)
        try:
            if not is_spoken:
                raise Close(4406, "Subprotocol not acceptable")
            await session.serve()
        except Close as closing:
            _log.info("socket closed", code=closing.code, reason=closing.reason)
            with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):  # it may have gone, or not be reading
                async with asyncio.timeout(CLOSING_SECONDS_MAX):
                    await websocket.close(closing.code, closing.reason)
        except WebSocketDisconnect as leaving:
            _log.info("socket left", code=leaving.code)

    async def _connect(self, websocket: WebSocket, payload: Mapping[str, object]) -> Visit:
        """Return who introduced themselves, or raise `Close`."""
        try:
            caller = await self._authenticate(websocket, payload)
        except GraphError as fault:
            raise Close(4403, fault.message) from fault
        except Exception as fault:
            _log.error("authentication failed unexpectedly", exc_info=fault)
            raise Close(4500, "Internal server error") from fault
        if caller is None:
            raise Close(4403, "Sign in first")
        return Visit(websocket, caller, self._open_context, request_id(websocket.scope))


class _Session:
    """One socket: what was introduced, what runs, and what waits to be sent."""

    def __init__(self, websocket: WebSocket, operations: Operations, limits: Limits, connect: _Connect) -> None:
        self._websocket = websocket
        self._operations = operations
        self._limits = limits
        self._connect = connect
        self._visit: Visit | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue(limits.socket_queue_max)

    async def serve(self) -> None:
        """Serve until somebody ends it, then raise the reason; leave no task behind."""
        reading, writing = self._start(self._read()), self._start(self._write())
        try:
            ended, _ = await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
            (reading if reading in ended else writing).result()
        finally:
            # Both may have ended at once, each with its own error: the second must be retrieved too.
            tasks = {reading, writing, *self._tasks}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(self._limits.socket_init_seconds_max):
                while self._visit is None:
                    await self._handle_before_init(await self._next())
        except TimeoutError as error:
            raise Close(4408, "Connection initialisation timeout") from error
        try:
            async with asyncio.timeout(seconds_until(self._visit.expires_at)):
                await self._send({"type": "connection_ack"})
                while True:
                    await self._handle(await self._next(), self._visit)
        except TimeoutError as error:
            raise Close(4403, "The session or token has expired") from error

    async def _next(self) -> ws_frames.Frame:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005), message.get("reason"))
        return ws_frames.read(message.get("text"), depth_max=self._limits.json_depth_max)

    async def _handle_before_init(self, frame: ws_frames.Frame) -> None:
        match frame:
            case ws_frames.Init(payload):
                self._visit = await self._connect(self._websocket, payload)
            case ws_frames.Subscribe():
                raise Close(4401, "Unauthorized")
            case ws_frames.Ping(payload):
                await self._pong(payload)
            case ws_frames.Pong() | ws_frames.Complete():
                pass

    async def _handle(self, frame: ws_frames.Frame, visit: Visit) -> None:
        match frame:
            case ws_frames.Init():
                raise Close(4429, "Too many initialisation requests")
            case ws_frames.Subscribe(identity) if identity in self._running:
                raise Close(4409, f"Subscriber for {identity} already exists")
            case ws_frames.Subscribe() if len(self._running) >= self._limits.socket_operations_max:
                message = f"{len(self._running)} operations are open on this socket; complete one first."
                fault = as_graphql(GraphError(ErrorCode.OVERLOADED, message))
                await self._refuse(frame.id, ExecutionResult(None, [fault]), visit)
            case ws_frames.Subscribe(identity):
                self._running[identity] = self._start(self._operate(frame, visit))
            case ws_frames.Complete(identity):
                if (task := self._running.pop(identity, None)) is not None:
                    task.cancel()
            case ws_frames.Ping(payload):
                await self._pong(payload)
            case ws_frames.Pong():
                pass

    async def _operate(self, frame: ws_frames.Subscribe, visit: Visit) -> None:
        """Run one operation to its end and say so, unless the client said first that it does not care."""
        refused: ExecutionResult | None = None
        try:
            operation = self._operations.prepare(frame.request)
            _log.info("operation", operation=operation.name or operation.kind.value)
            async with aclosing(self._operations.stream(operation, visit)) as results:
                async for result in results:
                    if not has_data(result):
                        refused = result
                        break
                    await self._send({"id": frame.id, "type": "next", "payload": answer(result, visit.request_id)})
        except Refused as fault:
            refused = ExecutionResult(None, list(fault.errors))
        except Exception as fault:  # presented like every other fault: ours as they are, the unexpected masked
            refused = ExecutionResult(None, [as_graphql(fault)])
        # The id is free before the client can know: it may use it again at once.
        self._forget(frame.id)
        if refused is None:
            await self._send({"id": frame.id, "type": "complete"})
        else:
            await self._refuse(frame.id, refused, visit)

    def _forget(self, identity: str) -> None:
        if self._running.get(identity) is asyncio.current_task():
            del self._running[identity]

    async def _refuse(self, identity: str, result: ExecutionResult, visit: Visit) -> None:
        await self._send({"id": identity, "type": "error", "payload": answer(result, visit.request_id)["errors"]})

    async def _pong(self, payload: Mapping[str, object] | None) -> None:
        await self._send({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})

    async def _send(self, message: Mapping[str, object]) -> None:
        await self._outbox.put(json_codec.encode(message))

    async def _write(self) -> None:
        while True:
            text = await self._outbox.get()
            try:
                async with asyncio.timeout(self._limits.socket_stall_seconds_max):
                    await self._websocket.send_text(text.decode())
            except TimeoutError as error:
                raise Close(1013, "The reader has stalled") from error
