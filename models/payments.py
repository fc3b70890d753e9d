"""What was paid, how is it paid, and what was given back?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model

from models.fields import InstantField, code
from models.paging import Page, Window, page
from models.sql import Statement


class Payment(Model):
    """Money received for an invoice."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    invoice_id: str = code()
    amount_minor = fields.BigIntField()
    currency: str = code()
    method: str = code()
    reference = fields.TextField()
    received_at: datetime = InstantField()  # type: ignore[assignment]
    recorded_at: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "payments"


class PaymentMethod(Model):
    """How an organization pays; the one without an end is in use."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    kind: str = code()
    label = fields.TextField()
    starts_at: datetime = InstantField()  # type: ignore[assignment]
    ends_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "payment_methods"


class CreditNote(Model):
    """Money given back on an issued invoice, its tax within it."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    number: str = code()
    invoice_id: str = code()
    amount_minor = fields.BigIntField()
    tax_minor = fields.BigIntField()
    currency: str = code()
    reason = fields.TextField()
    issued_at: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "credit_notes"


_SETTLED = Statement("""
    SELECT invoice_id, CAST(sum(amount_minor) AS BIGINT) AS settled FROM (
        SELECT invoice_id, amount_minor FROM payments
        WHERE organization_id = :organization_id AND invoice_id IN :invoice_ids[]
        UNION ALL
        SELECT invoice_id, amount_minor FROM credit_notes
        WHERE organization_id = :organization_id AND invoice_id IN :invoice_ids[]
    ) AS parts GROUP BY invoice_id
""")
_ALL_SETTLED = Statement("""
    SELECT CAST(coalesce(sum(amount_minor), 0) AS BIGINT) AS total FROM (
        SELECT amount_minor FROM payments WHERE organization_id = :organization_id
        UNION ALL
        SELECT amount_minor FROM credit_notes WHERE organization_id = :organization_id
    ) AS parts
""")


async def settled_minor(client: BaseDBAsyncClient, organization_id: str, invoice_ids: Sequence[str]) -> dict[str, int]:
    """Return what was paid and credited on each of the given invoices; a missing one is zero."""
    rows = await _SETTLED.rows(client, organization_id=organization_id, invoice_ids=invoice_ids)
    return {row["invoice_id"]: row["settled"] for row in rows}


async def all_settled_minor(client: BaseDBAsyncClient, organization_id: str) -> int:
    """Return everything the organization paid and was credited."""
    row = await _ALL_SETTLED.first(client, organization_id=organization_id)
    return int(row["total"]) if row else 0


async def insert(client: BaseDBAsyncClient, **columns: Any) -> Payment:
    """Keep a payment."""
    return await Payment.create(using_db=client, **columns)


async def insert_credit_note(client: BaseDBAsyncClient, **columns: Any) -> CreditNote:
    """Keep a credit note."""
    return await CreditNote.create(using_db=client, **columns)


async def replace_method(client: BaseDBAsyncClient, *, at: datetime, **columns: Any) -> PaymentMethod:
    """End the payment method in use and start another."""
    query = PaymentMethod.filter(organization_id=columns["organization_id"], ends_at__isnull=True).using_db(client)
    await query.update(ends_at=at)
    return await PaymentMethod.create(using_db=client, starts_at=at, **columns)


async def find(client: BaseDBAsyncClient, organization_id: str, payment_id: str) -> Payment | None:
    """Return one payment by id."""
    return await Payment.filter(organization_id=organization_id, id=payment_id).using_db(client).first()


async def find_credit_note(client: BaseDBAsyncClient, organization_id: str, credit_note_id: str) -> CreditNote | None:
    """Return one credit note by id."""
    return await CreditNote.filter(organization_id=organization_id, id=credit_note_id).using_db(client).first()


async def of_invoices(client: BaseDBAsyncClient, organization_id: str, invoice_ids: Sequence[str]) -> list[Payment]:
    """Return the payments for the given invoices, oldest first."""
    query = Payment.filter(organization_id=organization_id, invoice_id__in=list(invoice_ids)).using_db(client)
    return await query.order_by("id")


async def credit_notes_of(
    client: BaseDBAsyncClient, organization_id: str, invoice_ids: Sequence[str]
) -> list[CreditNote]:
    """Return the credit notes on the given invoices, oldest first."""
    query = CreditNote.filter(organization_id=organization_id, invoice_id__in=list(invoice_ids)).using_db(client)
    return await query.order_by("id")


async def page_of(client: BaseDBAsyncClient, organization_id: str, window: Window) -> Page[Payment]:
    """Return one page of payments, newest first."""
    return await page(Payment.filter(organization_id=organization_id).using_db(client), window, descending=True)


async def page_of_credit_notes(client: BaseDBAsyncClient, organization_id: str, window: Window) -> Page[CreditNote]:
    """Return one page of credit notes, newest first."""
    return await page(CreditNote.filter(organization_id=organization_id).using_db(client), window, descending=True)


async def methods(client: BaseDBAsyncClient, organization_id: str) -> list[PaymentMethod]:
    """Return the payment methods, the one in use first."""
    query = PaymentMethod.filter(organization_id=organization_id).using_db(client)
    return await query.order_by("-starts_at").limit(100)


async def find_method(client: BaseDBAsyncClient, organization_id: str, method_id: str) -> PaymentMethod | None:
    """Return one payment method by id."""
    return await PaymentMethod.filter(organization_id=organization_id, id=method_id).using_db(client).first()


async def count(client: BaseDBAsyncClient, organization_id: str) -> int:
    """Return how many payments there are."""
    return await Payment.filter(organization_id=organization_id).using_db(client).count()


async def count_credit_notes(client: BaseDBAsyncClient, organization_id: str) -> int:
    """Return how many credit notes there are."""
    return await CreditNote.filter(organization_id=organization_id).using_db(client).count()
