"""Where in which list does a cursor stand?

A cursor names its list, the organization and the key it stands at, so one given to another list is refused instead of
quietly starting somewhere. Clients treat the text as opaque.

>>> given = encode("invoices", "01kwdfkd00yp6arym8shx0mx4x", "01kwdfkd00yp6arym8shx0mx4y")
>>> decode(given, "invoices", "01kwdfkd00yp6arym8shx0mx4x")
'01kwdfkd00yp6arym8shx0mx4y'
>>> decode(given, "members", "01kwdfkd00yp6arym8shx0mx4x")
Traceback (most recent call last):
    ...
schema.cursors.MalformedCursor: the cursor was not issued by this list
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BinasciiError
from typing import Final

from schema.errors import ErrorCode, GraphError

CURSOR_LENGTH_MAX: Final = 400
EVENTS: Final = "events"
SEQUENCE_DIGITS_MAX: Final = 18


class MalformedCursor(GraphError):
    """The text is no cursor of this list."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.CURSOR_INVALID, "the cursor was not issued by this list")


def encode(listing: str, scope: str, key: str) -> str:
    """Return the cursor that stands at `key` of the list called `listing` in `scope`."""
    return urlsafe_b64encode(f"{listing}:{scope}:{key}".encode()).decode().rstrip("=")


def decode(given: str, listing: str, scope: str) -> str:
    """Return the key at which a cursor of this very list stands, or raise `MalformedCursor`."""
    if not 1 <= len(given) <= CURSOR_LENGTH_MAX or not given.isascii():
        raise MalformedCursor
    try:
        text = urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode()
    except (BinasciiError, UnicodeDecodeError):
        raise MalformedCursor from None
    prefix = f"{listing}:{scope}:"
    key = text.removeprefix(prefix)
    if not text.startswith(prefix) or not key or encode(listing, scope, key) != given:
        raise MalformedCursor
    return key


def decode_sequence(given: str, scope: str) -> int:
    """Return the number in the event log at which a cursor of it stands."""
    key = decode(given, EVENTS, scope)
    if not key.isdecimal() or len(key) > SEQUENCE_DIGITS_MAX or str(int(key)) != key:
        raise MalformedCursor
    return int(key)
