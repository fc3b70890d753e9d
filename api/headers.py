"""What do the headers of a request say, by name?

Starlette looks through all of them for each name it is asked for. The doors ask for ten, so these are looked through
once. As there, a name that is given twice counts with its first value, unless all are asked for.

>>> given = Headers(raw=[(b"accept", b"text/html"), (b"accept", b"*/*")])
>>> given.get("Accept"), given.getlist("accept"), given.get("origin")
('text/html', ['text/html', '*/*'], None)
"""

from functools import cached_property
from typing import Any

from starlette import datastructures, requests


class Headers(datastructures.Headers):
    """The headers of one request, which do not change."""

    @cached_property
    def _first(self) -> dict[str, str]:
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(self.raw)}

    def __getitem__(self, key: str) -> str:
        return self._first[key.lower()]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._first

    def get(self, key: str, default: Any = None) -> Any:
        """Return the first value under a name."""
        return self._first.get(key.lower(), default)


class Request(requests.Request):
    """A request whose headers are asked for often."""

    @cached_property
    def headers(self) -> Headers:
        """Return its headers."""
        return Headers(raw=self.scope["headers"])
