"""With which keys do we sign, and which of them may others still meet?"""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.fields import DocumentField, InstantField, code
from models.sql import Client


class SigningKey(Model):
    """A key pair of ours. `private` is sealed; a key that was replaced signs nothing any more."""

    kid: str = code(primary_key=True)
    algorithm: str = code()
    public: Any = DocumentField()
    private = fields.TextField()
    created_at: datetime = InstantField()  # type: ignore[assignment]
    replaced_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "signing_keys"


async def insert(client: Client, **columns: Any) -> None:
    """Insert a new key."""
    await SigningKey.create(using_db=client, **columns)


async def current(client: Client) -> SigningKey | None:
    """Return the key that signs."""
    return await SigningKey.filter(replaced_at__isnull=True).using_db(client).order_by("-created_at", "kid").first()


async def published(client: Client, *, replaced_after: datetime) -> list[SigningKey]:
    """Return the key that signs and those replaced after that instant, newest first."""
    rows = await SigningKey.all().using_db(client).order_by("-created_at", "kid").limit(100)
    return [row for row in rows if row.replaced_at is None or row.replaced_at > replaced_after]


async def replace_all(client: Client, *, at: datetime) -> int:
    """Let no key sign any more that signs now."""
    return await SigningKey.filter(replaced_at__isnull=True).using_db(client).update(replaced_at=at)


async def delete_replaced(client: Client, *, before: datetime) -> int:
    """Delete the keys replaced before that instant."""
    return await SigningKey.filter(replaced_at__lt=before).using_db(client).delete()
