"""Is this browser signed in, as whom, and for how long?

A session lives on the server. The browser holds 256 random bits and we hold their SHA-256, so neither a stolen
database nor a guess opens one. It ends at the first of: signing out, half an hour of silence, twelve hours of age.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from auth.sealing import CannotOpen, Sealer
from models import sessions as rows
from models.database import Database

# A write for every read would be a high price for knowing the last sign of life to the second.
SEEN_AT_MOST_EVERY = timedelta(minutes=1)
TOKEN_LENGTH = 43  # 256 bits in base64url
PURGED_AT_ONCE_MAX = 1_000
USER_AGENT_MAX = 200


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
    organization_id: str | None = None
    provider_id: str | None = None
    is_cookie: bool = True

    @property
    def vouched_for(self) -> frozenset[str] | None:
        """Return the organizations in which this sign-in counts; None is all of them."""
        return None if self.organization_id is None else frozenset({self.organization_id})


@dataclass(frozen=True, slots=True)
class Account:
    """Who signed in, and by whose word. `id_token` is kept sealed, to show to the provider at the end."""

    issuer: str
    subject: str
    email: str
    name: str
    authenticated_at: datetime
    organization_id: str | None = None
    provider_id: str | None = None
    provider_session: str | None = None
    id_token: str | None = field(default=None, repr=False)
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """By which provider an ended session was opened, and what it had said."""

    organization_id: str | None
    provider_id: str | None
    id_token: str | None = field(repr=False)


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

    def __init__(self, database: Database, *, lifetimes: Lifetimes | None = None, sealer: Sealer | None = None) -> None:
        """Keep sessions in `database`; without a sealer, what a provider said is not kept at all."""
        self._database = database
        self._sealer = sealer
        self.lifetimes = lifetimes or Lifetimes()

    async def open(self, account: Account, *, at: datetime) -> str:
        """Open a session for an account that has just signed in, and return its new token."""
        token = secrets.token_urlsafe(32)
        token_hash, id_token = hash_of(token), None
        if account.id_token is not None and self._sealer is not None:
            id_token = self._sealer.seal(account.id_token, place=_place(token_hash))
        session = rows.Session(
            token_hash=token_hash,
            issuer=account.issuer,
            subject=account.subject,
            email=account.email,
            name=account.name,
            organization_id=account.organization_id,
            provider_id=account.provider_id,
            provider_session=account.provider_session,
            id_token=id_token,
            user_agent=account.user_agent[:USER_AGENT_MAX],
            created_at=at,
            authenticated_at=min(account.authenticated_at, at),
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
        return _identity(session)

    async def named(self, token_hash: str, *, at: datetime) -> SessionIdentity | None:
        """Return the live session of that name, or None. To know the name proves nothing."""
        session = await rows.find(self._database.reader, token_hash)
        return _identity(session) if session is not None and self._is_live(session, at) else None

    async def live_among(self, token_hashes: Sequence[str], *, at: datetime) -> set[str]:
        """Return those of the sessions recognized earlier that still live: what open streams ask now and then."""
        found = await rows.find_many(self._database.reader, token_hashes)
        return {session.token_hash for session in found if self._is_live(session, at)}

    async def revoke(self, token: str, *, at: datetime) -> Ended | None:
        """End the session that `token` opens, and return how it was opened; None where there was none alive."""
        token_hash = hash_of(token)
        session = await rows.find(self._database.reader, token_hash)
        if session is None or not self._is_live(session, at):
            return None
        await self._database.runner.run(lambda client: rows.revoke(client, token_hash, at=at), lane=_lane(token_hash))
        id_token = session.id_token
        if id_token is not None:
            try:
                id_token = self._sealer.open(id_token, place=_place(token_hash)) if self._sealer else None
            except CannotOpen:
                id_token = None  # only a hint: the provider asks the person instead
        return Ended(session.organization_id, session.provider_id, id_token)

    async def revoke_at_provider(self, vouched: rows.Vouched, *, at: datetime) -> int:
        """End the sessions that a provider says are over, and return how many there were."""
        return await self._database.runner.run(
            lambda client: rows.revoke_at_provider(client, vouched, at=at), lane=_lane(vouched.issuer)
        )

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


def _identity(session: rows.Session) -> SessionIdentity:
    return SessionIdentity(
        session.token_hash,
        session.issuer,
        session.subject,
        session.email,
        session.name,
        session.authenticated_at,
        session.expires_at,
        session.organization_id,
        session.provider_id,
    )


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


def _place(token_hash: str) -> str:
    return f"sessions/{token_hash}"


def _lane(name: str) -> str:
    return f"sessions:{name}"
