"""Who was asked to come, as what, and did they?

Only the SHA-256 of an invitation's token is kept: who reads this table cannot accept what it finds.
"""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models.fields import InstantField, code
from models.paging import Page, Window, page
from models.sql import Client


class Invitation(Model):
    """One person who was asked to come. It is open until accepted, revoked or expired, whichever is first."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    email: str = code()
    role: str = code()
    tier: str | None = code(null=True)
    token_hash: str = code()
    invited_by = fields.TextField()
    created_at: datetime = InstantField()  # type: ignore[assignment]
    expires_at: datetime = InstantField()  # type: ignore[assignment]
    accepted_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    revoked_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    member_id: str | None = code(null=True)

    class Meta:
        table = "invitations"

    @property
    def is_settled(self) -> bool:
        """Whether it was accepted or revoked."""
        return self.accepted_at is not None or self.revoked_at is not None


async def insert(client: Client, **columns: Any) -> Invitation:
    """Keep a new invitation."""
    return await Invitation.create(using_db=client, **columns)


async def update(client: Client, organization_id: str, invitation_id: str, **columns: Any) -> None:
    """Change columns of one invitation."""
    await _all(organization_id).filter(id=invitation_id).using_db(client).update(**columns)


async def find(client: Client, organization_id: str, invitation_id: str) -> Invitation | None:
    """Return one invitation by id."""
    return await _all(organization_id).filter(id=invitation_id).using_db(client).first()


async def find_by_token(client: Client, token_hash: str) -> Invitation | None:
    """Return the invitation of a token. It alone says which organization is meant."""
    return await Invitation.filter(token_hash=token_hash).using_db(client).first()


async def find_open(client: Client, organization_id: str, email: str, *, at: datetime) -> Invitation | None:
    """Return the open invitation of an address in lower case."""
    return await _open(organization_id, at).filter(email=email).using_db(client).first()


async def find_unsettled(client: Client, organization_id: str, email: str) -> Invitation | None:
    """Return the invitation of an address that was neither accepted nor revoked, expired or not."""
    query = _all(organization_id).filter(accepted_at__isnull=True, revoked_at__isnull=True, email=email)
    return await query.using_db(client).first()


async def page_of(client: Client, organization_id: str, window: Window) -> Page[Invitation]:
    """Return one page of invitations, newest first."""
    return await page(_all(organization_id).using_db(client), window, descending=True)


async def count(client: Client, organization_id: str) -> int:
    """Return how many invitations an organization ever sent."""
    return await _all(organization_id).using_db(client).count()


async def count_open(client: Client, organization_id: str, *, at: datetime) -> int:
    """Return how many invitations can still be accepted."""
    return await _open(organization_id, at).using_db(client).count()


def _all(organization_id: str) -> QuerySet[Invitation]:
    return Invitation.filter(organization_id=organization_id)


def _open(organization_id: str, at: datetime) -> QuerySet[Invitation]:
    return _all(organization_id).filter(accepted_at__isnull=True, revoked_at__isnull=True, expires_at__gt=at)
