"""A real server on a free port of this machine, in the test's own event loop."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import uvicorn
from starlette.types import ASGIApp

from tests.auth.forging import NOON


class Clock:
    """The time of a test: it stands until the test moves it."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **duration: float) -> None:
        self.at += timedelta(**duration)


@asynccontextmanager
async def served(build: Callable[[str], ASGIApp]) -> AsyncIterator[str]:
    """Serve the app that `build` makes for its own origin, and yield that origin."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(build(origin), log_level="warning", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listener])
        try:
            yield origin
        finally:
            # Not `serve` and `shutdown`: they wait in tenths of a second, and there are many tests.
            for each in server.servers:
                each.close()
            for connection in list(server.server_state.connections):
                connection.shutdown()
