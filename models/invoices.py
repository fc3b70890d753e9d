"""What was billed?

An issued invoice is never edited: only its status moves, from FINALIZED to PAID, VOIDED or UNCOLLECTIBLE. Numbers of
one seller run without gaps, because a number is taken in the transaction that finalizes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model

from billing.periods import to_microseconds
from models.fields import DocumentField, InstantField, code
from models.paging import Page, Window, page
from models.selecting import Pages, Select
from models.sql import Row, Statement


class Invoice(Model):
    """The head of an invoice."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    number: str | None = code(null=True)
    status: str = code()
    boundary_at: datetime = InstantField()  # type: ignore[assignment]
    period_start: datetime = InstantField()  # type: ignore[assignment]
    period_end: datetime = InstantField()  # type: ignore[assignment]
    currency: str = code()
    subtotal_minor = fields.BigIntField()
    tax_minor = fields.BigIntField()
    included_tax_minor = fields.BigIntField()
    total_minor = fields.BigIntField()
    credits_minor = fields.BigIntField()
    balance_before_minor = fields.BigIntField()
    plan_key: str = code()
    plan_version = fields.BigIntField()
    locale: str = code()
    bill_to: Any = DocumentField()
    frozen: Any = DocumentField(null=True)
    digest: str | None = code(null=True)
    issued_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    due_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "invoices"


class InvoiceLine(Model):
    """One line, with the explanation that reproduces it."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    invoice_id: str = code()
    position = fields.BigIntField()
    key = fields.TextField()
    item_key = fields.TextField()
    description = fields.TextField()
    period_start: datetime = InstantField()  # type: ignore[assignment]
    period_end: datetime = InstantField()  # type: ignore[assignment]
    quantity = fields.TextField()
    unit = fields.TextField()
    amount_minor = fields.BigIntField()
    explanation: Any = DocumentField()

    class Meta:
        table = "invoice_lines"


class InvoiceShare(Model):
    """One member's part of one line."""

    organization_id = fields.TextField()
    id = fields.CharField(max_length=200, primary_key=True)
    invoice_id = fields.TextField()
    line_position = fields.BigIntField()
    member_id = fields.TextField()
    model = fields.TextField()
    direction = fields.TextField()
    quantity = fields.TextField()
    cost_nanos = fields.BigIntField()
    amount_minor = fields.BigIntField()

    class Meta:
        table = "invoice_shares"


_NEXT_NUMBER = Statement("""
    INSERT INTO number_series (series, last_number) VALUES (:series, 1)
    ON CONFLICT (series) DO UPDATE SET last_number = number_series.last_number + 1
    RETURNING last_number
""")
_CLOSE = Statement("""
    INSERT INTO billing_closes (organization_id, boundary_at, invoice_id, closed_at)
    VALUES (:organization_id, :boundary_at, :invoice_id, :closed_at)
""")
_CLOSE_AGAIN = Statement("""
    UPDATE billing_closes SET invoice_id = :invoice_id, closed_at = :closed_at
    WHERE organization_id = :organization_id AND boundary_at = :boundary_at AND invoice_id = :instead_of
    RETURNING boundary_at
""")
_CLOSED = Statement("""
    SELECT boundary_at, invoice_id FROM billing_closes
    WHERE organization_id = :organization_id AND boundary_at = :boundary_at
""")
_LAST_CLOSE = Statement("""
    SELECT max(boundary_at) AS boundary_at FROM billing_closes WHERE organization_id = :organization_id
""")
_BESIDE = Statement("""
    SELECT CAST(coalesce(sum(l.amount_minor), 0) AS BIGINT) AS total
    FROM invoice_lines l
    JOIN invoices i ON i.organization_id = l.organization_id AND i.id = l.invoice_id
    WHERE l.organization_id = :organization_id AND i.status IN ('FINALIZED', 'PAID', 'UNCOLLECTIBLE')
      AND i.boundary_at > :start AND i.boundary_at <= :until AND l.key NOT LIKE '%/instalment-%'
""")
_TOUCHED = Statement("""
    SELECT 1 AS touched FROM payments WHERE organization_id = :organization_id AND invoice_id = :invoice_id
    UNION ALL
    SELECT 1 AS touched FROM credit_notes WHERE organization_id = :organization_id AND invoice_id = :invoice_id
""")
_BILLED = Statement("""
    SELECT CAST(coalesce(sum(total_minor - credits_minor), 0) AS BIGINT) AS total FROM invoices
    WHERE organization_id = :organization_id AND status IN ('FINALIZED', 'PAID', 'UNCOLLECTIBLE')
""")


async def unpaid(client: BaseDBAsyncClient, organization_id: str) -> list[Invoice]:
    """Return the invoices that are issued and not paid, oldest first."""
    query = Invoice.filter(organization_id=organization_id, status="FINALIZED").using_db(client)
    return await query.order_by("due_at", "id").limit(1_000)


async def billed_beside_instalments(
    client: BaseDBAsyncClient, organization_id: str, *, start: datetime, end: datetime
) -> int:
    """Return what was invoiced for months that end within a time, but for instalments of a contract."""
    row = await _BESIDE.first(
        client, organization_id=organization_id, start=to_microseconds(start), until=to_microseconds(end)
    )
    return int(row["total"]) if row else 0


async def next_number(client: BaseDBAsyncClient, series: str) -> int:
    """Take the next number of a series; the series' row stays locked until the transaction ends."""
    row = await _NEXT_NUMBER.first(client, series=series)
    assert row is not None, "the statement returns the row it writes"
    return int(row["last_number"])


async def insert(
    client: BaseDBAsyncClient, invoice: Invoice, lines: Sequence[InvoiceLine], shares: Sequence[InvoiceShare]
) -> None:
    """Keep an invoice with all its lines and shares."""
    await invoice.save(using_db=client, force_create=True)
    await InvoiceLine.bulk_create(lines, using_db=client)
    await InvoiceShare.bulk_create(shares, using_db=client, batch_size=1_000)


async def delete_draft(client: BaseDBAsyncClient, organization_id: str, boundary_at: datetime) -> None:
    """Forget the draft of a boundary, to be drawn again; an issued invoice is never touched."""
    query = Invoice.filter(organization_id=organization_id, boundary_at=boundary_at, status="DRAFT").using_db(client)
    for draft in await query:
        await InvoiceShare.filter(organization_id=organization_id, invoice_id=draft.id).using_db(client).delete()
        await InvoiceLine.filter(organization_id=organization_id, invoice_id=draft.id).using_db(client).delete()
        await Invoice.filter(organization_id=organization_id, id=draft.id, status="DRAFT").using_db(client).delete()


async def has_payments(client: BaseDBAsyncClient, organization_id: str, invoice_id: str) -> bool:
    """Return whether anything was paid or credited on an invoice."""
    return await _TOUCHED.first(client, organization_id=organization_id, invoice_id=invoice_id) is not None


async def set_status(client: BaseDBAsyncClient, organization_id: str, invoice_id: str, status: str) -> None:
    """Move an invoice to another status: the only change an issued invoice ever sees."""
    await Invoice.filter(organization_id=organization_id, id=invoice_id).using_db(client).update(status=status)


async def find(client: BaseDBAsyncClient, organization_id: str, invoice_id: str) -> Invoice | None:
    """Return one invoice by id."""
    return await Invoice.filter(organization_id=organization_id, id=invoice_id).using_db(client).first()


async def find_by_number(client: BaseDBAsyncClient, number: str) -> Invoice | None:
    """Return the invoice with this number. Numbers are unique over all organizations; for operators only."""
    return await Invoice.filter(number=number).using_db(client).first()


async def issued_after(client: BaseDBAsyncClient, organization_id: str, after: str, *, limit: int) -> list[Invoice]:
    """Return up to `limit` issued invoices whose ids follow the given one."""
    query = Invoice.filter(organization_id=organization_id, id__gt=after, status__not="DRAFT").using_db(client)
    return await query.order_by("id").limit(limit)


async def issued_between(
    client: BaseDBAsyncClient, organization_id: str, first: datetime, last: datetime
) -> list[Invoice]:
    """Return the invoices of the boundaries from `first` to `last`, but for drafts and those that were voided."""
    query = Invoice.filter(organization_id=organization_id, boundary_at__gte=first, boundary_at__lte=last)
    query = query.filter(status__not_in=["DRAFT", "VOIDED"]).using_db(client)
    return await query.order_by("boundary_at", "id").limit(1_000)


async def find_many(client: BaseDBAsyncClient, organization_id: str, invoice_ids: Sequence[str]) -> list[Invoice]:
    """Return invoices by id, in no particular order."""
    return await Invoice.filter(organization_id=organization_id, id__in=list(invoice_ids)).using_db(client)


_PAGES = Pages(Invoice, "organization_id = :organization_id", descending=True)


async def page_of(client: BaseDBAsyncClient, organization_id: str, window: Window, **conditions: Any) -> Page[Invoice]:
    """Return one page of invoices, newest first; `conditions` are column lookups."""
    if not conditions:
        return await _PAGES.page(client, window, organization_id=organization_id)
    query = Invoice.filter(organization_id=organization_id, **conditions).using_db(client)
    return await page(query, window, descending=True)


async def count(client: BaseDBAsyncClient, organization_id: str, **conditions: Any) -> int:
    """Return how many invoices match."""
    return await Invoice.filter(organization_id=organization_id, **conditions).using_db(client).count()


_LINES = Select(
    InvoiceLine,
    "WHERE organization_id = :organization_id AND invoice_id IN :invoice_ids[] ORDER BY invoice_id, position",
)


async def lines_of(client: BaseDBAsyncClient, organization_id: str, invoice_ids: Sequence[str]) -> list[InvoiceLine]:
    """Return the lines of the given invoices, in order."""
    return await _LINES.all(client, organization_id=organization_id, invoice_ids=invoice_ids)


async def shares_of(client: BaseDBAsyncClient, organization_id: str, invoice_ids: Sequence[str]) -> list[InvoiceShare]:
    """Return the members' parts of the given invoices, member by member in the order of the lines."""
    query = InvoiceShare.filter(organization_id=organization_id, invoice_id__in=list(invoice_ids)).using_db(client)
    return await query.order_by("invoice_id", "member_id", "line_position", "id")


async def billed_minor(client: BaseDBAsyncClient, organization_id: str) -> int:
    """Return the sum of all invoices that were issued and not voided, less the prepaid credit they drew."""
    row = await _BILLED.first(client, organization_id=organization_id)
    return int(row["total"]) if row else 0


async def record_close(
    client: BaseDBAsyncClient,
    organization_id: str,
    *,
    boundary_at: datetime,
    invoice_id: str | None,
    at: datetime,
    instead_of: str | None = None,
) -> None:
    """Note that everything due at a boundary has been billed, on this invoice or on none.

    `instead_of` is the voided invoice on which the boundary was closed before.
    """
    note: Row = {
        "organization_id": organization_id,
        "boundary_at": to_microseconds(boundary_at),
        "invoice_id": invoice_id,
        "closed_at": to_microseconds(at),
    }
    if instead_of is None:
        await _CLOSE.run(client, **note)
    else:
        row = await _CLOSE_AGAIN.first(client, instead_of=instead_of, **note)
        assert row is not None, "the boundary was closed on the voided invoice"


async def closed(client: BaseDBAsyncClient, organization_id: str, boundary_at: datetime) -> Row | None:
    """Return the close at a boundary, with its `invoice_id`."""
    return await _CLOSED.first(client, organization_id=organization_id, boundary_at=to_microseconds(boundary_at))


@dataclass(frozen=True, slots=True)
class Billed:
    """A boundary that is closed, and the number of the invoice that billed it; None where nothing was due."""

    number: str | None


async def billed_at(client: BaseDBAsyncClient, organization_id: str, boundary_at: datetime) -> Billed | None:
    """Return how a boundary was billed, or None while it is open."""
    row = await closed(client, organization_id, boundary_at)
    if row is None:
        return None
    invoice = await find(client, organization_id, row["invoice_id"]) if row["invoice_id"] else None
    return Billed(invoice.number if invoice else None)


async def last_boundary_microseconds(client: BaseDBAsyncClient, organization_id: str) -> int | None:
    """Return the newest boundary that was closed, in microseconds."""
    row = await _LAST_CLOSE.first(client, organization_id=organization_id)
    return row["boundary_at"] if row else None
