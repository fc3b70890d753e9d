"""What happens around every request, whichever door it knocks at?

Pure ASGI, outermost first: a request id, one line in the access log, the headers that protect a browser, and a
deadline for the body. None of them buffers anything.
"""

import random
import re
import time
from collections.abc import Mapping
from typing import Any, Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.deadlines import Deadline
from api.metrics import Metrics

_QUIET = frozenset({"/livez", "/readyz", "/metrics"})
_STARTS: Final = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # the editor on the query page writes its own style elements
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_SECURITY: Mapping[str, str] = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def request_id(scope: Scope) -> str:
    """Return the id under which this request or socket is logged and may be quoted."""
    return str(scope.get("state", {}).get("request_id", "none"))


class RequestId:
    """Gives each request an id: the caller's when it is well formed, so that traces join, else a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Bind the id for the log and send it back."""
        if scope["type"] not in {"http", "websocket"}:
            return await self._app(scope, receive, send)
        identity = _given(scope["headers"]) or _new()
        scope.setdefault("state", {})["request_id"] = identity
        shown = (b"x-request-id", identity.encode("latin-1"))

        async def send_identified(message: Message) -> None:
            if message["type"] in _STARTS:
                message["headers"] = [*message.get("headers", ()), shown]
            await send(message)

        before = structlog.contextvars.bind_contextvars(request_id=identity)
        try:
            return await self._app(scope, receive, send_identified)
        finally:
            structlog.contextvars.reset_contextvars(**before)


def _given(headers: list[tuple[bytes, bytes]]) -> str | None:
    """Return the last id that the caller gave, where it is well formed."""
    given = [value for name, value in headers if name == b"x-request-id"]
    identity = given[-1].decode("latin-1") if given else ""
    return identity if _REQUEST_ID.fullmatch(identity) else None


def _new() -> str:
    # It names a request and guards nothing. The system's source of randomness would let other threads in for it.
    return f"{random.getrandbits(128):032x}"


class AccessLog:
    """Writes one line for each request when it ends, and counts its status; never the query or a variable.

    What a door knows of the operation and its caller it has put into the request's state, as `facts`.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._log = structlog.get_logger(__name__).bind()  # once: for each line it would cost more than the line

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Time the request and note its status."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started = time.perf_counter()
        status = 500

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            return await self._app(scope, receive, send_noted)
        finally:
            facts: dict[str, Any] = {"method": scope["method"], "path": scope["path"][:200], "status": status}
            facts |= scope.get("state", {}).get("facts", {})
            self._metrics.responded(status)
            facts["milliseconds"] = round((time.perf_counter() - started) * 1000, 1)
            level = self._log.debug if scope["path"] in _QUIET else self._log.info
            level("request", **facts)


class SecurityHeaders:
    """Adds the headers that tell a browser what our pages may do. A response that sets one itself keeps it."""

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self._app = app
        headers = dict(_SECURITY)
        if is_https:
            headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"
        self._headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to the response's start."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                names = {name for name, _ in given}
                message["headers"] = given + [header for header in self._headers if header[0] not in names]
            await send(message)

        return await self._app(scope, receive, send_guarded)


class BodyDeadline:
    """Ends a request whose body does not arrive in time with 408, so that a trickle cannot hold a connection."""

    def __init__(self, app: ASGIApp, *, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Bound the time until the last byte of the body."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        deadline = time.monotonic() + self._seconds
        is_complete = is_late = has_started = False

        async def receive_in_time() -> Message:
            nonlocal is_complete, is_late
            if is_complete:
                return await receive()
            try:
                with Deadline(deadline - time.monotonic()):
                    message = await receive()
            except TimeoutError:
                is_late = True
                return {"type": "http.disconnect"}  # for the application, the sender is gone
            is_complete = not message.get("more_body", False)
            return message

        async def send_unless_late(message: Message) -> None:
            nonlocal has_started
            if has_started or not is_late:
                has_started = True
                await send(message)

        try:
            await self._app(scope, receive_in_time, send_unless_late)
        except ClientDisconnect:
            if not is_late:
                raise
        if is_late and not has_started:
            response = PlainTextResponse("The body did not arrive in time.", 408, {"connection": "close"})
            await response(scope, receive, send)
        return None
