"""How is an answer sent that is there as a whole?

With headers that are bytes from the start: those that every answer has are written once.
"""

from collections.abc import Mapping
from functools import lru_cache

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

RawHeaders = list[tuple[bytes, bytes]]


class Reply(Response):
    """JSON in one of the media types of the graph, with `headers` beside the usual ones."""

    def __init__(self, body: bytes, status: int, media_type: str, headers: Mapping[str, str]) -> None:
        self.status_code, self.body = status, body
        self.raw_headers: RawHeaders = [*_usual(media_type), (b"content-length", b"%d" % len(body))]
        for name, value in headers.items():
            self.raw_headers.append((name.encode("latin-1"), value.encode("latin-1")))

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body})


@lru_cache(maxsize=8)
def _usual(media_type: str) -> tuple[tuple[bytes, bytes], ...]:
    return (
        (b"content-type", f"{media_type}; charset=utf-8".encode("latin-1")),
        (b"cache-control", b"no-store"),
        (b"vary", b"accept, origin"),
    )
