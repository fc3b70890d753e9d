"""Where does an id come from, if neither a clock nor dice may be read here?

An id is derived: 48 bits of the instant the command carries, so that rows sort by age, then 80 bits of a hash
over the organization, the kind of row and a seed that names the command and its position. A replayed command
therefore derives the same ids, and a demo built twice is the same demo.

>>> from datetime import UTC, datetime
>>> at = datetime(2026, 7, 1, tzinfo=UTC)
>>> derive(at, "acme", "member", "key-1/0")
'01kwdfkd00yp6arym8shx0mx4x'
"""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LENGTH = 26


def derive(at: datetime, organization_id: str, kind: str, seed: str) -> str:
    """Return a 26-character id that sorts by `at` and depends on nothing but its arguments."""
    milliseconds = (at - _EPOCH) // timedelta(milliseconds=1)
    digest = blake2b("\x1f".join((organization_id, kind, seed)).encode(), digest_size=10).digest()
    number = milliseconds << 80 | int.from_bytes(digest)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def is_well_formed(text: str) -> bool:
    """Return whether `text` could have come from `derive`."""
    return len(text) == LENGTH and all(character in _ALPHABET for character in text)
