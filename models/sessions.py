"""Which browser sessions were opened, and which of them may still be used?

Only the SHA-256 of a session's token is kept: who reads this table cannot sign in with what it finds.
"""

from collections.abc import Collection
from datetime import datetime

from tortoise.fields import TextField
from tortoise.models import Model

from billing.periods import to_microseconds
from models.fields import InstantField, code
from models.sql import Client, Statement


class Session(Model):
    """One signed-in browser of one account, `(issuer, subject)`."""

    token_hash: str = code(primary_key=True)
    issuer = TextField()
    subject = TextField()
    email = TextField()
    name = TextField()
    created_at: datetime = InstantField()  # type: ignore[assignment]
    authenticated_at: datetime = InstantField()  # type: ignore[assignment]
    last_seen_at: datetime = InstantField()  # type: ignore[assignment]
    expires_at: datetime = InstantField()  # type: ignore[assignment]
    revoked_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "sessions"


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


async def find_many(client: Client, token_hashes: Collection[str]) -> list[Session]:
    """Return the sessions with these hashes, live or not."""
    return await Session.filter(token_hash__in=list(token_hashes)).using_db(client)


async def mark_seen(client: Client, token_hash: str, *, at: datetime) -> int:
    """Move the last sign of life forward, never back, unless the session was revoked."""
    live = Session.filter(token_hash=token_hash, revoked_at__isnull=True, last_seen_at__lt=at)
    return await live.using_db(client).update(last_seen_at=at)


async def revoke(client: Client, token_hash: str, *, at: datetime) -> int:
    """End one session; return 0 where there was none to end."""
    live = Session.filter(token_hash=token_hash, revoked_at__isnull=True)
    return await live.using_db(client).update(revoked_at=at)


async def revoke_account(client: Client, issuer: str, subject: str, *, at: datetime) -> int:
    """End every session of an account, and return how many there were."""
    live = Session.filter(issuer=issuer, subject=subject, revoked_at__isnull=True)
    return await live.using_db(client).update(revoked_at=at)


async def delete_expired(client: Client, *, before: datetime, count_max: int) -> int:
    """Delete up to `count_max` sessions that expired before `before`, and return how many went."""
    return await _DELETE_EXPIRED.run(client, before=to_microseconds(before), count_max=count_max)
