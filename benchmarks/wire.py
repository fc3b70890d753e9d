"""How many requests a second does a server answer?

Connections that each ask again as soon as they are answered, on an event loop of their own, with as little of a client
as HTTP allows: what is measured is the server. Every answer is counted; one that is not 200 ends the run.

>>> import asyncio
>>> request = post("/graphql", {"host": "x"}, b"{}")
>>> request.endswith(b"content-length: 2\\r\\n\\r\\n{}")
True
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass


class Unexpected(RuntimeError):
    """The server said something else than was measured."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a number of connections were answered in a time."""

    answers: int
    seconds: float
    latencies: tuple[float, ...]

    @property
    def per_second(self) -> float:
        """How many answers came in a second."""
        return self.answers / self.seconds


def post(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a request as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body


async def load(port: int, request: bytes, *, connections: int, seconds: float) -> Load:
    """Ask over so many connections for so long."""
    loop = asyncio.get_running_loop()
    until = time.perf_counter() + seconds
    started = time.perf_counter()
    asking = [
        (await loop.create_connection(lambda: _Connection(request, until), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(each.done for each in asking))
    latencies = tuple(latency for each in asking for latency in each.latencies)
    return Load(len(latencies), time.perf_counter() - started, latencies)


async def once(port: int, request: bytes) -> bytes:
    """Return the body of one answer."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: _Connection(request, 0), "127.0.0.1", port)
    await connection.done
    return connection.body


class _Connection(asyncio.Protocol):
    """One connection that asks until it is late enough."""

    def __init__(self, request: bytes, until: float) -> None:
        self.latencies: list[float] = []
        self.body = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._until = until
        self._buffer = b""
        self._asked_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self._fail(Unexpected(self._buffer[:500].decode(errors="replace")))
            return
        body = _body(head.lower(), rest)
        if body is None:
            return
        self.latencies.append(time.perf_counter() - self._asked_at)
        self.body, self._buffer = body, b""
        if time.perf_counter() < self._until:
            self._ask()
        elif not self.done.done():
            self.done.set_result(None)
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(error or Unexpected("the server closed the connection"))

    def _ask(self) -> None:
        self._asked_at = time.perf_counter()
        self._transport.write(self._request)  # type: ignore[attr-defined]  # a stream's transport can write

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


def _body(head: bytes, rest: bytes) -> bytes | None:
    """Return a body that is whole, of either framing, or None while it is not.

    >>> _body(b"http/1.1 200 ok\\r\\ncontent-length: 2", b"{}"), _body(b"content-length: 3", b"{}")
    (b'{}', None)
    >>> _body(b"transfer-encoding: chunked", b"2\\r\\n{}\\r\\n0\\r\\n\\r\\n")
    b'{}'
    """
    if b"transfer-encoding: chunked" in head:
        return _unchunked(rest) if rest.endswith(b"0\r\n\r\n") else None
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    return rest if len(rest) >= length else None


def _unchunked(rest: bytes) -> bytes:
    parts: list[bytes] = []
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return b"".join(parts)
        parts.append(rest[:length])
        rest = rest[length + 2 :]
