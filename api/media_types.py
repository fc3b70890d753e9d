"""Which of the media types we offer does the client want?

Types are compared whole, never by substring: `application/jsonish` is not JSON, and a client that merely mentions
`text/event-stream` among five others does not ask for a stream.

>>> chosen("application/graphql-response+json, application/json;q=0.9, */*;q=0.1", ("application/json", "text/html"))
'application/json'
>>> chosen("image/png", ("application/json",)) is None
True
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Self

_RANGES_MAX = 50
_REMEMBERED_MAX = 256


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type or range, such as `text/*`, with its parameters; names are in lower case."""

    name: str
    parameters: Mapping[str, str]

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the media type written in a header; nonsense becomes a type nobody offers."""
        name, *rest = text.split(";")
        pairs = (part.partition("=") for part in rest)
        parameters = {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
        return cls(name.strip().lower(), MappingProxyType(parameters))

    @property
    def quality(self) -> float:
        """Return the preference between 0 and 1; one that cannot be read counts as a refusal."""
        text = self.parameters.get("q", "1")
        digits = text.replace(".", "", 1)
        return min(float(text), 1.0) if digits.isascii() and digits.isdecimal() and len(text) < 8 else 0.0

    def specificity(self, offer: str) -> int:
        """Return how closely this range names `offer`: 3 exactly, 2 its family, 1 anything, 0 not at all."""
        if self.parameters.get("charset", "utf-8").lower() not in {"utf-8", "utf8", "*"}:
            return 0
        if self.name == offer:
            return 3
        if self.name == f"{offer.partition('/')[0]}/*":
            return 2
        return 1 if self.name == "*/*" else 0


def is_json(declared: str) -> bool:
    """Return whether a Content-Type header says JSON in UTF-8."""
    return _is_json(declared) if len(declared) <= _REMEMBERED_MAX else _is_json.__wrapped__(declared)


def chosen(accept: str, offers: tuple[str, ...]) -> str | None:
    """Return the offer that the Accept header wants most, or None when it wants none of them.

    Between equals the more exactly named wins, then the one named first; `offers` are in our own order of preference.
    Few headers are ever sent, so those of usual length are remembered.
    """
    return _chosen(accept, offers) if len(accept) <= _REMEMBERED_MAX else _chosen.__wrapped__(accept, offers)


@lru_cache(maxsize=256)
def _is_json(declared: str) -> bool:
    media = MediaType.of(declared)
    return media.name == "application/json" and media.parameters.get("charset", "utf-8").lower() in {"utf-8", "utf8"}


@lru_cache(maxsize=256)
def _chosen(accept: str, offers: tuple[str, ...]) -> str | None:
    ranges = [MediaType.of(text) for text in accept.split(",")[:_RANGES_MAX]]
    best: tuple[float, int, int, int] | None = None
    winner = None
    for rank, offer in enumerate(offers):
        matches = [(media.specificity(offer), -place, media.quality) for place, media in enumerate(ranges)]
        specificity, place, quality = max(matches)
        key = (quality, specificity, place, -rank)
        if specificity > 0 and quality > 0 and (best is None or key > best):
            best, winner = key, offer
    return winner
