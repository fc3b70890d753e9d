"""Which browser sessions were opened, and which of them may still be used?

Only the SHA-256 of a session's token is kept: who reads this table cannot sign in with what it finds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tortoise.fields import TextField
from tortoise.models import Model

from billing.periods import to_microseconds
from models.fields import InstantField, code
from models.sql import Client, Statement


class Session(Model):
    """One signed-in browser of one account, `(issuer, subject)`.

    `organization_id` and `provider_id` name the provider that vouched, where it is an organization's own;
    `provider_session` is what that provider calls the session, and `id_token`, sealed, what it said.
    """

    token_hash: str = code(primary_key=True)
    issuer = TextField()
    subject = TextField()
    email = TextField()
    name = TextField()
    organization_id: str | None = code(null=True)
    provider_id: str | None = code(null=True)
    provider_session: str | None = TextField(null=True)
    id_token: str | None = TextField(null=True)
    user_agent = TextField()
    created_at: datetime = InstantField()  # type: ignore[assignment]
    authenticated_at: datetime = InstantField()  # type: ignore[assignment]
    last_seen_at: datetime = InstantField()  # type: ignore[assignment]
    expires_at: datetime = InstantField()  # type: ignore[assignment]
    revoked_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "sessions"


@dataclass(frozen=True, slots=True)
class Vouched:
    """The sessions a provider vouched for: all of a subject, or the ones it calls by one name."""

    issuer: str
    organization_id: str | None
    provider_id: str | None
    subject: str | None
    provider_session: str | None

    def __post_init__(self) -> None:
        assert self.subject is not None or self.provider_session is not None, "never every session of a provider"


_DELETE_EXPIRED = Statement(
    """
    DELETE FROM sessions WHERE token_hash IN (
        SELECT token_hash FROM sessions WHERE expires_at < :before ORDER BY expires_at LIMIT :count_max
    )
    """
)


async def insert(client: Client, session: Session) -> None:
    """Insert a new session."""
    await session.save(using_db=client, force_create=True)


async def find(client: Client, token_hash: str) -> Session | None:
    """Return the session with this hash, live or not."""
    return await Session.get_or_none(token_hash=token_hash, using_db=client)


async def mark_seen(client: Client, token_hash: str, *, at: datetime) -> int:
    """Move the last sign of life forward, never back, unless the session was revoked."""
    live = Session.filter(token_hash=token_hash, revoked_at__isnull=True, last_seen_at__lt=at)
    return await live.using_db(client).update(last_seen_at=at)


async def revoke(client: Client, token_hash: str, *, at: datetime) -> int:
    """End one session; return 0 where there was none to end."""
    live = Session.filter(token_hash=token_hash, revoked_at__isnull=True)
    return await live.using_db(client).update(revoked_at=at)


async def revoke_account(client: Client, issuer: str, subject: str, *, at: datetime, but: Sequence[str] = ()) -> int:
    """End every session of an account except those with the hashes in `but`, and return how many there were."""
    live = Session.filter(issuer=issuer, subject=subject, revoked_at__isnull=True)
    if but:
        live = live.exclude(token_hash__in=list(but))
    return await live.using_db(client).update(revoked_at=at)


async def revoke_at_provider(client: Client, vouched: Vouched, *, at: datetime) -> int:
    """End the sessions that a provider says are over, and return how many there were."""
    live = Session.filter(
        issuer=vouched.issuer,
        organization_id=vouched.organization_id,
        provider_id=vouched.provider_id,
        revoked_at__isnull=True,
    )
    if vouched.provider_session is not None:
        live = live.filter(provider_session=vouched.provider_session)
    if vouched.subject is not None:
        live = live.filter(subject=vouched.subject)
    return await live.using_db(client).update(revoked_at=at)


async def revoke_of_provider(client: Client, organization_id: str, provider_id: str, *, at: datetime) -> int:
    """End every session that came through an organization's provider, and return how many there were."""
    live = Session.filter(organization_id=organization_id, provider_id=provider_id, revoked_at__isnull=True)
    return await live.using_db(client).update(revoked_at=at)


async def list_live(client: Client, issuer: str, subject: str, *, at: datetime, limit: int) -> list[Session]:
    """Return the sessions of an account that were neither ended nor are too old, newest first."""
    live = Session.filter(issuer=issuer, subject=subject, revoked_at__isnull=True, expires_at__gt=at)
    return await live.using_db(client).order_by("-created_at", "token_hash").limit(limit)


async def find_many(client: Client, token_hashes: Sequence[str]) -> list[Session]:
    """Return the sessions with these hashes, live or not, in no particular order."""
    return await Session.filter(token_hash__in=list(token_hashes)).using_db(client)


async def delete_expired(client: Client, *, before: datetime, count_max: int) -> int:
    """Delete up to `count_max` sessions that expired before `before`, and return how many went."""
    return await _DELETE_EXPIRED.run(client, before=to_microseconds(before), count_max=count_max)
