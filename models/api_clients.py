"""Which programs may call us, for whom, and how do they prove themselves?

A client belongs to one organization. A partner's client sees nothing of its own organization, and of others only what
each of them granted it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.expressions import Q
from tortoise.models import Model

from billing.periods import from_microseconds
from models.fields import DocumentField, InstantField, code
from models.paging import Page, Window, page
from models.sql import Client, Statement

SECRETS_MAX = 2
GRANTS_MAX = 500
_GRANTS = Statement("""
    SELECT g.client_organization_id, g.client_id, g.scopes, g.granted_at, c.name
    FROM api_client_grants g
    JOIN api_clients c ON c.organization_id = g.client_organization_id AND c.id = g.client_id
    WHERE g.organization_id = :organization_id ORDER BY g.granted_at, g.client_id LIMIT :grants_max
""")


class ApiClient(Model):
    """A program with an identity of its own."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    name = fields.TextField()
    is_partner = fields.IntField()
    scopes: Any = DocumentField()
    jwks: Any = DocumentField(null=True)
    created_by: str = code()
    created_at: datetime = InstantField()  # type: ignore[assignment]
    last_used_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    revoked_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "api_clients"


class ApiClientSecret(Model):
    """One secret of a client, as its SHA-256; `ending` tells people which one it is."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    client_id: str = code()
    secret_hash: str = code()
    ending: str = code()
    created_at: datetime = InstantField()  # type: ignore[assignment]
    expires_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "api_client_secrets"


class ApiClientGrant(Model):
    """What an organization lets a partner's client do."""

    organization_id: str = code()
    client_organization_id: str = code()
    client_id: str = code(primary_key=True)
    scopes: Any = DocumentField()
    granted_by: str = code()
    granted_at: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "api_client_grants"


@dataclass(frozen=True, slots=True)
class Scoped:
    """An organization that a client may act in, and what it may do there."""

    organization_id: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class NamedGrant:
    """What an organization lets a partner's client do, with the name the partner gave it."""

    client_organization_id: str
    client_id: str
    name: str
    scopes: tuple[str, ...]
    granted_at: datetime


async def insert(client: Client, **columns: Any) -> ApiClient:
    """Insert and return a new API client."""
    return await ApiClient.create(using_db=client, **columns)


async def insert_secret(client: Client, **columns: Any) -> None:
    """Insert a new secret."""
    await ApiClientSecret.create(using_db=client, **columns)


async def find(client: Client, organization_id: str, client_id: str) -> ApiClient | None:
    """Return one API client, revoked or not."""
    return await ApiClient.filter(organization_id=organization_id, id=client_id).using_db(client).first()


async def find_many(client: Client, organization_id: str, ids: Sequence[str]) -> list[ApiClient]:
    """Return those of the given API clients that exist, in no particular order."""
    return await ApiClient.filter(organization_id=organization_id, id__in=list(ids)).using_db(client)


async def page_of(client: Client, organization_id: str, window: Window) -> Page[ApiClient]:
    """Return one page of an organization's API clients, oldest first."""
    return await page(ApiClient.filter(organization_id=organization_id).using_db(client), window)


async def count(client: Client, organization_id: str) -> int:
    """Return how many API clients an organization has or had."""
    return await ApiClient.filter(organization_id=organization_id).using_db(client).count()


async def update(client: Client, organization_id: str, client_id: str, **columns: Any) -> None:
    """Change columns of one API client."""
    await ApiClient.filter(organization_id=organization_id, id=client_id).using_db(client).update(**columns)


async def note_use(client: Client, organization_id: str, client_id: str, *, at: datetime) -> None:
    """Move the last use forward, never back."""
    earlier = Q(last_used_at__isnull=True) | Q(last_used_at__lt=at)
    query = ApiClient.filter(earlier, organization_id=organization_id, id=client_id)
    await query.using_db(client).update(last_used_at=at)


async def secrets_of(client: Client, organization_id: str, ids: Sequence[str]) -> list[ApiClientSecret]:
    """Return the secrets of API clients, oldest first."""
    query = ApiClientSecret.filter(organization_id=organization_id, client_id__in=list(ids)).using_db(client)
    return await query.order_by("id").limit(SECRETS_MAX * max(len(ids), 1))


async def expire_secret(client: Client, organization_id: str, secret_id: str, *, at: datetime) -> None:
    """Let a secret end at that instant."""
    query = ApiClientSecret.filter(organization_id=organization_id, id=secret_id)
    await query.using_db(client).update(expires_at=at)


async def delete_secret(client: Client, organization_id: str, secret_id: str) -> None:
    """Delete one secret."""
    await ApiClientSecret.filter(organization_id=organization_id, id=secret_id).using_db(client).delete()


async def grants_to(client: Client, client_organization_id: str, client_id: str) -> list[Scoped]:
    """Return what each organization granted a client."""
    query = ApiClientGrant.filter(client_organization_id=client_organization_id, client_id=client_id).using_db(client)
    rows = await query.order_by("organization_id").limit(1000)
    return [Scoped(row.organization_id, frozenset(row.scopes)) for row in rows]


async def grants_of(client: Client, organization_id: str) -> list[NamedGrant]:
    """Return the grants an organization has given, oldest first."""
    found = await _GRANTS.rows(client, organization_id=organization_id, grants_max=GRANTS_MAX)
    return [
        NamedGrant(
            row["client_organization_id"],
            row["client_id"],
            row["name"],
            tuple(json.loads(row["scopes"])),
            from_microseconds(row["granted_at"]),
        )
        for row in found
    ]


async def count_grants(client: Client, organization_id: str) -> int:
    """Return how many partners' clients see an organization."""
    return await ApiClientGrant.filter(organization_id=organization_id).using_db(client).count()


async def insert_grant(client: Client, **columns: Any) -> None:
    """Insert a new grant."""
    await ApiClientGrant.create(using_db=client, **columns)


async def delete_grant(client: Client, organization_id: str, client_organization_id: str, client_id: str) -> int:
    """Delete a grant; return 0 where there was none."""
    query = ApiClientGrant.filter(
        organization_id=organization_id, client_organization_id=client_organization_id, client_id=client_id
    )
    return await query.using_db(client).delete()
