"""How is the graph followed over WebSocket?

The door for graphql-transport-ws: who may knock, in which protocol, and how one who introduces themselves is
recognized. What is then said on an open socket is the session's.
"""

import asyncio
from collections.abc import Mapping
from functools import partial

import structlog
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.utils import ClientDisconnected

from api.callers import Authenticate, OpenContext, Visit, require_origin
from api.draining import Drain
from api.execution import Operations
from api.graphql_http import RETRY_AFTER_SECONDS
from api.middleware import request_id
from api.observing import HEADERS_TOLD
from api.push_socket import EXTENSION, PushSocket
from api.settings import Settings
from api.socket_session import Session
from api.watch import Watch
from api.ws_frames import Close
from models.runner import Overloaded
from schema.errors import GraphError

SUBPROTOCOL = "graphql-transport-ws"
CLOSING_SECONDS_MAX = 2.0
HEADER_KEPT_MAX = 200

_log = structlog.get_logger(__name__)


class GraphQLOverWebSocket:
    """The ASGI application at `/graphql`, for WebSocket."""

    def __init__(
        self,
        operations: Operations,
        *,
        settings: Settings,
        authenticate: Authenticate,
        open_context: OpenContext,
        watch: Watch,
        drain: Drain,
    ) -> None:
        self._operations = operations
        self._watch = watch
        self._drain = drain
        self._settings = settings
        self._authenticate = authenticate
        self._open_context = open_context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open one socket, and leave it to be served."""
        websocket = WebSocket(scope, receive, send)
        try:
            require_origin(websocket, self._settings.trusted_origins)
        except GraphError:
            await websocket.close()  # before accepting: the handshake is refused with 403
            return
        try:
            self._drain.require_open()
        except GraphError as fault:
            headers = {"retry-after": str(RETRY_AFTER_SECONDS)}
            await websocket.send_denial_response(PlainTextResponse(fault.message, 503, headers))
            return
        offered = websocket.scope["subprotocols"]
        is_spoken = SUBPROTOCOL in offered
        # A handshake that takes up no offer fails at the client, which never learns why: take one, and say 4406.
        await websocket.accept(SUBPROTOCOL if is_spoken else next(iter(offered), None))
        socket: PushSocket = websocket.scope["extensions"][EXTENSION]["socket"]
        connect = partial(self._connect, websocket)
        session = Session(socket, self._operations, self._settings.limits, self._watch, connect)
        socket.afterwards(partial(self._serve, session, request_id(scope), is_spoken=is_spoken))

    async def _serve(self, session: Session, identity: str, *, is_spoken: bool) -> None:
        """Serve an open socket until it closes."""
        structlog.contextvars.bind_contextvars(request_id=identity)
        try:
            if not is_spoken:
                raise Close(4406, "Subprotocol not acceptable")
            with self._drain.stay(session, self._drain.sockets):
                await session.serve()
        except Close as closing:
            _log.info("socket closed", code=closing.code, reason=closing.reason)
            self._operations.observer.metrics.socket_closed(closing.code)
            try:
                async with asyncio.timeout(CLOSING_SECONDS_MAX):
                    await session.close(closing)
            except ClientDisconnected:
                pass  # it has gone
            except TimeoutError:  # it does not read, so it would not read a farewell either
                session.abort()
        except WebSocketDisconnect as leaving:
            _log.info("socket left", code=leaving.code)
            self._operations.observer.metrics.socket_closed(leaving.code)

    async def _connect(self, websocket: WebSocket, payload: Mapping[str, object]) -> Visit:
        """Return who introduced themselves, or raise `Close`."""
        try:
            caller = await self._authenticate(websocket, payload)
        except GraphError as fault:
            raise Close(4403, fault.message) from fault
        except Overloaded as fault:
            raise Close(1013, "Too much is going on; try again later") from fault
        except Exception as fault:
            _log.error("authentication failed unexpectedly", exc_info=fault)
            raise Close(4500, "Internal server error") from fault
        if caller is None:
            raise Close(4403, "Sign in first")
        return Visit(_introduced(websocket), caller, self._open_context, request_id(websocket.scope))


def _introduced(websocket: WebSocket) -> HTTPConnection:
    """Return what is needed of a connection once its caller is known: where from, as whom, and in which trace."""
    kept = {name: websocket.scope[name] for name in ("type", "client", "state")}
    headers = [(name, value[:HEADER_KEPT_MAX]) for name, value in websocket.scope["headers"] if name in HEADERS_TOLD]
    return HTTPConnection({**kept, "path": websocket.scope["path"], "headers": headers})
