"""What did the client send, if it is no more than we agreed to read?

The body is counted as it arrives: a Content-Length only serves to refuse early, never to believe. Whatever the bytes
are, the answer is a JSON value or a coded fault.
"""

from typing import Any

from starlette.requests import ClientDisconnect, Request

from api import json_codec, media_types
from schema.errors import ErrorCode, GraphError


def require_json(request: Request) -> None:
    """Raise `GraphError` unless the body is declared to be JSON in UTF-8."""
    if not media_types.is_json(request.headers.get("content-type", "")):
        raise GraphError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Send the body as application/json in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise GraphError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Send the body without Content-Encoding.")


async def read(request: Request, *, bytes_max: int) -> bytes:
    """Return the whole body, or raise `GraphError` as soon as it exceeds `bytes_max`."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 15 or int(declared) > bytes_max):
        raise _too_large(bytes_max)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > bytes_max:
                raise _too_large(bytes_max)
    except ClientDisconnect as error:
        raise GraphError(ErrorCode.BAD_REQUEST, "The body ended before it was complete.") from error
    return bytes(body)


def decoded(body: bytes, *, depth_max: int) -> Any:
    """Return the JSON value in a body, or raise `GraphError`."""
    try:
        return json_codec.decode(body, depth_max=depth_max)
    except json_codec.InvalidJson as error:
        raise GraphError(ErrorCode.BAD_REQUEST, f"The body cannot be read: {error}.") from error


def _too_large(bytes_max: int) -> GraphError:
    return GraphError(ErrorCode.BODY_TOO_LARGE, f"The body is larger than {bytes_max} bytes.", bytes_max=bytes_max)
