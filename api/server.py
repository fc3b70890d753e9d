"""How is the application served?

uvicorn with everything bounded: what it buffers of a frame, how long an idle connection stays, how long requests in
progress get at shutdown. It writes no log lines of its own about requests and does not name itself.
"""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import uvicorn
from starlette.applications import Starlette

from api.push_socket import PushSocket
from api.settings import Settings

new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
with suppress(ImportError):  # the `speed` extra may not be installed
    import uvloop

    new_event_loop = uvloop.new_event_loop

KEEP_ALIVE_SECONDS = 30
HEADERS_BYTES_MAX = 32 * 1024


class Server(uvicorn.Server):
    """A server that tells event streams to end when it stops. uvicorn itself would wait for them as for requests."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, end what is endless, wait for the rest."""
        self._closing.set()
        await super().shutdown(sockets)


def run(serving: Coroutine[Any, Any, None]) -> None:
    """Serve until told to stop, on the fastest event loop that is installed."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serving)


def build_server(app: Starlette, settings: Settings) -> Server:
    """Return a server for `app`; `await serve()` runs it until it is told to stop."""
    return Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=settings.trusted_proxies,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=int(settings.shutdown_seconds_max),
            h11_max_incomplete_event_size=HEADERS_BYTES_MAX,
            ws_max_size=settings.limits.frame_bytes_max,
            ws=PushSocket,
            ws_per_message_deflate=False,
        ),
        app.state.closing,
    )
