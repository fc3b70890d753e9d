"""Whose tokens are believed?

Those of a party that somebody named beforehand: by the exact text of its URL, for one audience, by its own algorithms
and keys, and either everywhere or in one organization. Nobody is believed because a token names them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from auth.keys import KeySource

# Asymmetric only: with a shared secret, whoever can verify can also forge.
KEY_TYPES: Mapping[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
}


@dataclass(frozen=True, slots=True)
class Issuer:
    """A party whose tokens are believed: its URL, the audience it issues for us, its algorithms and its keys.

    An issuer that one organization chose is believed in that organization alone.
    """

    url: str
    audience: str
    algorithms: frozenset[str]
    keys: KeySource
    organization_id: str | None = None

    def __post_init__(self) -> None:
        unknown = self.algorithms - KEY_TYPES.keys()
        if unknown or not self.algorithms:
            raise ValueError(f"algorithms {sorted(self.algorithms)} must be some of {', '.join(KEY_TYPES)}")
        if not self.url or not self.audience:
            raise ValueError("an issuer needs a URL and an audience")


class Trusted(Protocol):
    """Knows which issuers are believed."""

    def everywhere(self, url: str) -> Issuer | None:
        """Return the issuer of exactly this URL whose word counts in every organization."""
        ...

    async def named(self, url: str) -> tuple[Issuer, ...]:
        """Return every issuer of exactly this URL: one for each audience and organization."""
        ...


class Issuers:
    """A closed list of issuers that are trusted, by the exact text of their `iss`."""

    def __init__(self, *issuers: Issuer) -> None:
        self._by_url = {issuer.url: issuer for issuer in issuers}
        if len(self._by_url) != len(issuers):
            raise ValueError("an issuer is listed twice")

    def everywhere(self, url: str) -> Issuer | None:
        """Return the trusted issuer of exactly this URL."""
        return self._by_url.get(url)

    async def named(self, url: str) -> tuple[Issuer, ...]:
        """Return the trusted issuer of exactly this URL, the only one there is."""
        found = self.everywhere(url)
        return () if found is None else (found,)
