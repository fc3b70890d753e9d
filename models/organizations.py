"""Which organizations are there, and whose turn is it to write?

The organization's row is also its lock: every transaction of an organization takes it first, so that whatever a
service reads stays true until it commits, and two processes never decide on the same balance at once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model

from models.fields import DocumentField, InstantField, code
from models.paging import Page, Window, page
from models.selecting import Select


class Organization(Model):
    """A customer: the owner of everything else."""

    organization_id: str = code(primary_key=True)
    slug: str = code()
    name = fields.TextField()
    seller: str = code()
    currency: str = code()
    time_zone: str = code()
    locale: str = code()
    status: str = code()
    bill_to: Any = DocumentField()
    invoice_grace_seconds = fields.BigIntField()
    evaluation_ends_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    test_clock_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    event_sequence = fields.BigIntField()
    created_at: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "organizations"


_BY_ID = Select(Organization, "WHERE organization_id = :organization_id")
_BY_IDS = Select(Organization, "WHERE organization_id IN :organization_ids[]")
_LOCKED = Select(Organization, "WHERE organization_id = :organization_id FOR UPDATE")


async def lock(client: BaseDBAsyncClient, organization_id: str) -> Organization | None:
    """Take the organization's turn to write, and return its row as it is now; None where there is none.

    Whoever had to wait for it is given the row as the one before left it. On SQLite the transaction is exclusive
    already.
    """
    select = _BY_ID if client.capabilities.dialect == "sqlite" else _LOCKED
    return await select.first(client, organization_id=organization_id)


async def find(client: BaseDBAsyncClient, organization_id: str) -> Organization | None:
    """Return one organization by id."""
    return await _BY_ID.first(client, organization_id=organization_id)


async def find_by_slug(client: BaseDBAsyncClient, slug: str) -> Organization | None:
    """Return one organization by slug."""
    return await Organization.filter(slug=slug).using_db(client).first()


async def find_many(client: BaseDBAsyncClient, organization_ids: Sequence[str]) -> list[Organization]:
    """Return those of the given organizations that exist, in no particular order."""
    return await _BY_IDS.all(client, organization_ids=organization_ids)


async def page_of(client: BaseDBAsyncClient, organization_ids: Sequence[str], window: Window) -> Page[Organization]:
    """Return one page of the given organizations, oldest first."""
    query = Organization.filter(organization_id__in=list(organization_ids)).using_db(client)
    return await page(query, window, key="organization_id")


async def all_ids(client: BaseDBAsyncClient, *, after: str, limit: int) -> list[str]:
    """Return up to `limit` ids of organizations after the given one, for work that visits every organization."""
    query = Organization.filter(organization_id__gt=after).using_db(client).order_by("organization_id").limit(limit)
    return [str(found) for found in await query.values_list("organization_id", flat=True)]


async def count(client: BaseDBAsyncClient) -> int:
    """Return how many organizations there are."""
    return await Organization.all().using_db(client).count()


async def insert(client: BaseDBAsyncClient, organization: Organization) -> None:
    """Insert a new organization."""
    await organization.save(using_db=client, force_create=True)


async def update(client: BaseDBAsyncClient, organization_id: str, **columns: Any) -> None:
    """Change columns of one organization."""
    await Organization.filter(organization_id=organization_id).using_db(client).update(**columns)
