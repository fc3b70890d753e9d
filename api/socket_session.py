"""What is said on one open WebSocket?

graphql-transport-ws, complete: queries, mutations and subscriptions, many at once. One task reads; an operation has
one while it is opened or answered, and a subscription on news has none: its messages are pushed. What a slow reader
does not take is not produced: sources wait, and news is read from the log later. The socket ends when its caller's
proof of identity does.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing

import structlog
from graphql import ExecutionResult, OperationType
from starlette.websockets import WebSocketDisconnect

from api import json_codec, ws_frames
from api.answers import answer, has_data
from api.callers import Visit, seconds_until
from api.draining import CLOSE_CODE, SAID
from api.execution import Operations, Subscription
from api.following import Answered
from api.observing import account_of, named
from api.operations import Refused
from api.pacing import WORTH_WAITING_BYTES
from api.push_socket import INTERRUPTED, PushSocket
from api.settings import Limits
from api.watch import Watch
from api.ws_frames import Close
from schema.errors import ErrorCode, GraphError, as_graphql

STALLED = "The reader has stalled"

Connect = Callable[[Mapping[str, object]], Awaitable[Visit]]
_log = structlog.get_logger(__name__)


class Session:
    """One socket: what was introduced, and what runs."""

    __slots__ = (
        "_connect", "_endless", "_is_leaving", "_limits", "_operations", "_running", "_socket", "_visit", "_watch",
    )  # fmt: skip

    def __init__(
        self, socket: PushSocket, operations: Operations, limits: Limits, watch: Watch, connect: Connect
    ) -> None:
        self._socket = socket
        self._operations = operations
        self._limits = limits
        self._watch = watch
        self._connect: Connect | None = connect
        self._visit: Visit | None = None
        self._is_leaving = False
        self._endless: set[str] = set()
        self._running: dict[str, asyncio.Task[None] | Subscription] = {}

    async def serve(self) -> None:
        """Serve until somebody ends it, then raise the reason; leave no task behind."""
        self._socket.watch_stalls(self._limits.socket_stall_seconds_max, self._give_up)
        try:
            await self._read()
        finally:
            self._watch.discard(self)
            for running in (opened := list(self._running.values())):
                running.cancel()
            self._running.clear()
            await asyncio.gather(*(each for each in opened if isinstance(each, asyncio.Task)), return_exceptions=True)

    def leave(self) -> None:
        """Close as soon as everything that has one answer has got it; news goes on elsewhere, from its cursor."""
        self._is_leaving = True
        self._leave_when_done()

    def _leave_when_done(self) -> None:
        answering = [identity for identity, each in self._running.items() if isinstance(each, asyncio.Task)]
        if self._is_leaving and self._endless.issuperset(answering):
            self._socket.interrupt(CLOSE_CODE, SAID)

    async def close(self, closing: Close) -> None:
        """Say goodbye, and why."""
        await self._socket.close(closing.code, closing.reason)

    def abort(self) -> None:
        """Drop the connection and what waits on it."""
        self._socket.abort()

    @property
    def visit(self) -> Visit:
        """Who is on the other side, once introduced."""
        assert self._visit is not None, "only introduced sockets are watched"
        return self._visit

    async def changed(self, visit: Visit) -> None:
        """Go on with what runs as who the caller is now."""
        self._visit = visit
        for running in list(self._running.values()):
            if isinstance(running, Subscription):
                await running.renew(visit)

    def ended(self, fault: GraphError) -> None:
        """Close, because the caller's proof of identity holds no longer; nothing is told in between."""
        for running in self._running.values():
            if isinstance(running, Subscription):
                running.cancel()
        self._socket.interrupt(4403, fault.message)

    def _give_up(self) -> None:
        self._socket.interrupt(1013, STALLED)

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(self._limits.socket_init_seconds_max):
                introduction = await self._introduction()
        except TimeoutError as error:
            raise Close(4408, "Connection initialisation timeout") from error
        # The client came in time: how long it takes to recognize it is nothing it could be blamed for.
        assert self._connect is not None, "a socket is introduced once"
        self._visit, self._connect = await self._connect(introduction.payload), None
        del introduction
        self._watch.add(self)
        try:
            async with asyncio.timeout(seconds_until(self._visit.expires_at)):
                await self._send({"type": "connection_ack"})
                while True:
                    await self._handle(await self._next(), self.visit)
        except TimeoutError as error:
            raise Close(4403, "The session or token has expired") from error

    async def _next(self) -> ws_frames.Frame:
        message = await self._socket.next_message()
        if message["type"] == INTERRUPTED:
            raise Close(message["code"], message["reason"])
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005), message.get("reason"))
        text = message.get("text")
        if text is None or len(text) < WORTH_WAITING_BYTES:
            return ws_frames.read(text, depth_max=self._limits.json_depth_max)
        try:
            return await self._operations.pace.run(
                self._socket, lambda: ws_frames.read(text, depth_max=self._limits.json_depth_max)
            )
        except GraphError as fault:
            raise Close(1013, fault.message) from fault

    async def _introduction(self) -> ws_frames.Init:
        while True:
            match await self._next():
                case ws_frames.Init() as introduction:
                    return introduction
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
            case ws_frames.Subscribe() if self._is_leaving:
                self._refuse(frame.id, ExecutionResult(None, [as_graphql(GraphError(ErrorCode.OVERLOADED, SAID))]))
            case ws_frames.Subscribe() if len(self._running) >= self._limits.socket_operations_max:
                message = f"{len(self._running)} operations are open on this socket; complete one first."
                self._refuse(frame.id, ExecutionResult(None, [as_graphql(GraphError(ErrorCode.OVERLOADED, message))]))
            case ws_frames.Subscribe(identity):
                self._running[identity] = asyncio.create_task(self._operate(frame, visit))
            case ws_frames.Complete(identity):
                if (running := self._running.pop(identity, None)) is not None:
                    running.cancel()
                    self._endless.discard(identity)
                    self._leave_when_done()
            case ws_frames.Ping(payload):
                await self._pong(payload)
            case ws_frames.Pong():
                pass

    async def _operate(self, frame: ws_frames.Subscribe, visit: Visit) -> None:
        """Open one operation, and run it to its end unless it is news, which is pushed from then on."""
        refused: ExecutionResult | None = None
        try:
            budgets = self._operations.budgets
            tab = budgets.tab(budgets.payers_of(visit.connection, visit.caller, frame.request))
            operation = await self._operations.admit(frame.request, tab=tab, is_known=True)
            if operation.kind is OperationType.SUBSCRIPTION:  # of anything else is told when it is over
                _log.info("subscribed", **named(operation), principal=account_of(visit.caller))
            opened = await self._operations.open(operation, visit, _Sink(self, frame.id))
            if isinstance(opened, Subscription):
                await self._keep(frame.id, opened, visit)
                return
            if operation.kind is OperationType.SUBSCRIPTION:
                self._endless.add(frame.id)
            refused = await self._send_all(frame.id, opened, visit)
        except Refused as fault:
            refused = ExecutionResult(None, list(fault.errors))
        except Exception as fault:  # presented like every other fault: ours as they are, the unexpected masked
            refused = ExecutionResult(None, [as_graphql(fault)])
        # The id is free before the client can know: it may use it again at once.
        self._forget(frame.id)
        if refused is not None:
            self._refuse(frame.id, refused)
        else:
            await self._send({"id": frame.id, "type": "complete"})
        self._leave_when_done()

    async def _keep(self, identity: str, subscription: Subscription, visit: Visit) -> None:
        """Let a subscription take the place of the task that opened it."""
        if self._running.get(identity) is not asyncio.current_task():
            subscription.cancel()
            return
        self._running[identity] = subscription
        self._leave_when_done()
        if self.visit is not visit:  # the caller has become somebody else while it was opened
            await subscription.renew(self.visit)

    async def _send_all(
        self, identity: str, results: AsyncGenerator[ExecutionResult, None], visit: Visit
    ) -> ExecutionResult | None:
        """Send every answer; return the refusal that ended them, if one did."""
        async with aclosing(results):
            async for result in results:
                if not has_data(result):
                    return result
                await self._send({"id": identity, "type": "next", "payload": answer(result, visit.request_id)})
        return None

    def _forget(self, identity: str) -> None:
        if self._running.get(identity) is asyncio.current_task():
            del self._running[identity]
            self._endless.discard(identity)

    def _refuse(self, identity: str, result: ExecutionResult) -> None:
        errors = answer(result, self.visit.request_id)["errors"]
        self._socket.push(json_codec.encode({"id": identity, "type": "error", "payload": errors}))

    async def _pong(self, payload: Mapping[str, object] | None) -> None:
        await self._send({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})

    async def _send(self, message: Mapping[str, object]) -> None:
        await self._socket.drained()
        self._socket.push(json_codec.encode(message))


class _Sink:
    """Where the news of one operation goes: into frames that carry its id."""

    __slots__ = ("_head", "_identity", "_session")

    def __init__(self, session: Session, identity: str) -> None:
        self._session = session
        self._identity = identity
        self._head = b'{"id":%b,"type":"next","payload":' % json_codec.encode(identity)

    @property
    def is_ready(self) -> bool:
        """Whether the socket's reader keeps up."""
        return self._session._socket.is_ready

    def push(self, message: Answered) -> None:
        """Send a message."""
        self._session._socket.push(b"".join((self._head, message.payload(self._session.visit.request_id), b"}")))

    async def drained(self) -> None:
        """Return when the reader has caught up."""
        await self._session._socket.drained()

    def end(self, refused: ExecutionResult) -> None:
        """Say why nothing more will come, and free the id."""
        subscription = self._session._running.pop(self._identity, None)
        if subscription is not None:
            subscription.cancel()
            self._session._refuse(self._identity, refused)
