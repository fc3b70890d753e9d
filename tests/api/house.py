"""The application on a free loopback port, inside the test's own loop."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from starlette.requests import HTTPConnection

from api import health
from api.app import build_app
from api.callers import Caller
from api.observing import Observer
from api.server import Server, build_server
from api.settings import Limits, Settings
from schema.errors import ErrorCode, GraphError
from tests.api.graph import Context, Notes, graph

TOKEN = "ada-token"


@dataclass(frozen=True)
class Person:
    """Somebody with a token."""

    name: str
    expires_at: datetime


@dataclass(frozen=True)
class House:
    """A running server, where it is and what its resolvers noted."""

    server: Server
    port: int
    notes: Notes

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/graphql"


async def passes() -> None:
    """Find everything in order."""


@asynccontextmanager
async def serving(
    *,
    token_seconds: float = 60,
    recognizing_seconds: float = 0,
    allowed_origins: frozenset[str] = frozenset(),
    checks: Sequence[health.Check] = (("database", passes),),
    settings: Mapping[str, Any] = MappingProxyType({}),
    observer: Observer | None = None,
    **limits: Any,
) -> AsyncIterator[House]:
    """Serve until the block ends. Tokens live for `token_seconds`; `limits` replace the defaults."""
    notes = Notes()
    decided = {"allowed_origins": allowed_origins, "shutdown_seconds_max": 2, **settings}
    chosen = Settings(port=0, limits=Limits(**limits), **decided)
    seconds = {"token_seconds": token_seconds, "recognizing_seconds": recognizing_seconds}
    server = _server(chosen, notes, **seconds, checks=checks, observer=observer)
    task = asyncio.create_task(server.serve())
    try:
        yield House(server, await _port(server), notes)
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def until_told(settings: Settings) -> AsyncIterator[int]:
    """Yield the port of a server, and wait after the block until the process is told to stop."""
    server = _server(settings, Notes(), token_seconds=60, checks=(), observer=None)
    task = asyncio.create_task(server.serve())
    yield await _port(server)
    await task


async def _port(server: Server) -> int:
    async with asyncio.timeout(5):
        while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.005)
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


def _server(
    settings: Settings,
    notes: Notes,
    *,
    token_seconds: float,
    checks: Sequence[health.Check],
    observer: Observer | None,
    recognizing_seconds: float = 0,
) -> Server:
    async def authenticate(connection: HTTPConnection, payload: Mapping[str, object]) -> Caller | None:
        given = payload.get("authorization") or connection.headers.get("authorization")
        await asyncio.sleep(recognizing_seconds)
        if given is None:
            return None
        if given != f"Bearer {TOKEN}":
            raise GraphError(ErrorCode.UNAUTHENTICATED, "The access token is not valid.")
        return Person("Ada", datetime.now(UTC) + timedelta(seconds=token_seconds))

    @asynccontextmanager
    async def open_context(_connection: HTTPConnection, caller: Caller | None) -> AsyncIterator[Context]:
        number = len(notes.contexts)
        notes.contexts.append("open")
        try:
            yield Context(caller.name if isinstance(caller, Person) else None, notes, number)
        finally:
            notes.contexts[number] = "closed"

    app = build_app(
        graph,
        settings=settings,
        authenticate=authenticate,
        open_context=open_context,
        checks=checks,
        observer=observer,
    )
    return build_server(app, settings)
