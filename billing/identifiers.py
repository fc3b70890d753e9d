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
from functools import lru_cache
from hashlib import blake2b

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LENGTH = 26


def derive(at: datetime, organization_id: str, kind: str, seed: str) -> str:
    """Return a 26-character id that sorts by `at` and depends on nothing but its arguments."""
    digest = blake2b(f"{organization_id}\x1f{kind}\x1f{seed}".encode(), digest_size=10).digest()
    high, low, pairs = int.from_bytes(digest[:5]), int.from_bytes(digest[5:]), _PAIRS
    return (
        f"{_stamp(at)}{pairs[high >> 30]}{pairs[high >> 20 & 1023]}{pairs[high >> 10 & 1023]}{pairs[high & 1023]}"
        f"{pairs[low >> 30]}{pairs[low >> 20 & 1023]}{pairs[low >> 10 & 1023]}{pairs[low & 1023]}"
    )


@lru_cache(maxsize=256)
def _stamp(at: datetime) -> str:
    """Return the 48 bits of an instant as the first ten characters of an id."""
    milliseconds = (at - _EPOCH) // timedelta(milliseconds=1)
    return "".join(_PAIRS[milliseconds >> shift & 1023] for shift in range(40, -1, -10))


def is_well_formed(text: str) -> bool:
    """Return whether `text` could have come from `derive`."""
    return len(text) == LENGTH and all(character in _ALPHABET for character in text)
