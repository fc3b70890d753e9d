"""Is this frame a message of graphql-transport-ws, and what does it say?

Every shape that is not a message closes the socket with 4400 and a reason that names the fault. A frame never
reaches the session unchecked, so nothing there can fail on its shape.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api import json_codec
from api.graph_requests import GraphRequest
from schema.errors import GraphError

ID_LENGTH_MAX = 128
_REASON_BYTES_MAX = 123  # what the WebSocket protocol leaves for a reason


class Close(Exception):
    """The socket must be closed, with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_REASON_BYTES_MAX].decode(errors="ignore")


@dataclass(frozen=True, slots=True)
class Init:
    """The client introduces itself."""

    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Ping:
    """The client asks whether we are there."""

    payload: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Pong:
    """The client says that it is there."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """The client starts an operation under an id of its choice."""

    id: str
    request: GraphRequest


@dataclass(frozen=True, slots=True)
class Complete:
    """The client is no longer interested in an operation."""

    id: str


Frame = Init | Ping | Pong | Subscribe | Complete


def read(text: str | None, *, depth_max: int) -> Frame:
    """Return the message in a text frame, or raise `Close`. A binary frame has no text."""
    if text is None:
        raise _bad("Messages are text frames, not binary ones")
    try:
        message = json_codec.decode(text, depth_max=depth_max)
    except json_codec.InvalidJson as error:
        raise _bad(f"The message cannot be read: {error}") from error
    if not isinstance(message, dict):
        raise _bad("A message is one JSON object")
    match message.get("type"):
        case "connection_init":
            return Init(_payload(message) or {})
        case "ping":
            return Ping(_payload(message))
        case "pong":
            _payload(message)
            return Pong()
        case "complete":
            return Complete(_id(message))
        case "subscribe":
            try:
                return Subscribe(_id(message), GraphRequest.of(message.get("payload")))
            except GraphError as fault:
                raise _bad(fault.message) from fault
        case str() as unknown:
            raise _bad(f"There is no message of type {unknown[:40]!r} for a client to send")
        case _:
            raise _bad("A message needs a type, which is a string")


def _id(message: Mapping[str, Any]) -> str:
    identity = message.get("id")
    if not isinstance(identity, str) or not 0 < len(identity) <= ID_LENGTH_MAX:
        raise _bad(f"The id of a message is a string of 1 to {ID_LENGTH_MAX} characters")
    return identity


def _payload(message: Mapping[str, Any]) -> Mapping[str, object] | None:
    payload = message.get("payload")
    if payload is not None and not isinstance(payload, dict):
        raise _bad("The payload of this message is an object or absent")
    return payload


def _bad(reason: str) -> Close:
    return Close(4400, reason)
