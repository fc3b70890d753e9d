"""How do we issue tokens of our own?

Short-lived access tokens, for a session or for an API client, that name what they stand for and nothing else: what it
may do is looked up at every request, so that a session that was ended or a client that was revoked takes its tokens
along. A key signs for a month and stays published for a day after the next one has taken over.
"""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from auth.issuers import Issuer
from auth.keys import Jwk
from auth.sealing import Sealer
from auth.signing import ALGORITHM, SigningKey
from models import signing_keys as rows
from models.database import Database
from models.sql import Client

LIFETIME = timedelta(minutes=10)
SIGNS_FOR = timedelta(days=30)
PUBLISHED_AFTER = timedelta(days=1)
SESSION, CLIENT = "session", "client"
_LOOKED_AT_MOST_EVERY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Minted:
    """A token, and for how long it is good."""

    token: str
    expires_in_seconds: int


class Mint:
    """Signs with the keys in the database, and knows them again."""

    def __init__(self, database: Database, sealer: Sealer, *, issuer_url: str, audience: str) -> None:
        self._database = database
        self._sealer = sealer
        self._issuer_url = issuer_url
        self._audience = audience
        self.issuer = Issuer(issuer_url, audience, frozenset({ALGORITHM}), self)
        """Ourselves, as a party whose tokens are believed."""
        self._signing: tuple[SigningKey, datetime] | None = None
        self._published: tuple[dict[str, Jwk], datetime] | None = None

    async def mint(
        self, subject: str, *, at: datetime, until: datetime, authenticated_at: datetime, scope: str | None = None
    ) -> Minted:
        """Return a token for `subject`, good for ten minutes and never beyond `until`."""
        expires_at = min(at + LIFETIME, until)
        claims: dict[str, Any] = {
            "iss": self._issuer_url,
            "sub": subject,
            "aud": self._audience,
            "iat": int(at.timestamp()),
            "exp": int(expires_at.timestamp()),
            "auth_time": int(authenticated_at.timestamp()),
            "jti": secrets.token_urlsafe(16),
        }
        if scope is not None:
            claims["scope"] = scope
        key = await self.signing_key(at=at)
        return Minted(key.sign(claims, kind="at+jwt"), max(0, int((expires_at - at).total_seconds())))

    async def find(self, kid: str, *, at: datetime) -> tuple[Jwk, ...]:
        """Return our own public key of this name."""
        known = await self._known(at)
        if kid not in known and self._published is not None and abs(at - self._published[1]) >= _LOOKED_AT_MOST_EVERY:
            self._published = None
            known = await self._known(at)
        return (known[kid],) if kid in known else ()

    async def published(self, *, at: datetime) -> list[Jwk]:
        """Return the public keys by which others verify what we sign."""
        await self.signing_key(at=at)
        return [dict(row.public) for row in await self._rows(at)]

    async def signing_key(self, *, at: datetime) -> SigningKey:
        """Return the key that signs now, after making one where there is none or the last one is old."""
        if self._signing is not None and abs(at - self._signing[1]) < _LOOKED_AT_MOST_EVERY:
            return self._signing[0]
        row = await rows.current(self._database.reader)
        key = self._opened(row) if row is not None and at - row.created_at < SIGNS_FOR else await self.rotate(at=at)
        self._signing = key, at
        return key

    async def rotate(self, *, at: datetime, is_forced: bool = False) -> SigningKey:
        """Let a new key take over. Where another process was faster, its key is the new one."""
        fresh = SigningKey.generate()
        sealed = self._sealer.seal(fresh.pem, place=_place(fresh.kid))

        async def work(client: Client) -> SigningKey:
            row = await rows.current(client)
            if row is not None and at - row.created_at < SIGNS_FOR and not is_forced:
                return self._opened(row)
            await rows.replace_all(client, at=at)
            await rows.delete_replaced(client, before=at - PUBLISHED_AFTER)
            await rows.insert(
                client, kid=fresh.kid, algorithm=ALGORITHM, public=fresh.public, private=sealed, created_at=at
            )
            return fresh

        key = await self._database.runner.run(work, lane="signing-keys")
        self._signing, self._published = (key, at), None
        return key

    async def _known(self, at: datetime) -> dict[str, Jwk]:
        if self._published is None or abs(at - self._published[1]) >= timedelta(hours=1):
            self._published = {row.kid: dict(row.public) for row in await self._rows(at)}, at
        return self._published[0]

    async def _rows(self, at: datetime) -> list[rows.SigningKey]:
        return await rows.published(self._database.reader, replaced_after=at - PUBLISHED_AFTER)

    def _opened(self, row: rows.SigningKey) -> SigningKey:
        return SigningKey.of(self._sealer.open(row.private, place=_place(row.kid)))


def key_set(keys: list[Jwk]) -> str:
    """Return keys as a JWKS document."""
    return json.dumps({"keys": keys}, separators=(",", ":"))


def _place(kid: str) -> str:
    return f"signing_keys/{kid}"
