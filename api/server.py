"""How is the application served?

uvicorn with everything bounded: what it buffers of a frame, how long an idle connection stays, how long requests in
progress get at shutdown. It writes no log lines of its own about requests and does not name itself.
"""

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from math import ceil
from types import FrameType
from typing import Any

import uvicorn
from starlette.applications import Starlette

from api.draining import Drain
from api.push_socket import PushSocket
from api.settings import Settings

new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
with suppress(ImportError):  # the `speed` extra may not be installed
    import uvloop

    new_event_loop = uvloop.new_event_loop

KEEP_ALIVE_SECONDS = 30
HEADERS_BYTES_MAX = 32 * 1024
GC_THRESHOLDS = (20_000, 20, 50)
"""A batch of events makes tens of thousands of objects at once that are all let go of; looking for cycles among them
after every 700, as the interpreter does, costs as much as recording them."""


class Server(uvicorn.Server):
    """A server that drains before it stops. uvicorn itself would cut sockets off, and wait for streams for ever."""

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop when told to. uvicorn would raise SIGTERM once more at the end, before the database is closed."""
        if sig == signal.SIGTERM:
            self.should_exit = True
        else:
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go of what is endless, stop listening, and wait for the rest."""
        await self._drain.run(is_forced=lambda: self.force_exit)
        self.config.timeout_graceful_shutdown = max(1, ceil(self._drain.seconds_left))
        await super().shutdown(sockets)


def settle() -> None:
    """Put what lives as long as the process out of the garbage collector's sight.

    A full round looks at every object there is: the schema alone takes a tenth of a second, in which nobody is served.
    Call it once everything is built, in a process that does nothing but serve.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


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
            h11_max_incomplete_event_size=HEADERS_BYTES_MAX,
            ws_max_size=settings.limits.frame_bytes_max,
            ws=PushSocket,
            ws_per_message_deflate=False,
        ),
        app.state.drain,
    )
