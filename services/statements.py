"""What is on an issued invoice, and what has been settled on it since?

Reading only, in a fixed number of statements: everything a document needs, as it was frozen. The rate of the tax is
not on the invoice; it is taken from the plan the invoice was drawn by, and only where it reproduces the frozen tax.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from billing.money import Money
from models import invoices, members, organizations, plans
from models import payments as settlements
from models.sql import Client

DRAFT = "DRAFT"
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Statement:
    """One issued invoice with its lines, the members' parts, and everything paid or credited on it."""

    organization: organizations.Organization
    invoice: invoices.Invoice
    lines: tuple[invoices.InvoiceLine, ...]
    shares: tuple[invoices.InvoiceShare, ...]
    member_names: Mapping[str, str]
    payments: tuple[settlements.Payment, ...]
    credit_notes: tuple[settlements.CreditNote, ...]
    tax_percent: Fraction | None


async def load(client: Client, organization_id: str, invoice_id: str) -> Statement | None:
    """Return an issued invoice in full, or None for a draft and for one that the organization does not have."""
    organization = await organizations.find(client, organization_id)
    invoice = await invoices.find(client, organization_id, invoice_id)
    if organization is None or invoice is None or invoice.status == DRAFT:
        return None
    shares = await invoices.shares_of(client, organization_id, [invoice_id])
    return Statement(
        organization=organization,
        invoice=invoice,
        lines=tuple(await invoices.lines_of(client, organization_id, [invoice_id])),
        shares=tuple(shares),
        member_names=await _names(client, invoice, sorted({str(share.member_id) for share in shares})),
        payments=tuple(await settlements.of_invoices(client, organization_id, [invoice_id])),
        credit_notes=tuple(await settlements.credit_notes_of(client, organization_id, [invoice_id])),
        tax_percent=await _tax_percent(client, invoice),
    )


async def _names(client: Client, invoice: invoices.Invoice, member_ids: list[str]) -> dict[str, str]:
    """Return the members' names as they were frozen; an invoice from before names were has today's."""
    if invoice.frozen is not None:
        return dict(invoice.frozen["members"])
    return await members.names(client, invoice.organization_id, member_ids)


async def _tax_percent(client: Client, invoice: invoices.Invoice) -> Fraction | None:
    """Return the rate that gives the frozen tax: that of the plan which begins at the boundary, or else of the last."""
    subtotal = Money(invoice.subtotal_minor, invoice.currency)
    frozen = Money(invoice.tax_minor, invoice.currency), Money(invoice.included_tax_minor, invoice.currency)
    for at in (invoice.boundary_at, invoice.boundary_at - _INSTANT):
        subscription = await plans.at_instant(client, invoice.organization_id, at)
        tax = subscription.as_rule().tax if subscription else None
        if tax is not None and tax.split(subtotal) == frozen:
            return tax.percent
    return None
