"""Is this browser signed in, as whom, and for how long?

A session lives on the server. The browser holds 256 random bits and we hold their SHA-256, so neither a stolen
database nor a guess opens one. It ends at the first of: signing out, half an hour of silence, twelve hours of age.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from models import sessions as rows
from models.database import Database

# A write for every read would be a high price for knowing the last sign of life to the second.
SEEN_AT_MOST_EVERY = timedelta(minutes=1)
TOKEN_LENGTH = 43  # 256 bits in base64url
PURGED_AT_ONCE_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a session lives without being used, and at all."""

    idle: timedelta = timedelta(minutes=30)
    absolute: timedelta = timedelta(hours=12)

    def __post_init__(self) -> None:
        if not SEEN_AT_MOST_EVERY < self.idle <= self.absolute:
            raise ValueError(f"idle {self.idle} must be over {SEEN_AT_MOST_EVERY} and at most {self.absolute}")


@dataclass(frozen=True, slots=True)
class SessionIdentity:
    """Whose session it is. `token_hash` names the session; it is no secret."""

    token_hash: str
    issuer: str
    subject: str
    email: str
    name: str
    authenticated_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """The cookie a session travels in. Over https it cannot be set by, or sent to, any other host."""

    secure: bool

    @property
    def name(self) -> str:
        """Return the cookie's name: the `__Host-` prefix makes browsers enforce Secure, Path=/ and no Domain."""
        return "__Host-billgraph" if self.secure else "billgraph"

    def set(self, token: str, *, lifetime: timedelta) -> str:
        """Return the Set-Cookie value that hands `token` to the browser."""
        return f"{self.name}={token}; Max-Age={int(lifetime.total_seconds())}; {self._attributes}"

    def clear(self) -> str:
        """Return the Set-Cookie value that makes the browser forget."""
        return f"{self.name}=; Max-Age=0; {self._attributes}"

    @property
    def _attributes(self) -> str:
        return "Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if self.secure else "")


class Sessions:
    """Opens, recognizes and ends sessions."""

    def __init__(self, database: Database, *, lifetimes: Lifetimes | None = None) -> None:
        self._database = database
        self.lifetimes = lifetimes or Lifetimes()

    async def open(self, *, issuer: str, subject: str, email: str, name: str, at: datetime) -> str:
        """Open a session for an account that has just signed in, and return its new token."""
        token = secrets.token_urlsafe(32)
        session = rows.Session(
            token_hash=hash_of(token),
            issuer=issuer,
            subject=subject,
            email=email,
            name=name,
            created_at=at,
            authenticated_at=at,
            last_seen_at=at,
            expires_at=at + self.lifetimes.absolute,
        )
        await self._database.runner.run(lambda client: rows.insert(client, session), lane=_lane(session.token_hash))
        return token

    async def recognize(self, token: str, *, at: datetime) -> SessionIdentity | None:
        """Return whose live session `token` opens, noting that it was used, or None."""
        if len(token) != TOKEN_LENGTH or not token.isascii():
            return None
        session = await rows.find(self._database.reader, hash_of(token))
        if session is None or not self._is_live(session, at):
            return None
        if at - session.last_seen_at >= SEEN_AT_MOST_EVERY:
            token_hash = session.token_hash
            await self._database.runner.run(
                lambda client: rows.mark_seen(client, token_hash, at=at), lane=_lane(token_hash)
            )
        return SessionIdentity(
            session.token_hash,
            session.issuer,
            session.subject,
            session.email,
            session.name,
            session.authenticated_at,
            session.expires_at,
        )

    async def is_live(self, token_hash: str, *, at: datetime) -> bool:
        """Return whether a session recognized earlier still lives: what a long-lived socket asks now and then."""
        session = await rows.find(self._database.reader, token_hash)
        return session is not None and self._is_live(session, at)

    async def live_among(self, token_hashes: Collection[str], *, at: datetime) -> frozenset[str]:
        """Return which of these sessions still live."""
        found = await rows.find_many(self._database.reader, token_hashes) if token_hashes else []
        return frozenset(session.token_hash for session in found if self._is_live(session, at))

    async def revoke(self, token: str, *, at: datetime) -> None:
        """End the session that `token` opens, if there is one."""
        token_hash = hash_of(token)
        await self._database.runner.run(lambda client: rows.revoke(client, token_hash, at=at), lane=_lane(token_hash))

    async def revoke_account(self, *, issuer: str, subject: str, at: datetime) -> int:
        """End every session of an account, on every device, and return how many there were."""
        return await self._database.runner.run(
            lambda client: rows.revoke_account(client, issuer, subject, at=at), lane=_lane(subject)
        )

    async def purge(self, *, before: datetime) -> int:
        """Delete some sessions that expired before `before`, and return how many; 0 means that none are left."""
        return await self._database.runner.run(
            lambda client: rows.delete_expired(client, before=before, count_max=PURGED_AT_ONCE_MAX),
            lane=_lane("purge"),
        )

    def _is_live(self, session: rows.Session, at: datetime) -> bool:
        idle_until = session.last_seen_at + self.lifetimes.idle
        return session.revoked_at is None and at < session.expires_at and at < idle_until


def hash_of(token: str) -> str:
    """Return the form in which a token is kept. It is random enough to need neither salt nor a slow hash."""
    return sha256(token.encode(errors="replace")).hexdigest()


def cookie_request_allowed(headers: Mapping[str, str], allowed_origins: frozenset[str]) -> bool:
    """Return whether a state-changing request that carries only a cookie may act.

    A form on a foreign page can send our cookie, but neither a JSON content type nor our origin.
    """
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" and from_allowed_origin(headers, allowed_origins)


def from_allowed_origin(headers: Mapping[str, str], allowed_origins: frozenset[str]) -> bool:
    """Return whether the browser says that one of our own pages sent this request.

    >>> from_allowed_origin({"origin": "https://billing.example"}, frozenset({"https://billing.example"}))
    True
    >>> from_allowed_origin({"origin": "null"}, frozenset({"https://billing.example"}))
    False
    >>> from_allowed_origin({}, frozenset({"https://billing.example"}))
    False
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is None:
        return site == "same-origin"
    return origin in allowed_origins and site != "cross-site"


def _lane(name: str) -> str:
    return f"sessions:{name}"
