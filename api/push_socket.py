"""How do bytes reach thousands of WebSockets without a task and a copy for each?

A protocol of uvicorn's own that can also be written to at once. `push` frames a text and hands it to the transport;
it waits for nothing, so whoever pushes must look at `is_ready` first. What the transport could not get rid of stays
bounded by its high-water mark and one message, and a reader that takes nothing for too long is cut.
"""

import asyncio
from collections.abc import Callable
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


class PushSocket(WebSocketsSansIOProtocol):
    """A WebSocket whose application finds it in `scope["extensions"]`."""

    _stall_timer: asyncio.TimerHandle | None = None
    _stalled: tuple[float, Callable[[], None]] | None = None

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

    async def drained(self) -> None:
        """Return when the reader has caught up, or gone."""
        await self.writable.wait()

    def interrupt(self, code: int, reason: str) -> None:
        """Let the application, which is waiting for a message, find that it should close instead."""
        self.queue.put_nowait({"type": INTERRUPTED, "code": code, "reason": reason})  # type: ignore[typeddict-item]

    def abort(self) -> None:
        """Drop the connection and whatever was still to be sent."""
        self.transport.abort()

    def _stop_watching(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
