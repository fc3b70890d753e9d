"""Which prepaid credit was granted, and what became of it?

A grant's balance is the sum of its entries; an entry is never changed. Drawing, returning and expiring are entries.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model

from billing import credits as rules
from billing.money import Money
from models.fields import InstantField, code
from models.paging import Page, Window, page
from models.sql import Statement


class CreditGrant(Model):
    """Credit an organization may draw on until it expires."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    amount_minor = fields.BigIntField()
    currency: str = code()
    priority = fields.BigIntField()
    kind: str = code()
    reason = fields.TextField()
    granted_at: datetime = InstantField()  # type: ignore[assignment]
    expires_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "credit_grants"

    def as_rule(self) -> rules.Grant:
        """Return the grant as the rules know it."""
        amount = Money(self.amount_minor, self.currency)
        kind = rules.GrantKind(self.kind)
        return rules.Grant(self.id, amount, self.granted_at, self.priority, self.expires_at, kind)


class CreditEntry(Model):
    """One movement of one grant: above zero it adds, below it takes."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    grant_id: str = code()
    kind: str = code()
    amount_minor = fields.BigIntField()
    invoice_id: str | None = code(null=True)
    occurred_at: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "credit_entries"


_WITH_BALANCE = Statement("""
    SELECT grant_id FROM credit_entries
    WHERE organization_id = :organization_id
    GROUP BY grant_id HAVING sum(amount_minor) > 0
    ORDER BY grant_id LIMIT 10000
""")
_BALANCES = Statement("""
    SELECT grant_id, CAST(sum(amount_minor) AS BIGINT) AS balance_minor FROM credit_entries
    WHERE organization_id = :organization_id AND grant_id IN :grant_ids[]
    GROUP BY grant_id
""")
_NEXT_EXPIRY = Statement("""
    SELECT min(expires_at) AS expires_at FROM (
        SELECT g.expires_at FROM credit_grants g
        JOIN credit_entries e ON e.organization_id = g.organization_id AND e.grant_id = g.id
        WHERE g.organization_id = :organization_id AND g.expires_at IS NOT NULL
        GROUP BY g.id, g.expires_at HAVING sum(e.amount_minor) > 0
    ) AS open_grants
""")


async def open_ledger(client: BaseDBAsyncClient, organization_id: str) -> tuple[list[CreditGrant], list[CreditEntry]]:
    """Return the grants that still have something, and every movement of them."""
    ids = [row["grant_id"] for row in await _WITH_BALANCE.rows(client, organization_id=organization_id)]
    grants = await CreditGrant.filter(organization_id=organization_id, id__in=ids).using_db(client).order_by("id")
    entries = CreditEntry.filter(organization_id=organization_id, grant_id__in=ids).using_db(client)
    return grants, await entries.order_by("id")


async def next_expiry_microseconds(client: BaseDBAsyncClient, organization_id: str) -> int | None:
    """Return when the next grant that still has something expires, in microseconds."""
    row = await _NEXT_EXPIRY.first(client, organization_id=organization_id)
    return row["expires_at"] if row else None


async def insert_grant(client: BaseDBAsyncClient, **columns: Any) -> CreditGrant:
    """Keep a grant."""
    return await CreditGrant.create(using_db=client, **columns)


async def insert_entry(client: BaseDBAsyncClient, **columns: Any) -> None:
    """Keep a movement."""
    await CreditEntry.create(using_db=client, **columns)


async def entries_of_invoice(client: BaseDBAsyncClient, organization_id: str, invoice_id: str) -> list[CreditEntry]:
    """Return what an invoice drew and gave back."""
    query = CreditEntry.filter(organization_id=organization_id, invoice_id=invoice_id)
    return await query.using_db(client).order_by("id").limit(10_000)


async def find_many(client: BaseDBAsyncClient, organization_id: str, grant_ids: Sequence[str]) -> list[CreditGrant]:
    """Return grants by id, in no particular order."""
    return await CreditGrant.filter(organization_id=organization_id, id__in=list(grant_ids)).using_db(client)


async def find_entry(client: BaseDBAsyncClient, organization_id: str, entry_id: str) -> CreditEntry | None:
    """Return one movement by id."""
    return await CreditEntry.filter(organization_id=organization_id, id=entry_id).using_db(client).first()


async def balances_minor(client: BaseDBAsyncClient, organization_id: str, grant_ids: Sequence[str]) -> dict[str, int]:
    """Return what is left of grants, in minor units, by id."""
    rows = await _BALANCES.rows(client, organization_id=organization_id, grant_ids=grant_ids)
    return {row["grant_id"]: row["balance_minor"] for row in rows}


async def page_of(client: BaseDBAsyncClient, organization_id: str, window: Window) -> Page[CreditGrant]:
    """Return one page of grants, newest first."""
    return await page(CreditGrant.filter(organization_id=organization_id).using_db(client), window, descending=True)


async def count(client: BaseDBAsyncClient, organization_id: str) -> int:
    """Return how many grants there are."""
    return await CreditGrant.filter(organization_id=organization_id).using_db(client).count()


async def page_of_entries(client: BaseDBAsyncClient, organization_id: str, window: Window) -> Page[CreditEntry]:
    """Return one page of movements, newest first."""
    return await page(CreditEntry.filter(organization_id=organization_id).using_db(client), window, descending=True)


async def count_entries(client: BaseDBAsyncClient, organization_id: str) -> int:
    """Return how many movements there are."""
    return await CreditEntry.filter(organization_id=organization_id).using_db(client).count()
