"""What was found out about a token, and need not be found out again?

Under the hash of the token, so that nobody who reads this memory can show one. Bounded by number and by the length of
the tokens, which bounds what was found in them; the one not asked about for longest is forgotten first.

>>> found: Remembered[str] = Remembered(count_max=2, length_max=100)
>>> for each in ("first", "second", "third"):
...     found.keep(each, each.upper())
>>> found.get("first"), found.get("third")
(None, 'THIRD')
"""

from collections import OrderedDict
from hashlib import sha256
from typing import Generic, TypeVar

V = TypeVar("V")


class Remembered(Generic[V]):
    """Something for each of the tokens asked about last."""

    def __init__(self, *, count_max: int, length_max: int) -> None:
        self._count_max = count_max
        self._length_max = length_max
        self._length = 0
        self._found: OrderedDict[bytes, tuple[V, int]] = OrderedDict()

    def get(self, token: str) -> V | None:
        """Return what is remembered of a token."""
        name = _name(token)
        found = self._found.get(name)
        if found is None:
            return None
        self._found.move_to_end(name)
        return found[0]

    def keep(self, token: str, value: V) -> None:
        """Remember this of a token from now on."""
        name = _name(token)
        self._length += len(token) - self._found.pop(name, (None, 0))[1]
        self._found[name] = value, len(token)
        while len(self._found) > self._count_max or self._length > self._length_max:
            _, (_, length) = self._found.popitem(last=False)
            self._length -= length


def _name(token: str) -> bytes:
    return sha256(token.encode(errors="surrogatepass")).digest()
