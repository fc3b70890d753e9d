"""Who stands at a door, and what is opened for each operation they send?

The doors know nothing of accounts or databases. They are given two functions: one that says who is calling, and
one that opens what the resolvers need. A context is opened anew for every operation and every event of a
subscription, so that no loader serves yesterday's row and a lost permission is noticed at the next event.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from schema.errors import ErrorCode, GraphError

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Caller(Protocol):
    """Somebody whose identity was proved, until `expires_at`."""

    @property
    def expires_at(self) -> datetime:
        """Return the instant after which the proof no longer counts."""
        ...


Authenticate = Callable[[HTTPConnection, Mapping[str, object]], Awaitable[Caller | None]]
"""Return who is calling, None for nobody in particular, or raise `GraphError` for proof that does not hold.

The mapping is the payload of `connection_init` on a WebSocket, where a browser cannot send headers, and else empty.
"""

OpenContext = Callable[[HTTPConnection | None, Caller | None], AbstractAsyncContextManager[Any]]
"""Open what resolvers see as `info.context`, for one operation or one event, and close it afterwards.

Without a connection it is for a view that several callers share: each of them is looked after where they are.
"""

Recognize = Callable[[Sequence[tuple[HTTPConnection, Caller]]], Awaitable[Sequence[Caller | GraphError]]]
"""Return, for each of many callers on their connections, who they are by now, or why they are nobody any more."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One caller on one connection."""

    connection: HTTPConnection
    caller: Caller | None
    open_context: OpenContext
    request_id: str
    last_event_id: str | None = None
    """Where a reader of server-sent events left off, as its browser remembers it."""

    @property
    def expires_at(self) -> datetime | None:
        """Return when a stream to this caller must end, if ever."""
        return None if self.caller is None else self.caller.expires_at

    def context(self) -> AbstractAsyncContextManager[Any]:
        """Open a context for one operation or one event."""
        return self.open_context(self.connection, self.caller)


def seconds_until(instant: datetime | None) -> float | None:
    """Return how long a stream may still last, None for as long as it likes."""
    return None if instant is None else (instant - datetime.now(UTC)).total_seconds()


def require_origin(connection: HTTPConnection, allowed: frozenset[str]) -> None:
    """Raise `GraphError` when a page of a foreign site is behind the request.

    Browsers attach our cookies to whatever page calls us, and no CORS rule protects a WebSocket. Other clients send
    no Origin and have no cookies to ride on. That Origin and Host agree proves nothing by itself, for anybody can
    point a name of theirs at us; it is enough on a loopback address, which is a developer's own.
    """
    origin = connection.headers.get("origin")
    if origin is None:
        is_foreign = connection.headers.get("sec-fetch-site") in {"cross-site", "same-site"}
    else:
        is_foreign = origin not in allowed and not _is_own_loopback(origin, connection.headers.get("host", ""))
    if is_foreign:
        raise GraphError(ErrorCode.ORIGIN_FORBIDDEN, f"Pages of {(origin or 'another site')[:100]} may not call this.")


def _is_own_loopback(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.hostname in _LOOPBACK and parts.netloc.lower() == host.lower()
