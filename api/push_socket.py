"""How do bytes reach thousands of WebSockets without a task and a copy for each?

A protocol of uvicorn's own that can also be written to at once. `push` frames a text and hands it to the transport;
it waits for nothing, so whoever pushes must look at `is_ready` first. What the transport could not get rid of stays
bounded by its high-water mark and one message, and a reader that takes nothing for too long is cut.

An open socket keeps nothing of its handshake: what serves it runs after the application that accepted it has returned,
and not inside of it and of everything around it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

EXTENSION = "billgraph.push"
INTERRUPTED = "billgraph.interrupted"
_TEXT = 0x81  # a whole text message in one frame


def framed(text: bytes) -> bytes:
    """Return the frame of a text that a server sends: unmasked and in one piece.

    >>> framed(b"hello")
    b'\\x81\\x05hello'
    """
    length = len(text)
    if length < 126:
        return bytes((_TEXT, length)) + text
    if length < 1 << 16:
        return bytes((_TEXT, 126)) + length.to_bytes(2, "big") + text
    return bytes((_TEXT, 127)) + length.to_bytes(8, "big") + text


class _Inbox:
    """What has arrived for the one who reads: a queue at a tenth of its size."""

    __slots__ = ("_arrival", "_messages")

    def __init__(self, messages: list[Any]) -> None:
        self._messages = messages
        self._arrival: asyncio.Future[None] | None = None

    def put_nowait(self, message: Any) -> None:
        """Add a message."""
        self._messages.append(message)
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def empty(self) -> bool:
        """Return whether nothing waits to be read."""
        return not self._messages

    async def get(self) -> Any:
        """Return the message that waits longest, once there is one."""
        while not self._messages:
            self._arrival = asyncio.get_running_loop().create_future()
            try:
                await self._arrival
            finally:
                self._arrival = None
        return self._messages.pop(0)


class PushSocket(WebSocketsSansIOProtocol):
    """A WebSocket whose application finds it in `scope["extensions"]`."""

    _stall_timer: asyncio.TimerHandle | None = None
    _stalled: tuple[float, Callable[[], None]] | None = None
    _afterwards: Callable[[], Awaitable[None]] | None = None

    async def run_asgi(self) -> None:
        """Run the application, and then what it left to be run for as long as the socket is open."""
        opening = self.app

        async def opening_and_serving(scope: Any, receive: Any, send: Any) -> None:
            await opening(scope, receive, send)
            del scope, receive, send
            if self._afterwards is not None:
                serving, self._afterwards = self._afterwards, None
                self._forget_handshake()
                await serving()

        self.app = opening_and_serving
        await super().run_asgi()

    def afterwards(self, serving: Callable[[], Awaitable[None]]) -> None:
        """Serve the socket like this once the application that accepted it has returned; then it is closed."""
        self._afterwards = serving

    def handle_connect(self, event: Any) -> None:
        """Offer the socket itself to the application."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"][EXTENSION] = {"socket": self}

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock that watched a stalled reader."""
        self._stop_watching()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Note that the reader does not keep up, and how long."""
        super().pause_writing()
        if self._stalled is not None and self._stall_timer is None:
            self._stall_timer = self.loop.call_later(*self._stalled)

    def resume_writing(self) -> None:
        """Note that the reader has caught up."""
        self._stop_watching()
        super().resume_writing()

    def watch_stalls(self, seconds: float, stalled: Callable[[], None]) -> None:
        """Call `stalled` when the reader has taken too little for so long."""
        self._stalled = (seconds, stalled)

    @property
    def is_ready(self) -> bool:
        """Whether the reader keeps up."""
        return self.writable.is_set()

    def push(self, text: bytes) -> None:
        """Send a text message at once; to a socket that is closing, nothing."""
        if not (self.close_sent or self.disconnected or self.transport.is_closing()):
            self.transport.write(framed(text))

    async def next_message(self) -> Any:
        """Return the next message of the other side, as ASGI tells it, or that the socket was interrupted."""
        return await self.receive()

    async def close(self, code: int, reason: str) -> None:
        """Say goodbye; what the other side says to it is no longer heard."""
        if not (self.close_sent or self.disconnected):
            await self.send({"type": "websocket.close", "code": code, "reason": reason})

    async def drained(self) -> None:
        """Return when the reader has caught up, or gone."""
        await self.writable.wait()

    def interrupt(self, code: int, reason: str) -> None:
        """Let the application, which is waiting for a message, find that it should close instead."""
        self.queue.put_nowait({"type": INTERRUPTED, "code": code, "reason": reason})  # type: ignore[typeddict-item]

    def abort(self) -> None:
        """Drop the connection and whatever was still to be sent."""
        self.transport.abort()

    def _forget_handshake(self) -> None:
        """Let go of the request, which thousands of open sockets would keep for nothing."""
        self.request = self.response = None  # type: ignore[assignment]
        self.scope = {"type": "websocket", "client": self.client}  # type: ignore[typeddict-item]  # for log lines
        arrived = [self.queue.get_nowait() for _ in range(self.queue.qsize())]
        self.queue = _Inbox(arrived)  # type: ignore[assignment]  # all of a queue that the protocol uses

    def _stop_watching(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
