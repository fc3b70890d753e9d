"""With which tokens does a directory push people, and whose authority does it act with?

Only the SHA-256 of a token is kept: who reads this table cannot use what it finds.
"""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.expressions import Q
from tortoise.models import Model

from models.fields import DocumentField, InstantField, code
from models.paging import Page, Window, page
from models.sql import Client


class ScimToken(Model):
    """A directory's way in. `role` and `permissions` are those of whoever made it, as they were then."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    name = fields.TextField()
    token_hash: str = code()
    ending: str = code()
    role: str = code()
    permissions: Any = DocumentField()
    created_by: str = code()
    created_at: datetime = InstantField()  # type: ignore[assignment]
    last_used_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    revoked_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "scim_tokens"


async def insert(client: Client, **columns: Any) -> ScimToken:
    """Keep a new token."""
    return await ScimToken.create(using_db=client, **columns)


async def find(client: Client, organization_id: str, token_id: str) -> ScimToken | None:
    """Return one token by its id, revoked or not."""
    return await ScimToken.filter(organization_id=organization_id, id=token_id).using_db(client).first()


async def find_live(client: Client, token_hash: str) -> ScimToken | None:
    """Return the token of this hash, unless it was revoked. It alone says which organization is meant."""
    return await ScimToken.filter(token_hash=token_hash, revoked_at__isnull=True).using_db(client).first()


async def page_of(client: Client, organization_id: str, window: Window) -> Page[ScimToken]:
    """Return one page of an organization's tokens, oldest first."""
    return await page(ScimToken.filter(organization_id=organization_id).using_db(client), window)


async def count(client: Client, organization_id: str) -> int:
    """Return how many tokens an organization has or had."""
    return await ScimToken.filter(organization_id=organization_id).using_db(client).count()


async def count_live(client: Client, organization_id: str) -> int:
    """Return how many tokens of an organization still do."""
    return await ScimToken.filter(organization_id=organization_id, revoked_at__isnull=True).using_db(client).count()


async def revoke(client: Client, organization_id: str, token_id: str, *, at: datetime) -> None:
    """End a token for good."""
    await ScimToken.filter(organization_id=organization_id, id=token_id).using_db(client).update(revoked_at=at)


async def note_use(client: Client, organization_id: str, token_id: str, *, at: datetime) -> None:
    """Move the last use forward, never back."""
    earlier = Q(last_used_at__isnull=True) | Q(last_used_at__lt=at)
    query = ScimToken.filter(earlier, organization_id=organization_id, id=token_id)
    await query.using_db(client).update(last_used_at=at)
