"""Turn a draft into an invoice: number, credits, digest, and the note that its boundary is closed.

A draft may be drawn as often as the facts change. Finalizing draws it one last time, and from then on nothing about
it moves but its status: the digest covers everything it says.
"""

from hashlib import sha256
from typing import Any

from billing import explanations
from billing.invoices import Draft
from billing.lines import Line
from billing.money import decimal_text
from billing.periods import add_days
from models import invoices as rows
from models import members, sellers
from models.fields import dump
from services import balances, credits, drafts
from services.unit import Unit

NET_TERMS_DAYS = 30
FROZEN = frozenset({"digest", "status"})  # what the digest cannot cover: itself, and the one thing that moves


async def save_draft(unit: Unit, drafted: drafts.Drafted) -> str:
    """Keep a draft without a number, for as long as late usage may still change it."""
    invoice, lines, shares = await _rows(unit, drafted)
    await rows.insert(unit.client, invoice, lines, shares)
    unit.emit("InvoiceDrafted", {"invoiceId": invoice.id, "total": drafted.draft.total.amount})
    return invoice.id


async def finalize(unit: Unit, drafted: drafts.Drafted, *, replaces: str | None = None) -> str:
    """Issue the invoice of a boundary: its number, its credits and its digest are final from here on.

    `replaces` is the number of the voided invoice in whose place it stands.
    """
    await rows.delete_draft(unit.client, unit.organization_id, drafted.period.end)
    invoice, lines, shares = await _rows(unit, drafted)
    invoice.frozen["replaces"] = replaces
    organization = unit.organization
    number = await rows.next_number(unit.client, organization.seller)
    contract = drafted.terms.contract
    invoice.number = f"{organization.seller}-{number:06d}"
    invoice.status = "FINALIZED"
    invoice.issued_at = unit.at
    net_terms = contract.net_terms_days if contract else NET_TERMS_DAYS
    invoice.due_at = add_days(unit.at, net_terms, organization.time_zone)
    invoice.balance_before_minor = await balances.owed_minor(unit.client, unit.organization_id)
    invoice.credits_minor = await credits.apply(unit, invoice.id, drafted.draft.total)
    invoice.digest = digest(invoice, lines, shares)
    if invoice.total_minor - invoice.credits_minor <= 0:
        invoice.status = "PAID"
    await rows.insert(unit.client, invoice, lines, shares)
    facts = {"invoiceId": invoice.id, "number": invoice.number, "status": invoice.status}
    money = {"total": drafted.draft.total.amount, "currency": invoice.currency}
    unit.emit("InvoiceFinalized", {**facts, **money})
    return invoice.id


def digest(invoice: rows.Invoice, lines: list[rows.InvoiceLine], shares: list[rows.InvoiceShare]) -> str:
    """Return a digest over everything the invoice says, so that a change of any of it can be found."""
    document = {
        "invoice": _plain(invoice, without=FROZEN),
        "lines": [_plain(line) for line in sorted(lines, key=lambda line: line.position)],
        "shares": [_plain(share) for share in sorted(shares, key=lambda share: share.id)],
    }
    return sha256(dump(document).encode()).hexdigest()


async def _rows(
    unit: Unit, drafted: drafts.Drafted
) -> tuple[rows.Invoice, list[rows.InvoiceLine], list[rows.InvoiceShare]]:
    draft = drafted.draft
    invoice = rows.Invoice(
        organization_id=unit.organization_id,
        id=unit.new_id("invoice"),
        number=None,
        status="DRAFT",
        boundary_at=drafted.period.end,
        period_start=drafted.period.start,
        period_end=drafted.period.end,
        currency=draft.currency,
        subtotal_minor=draft.subtotal.minor,
        tax_minor=draft.tax.minor,
        included_tax_minor=draft.included_tax.minor,
        total_minor=draft.total.minor,
        credits_minor=0,
        balance_before_minor=0,
        plan_key=drafted.terms.plan.key,
        plan_version=drafted.terms.plan.version,
        locale=unit.organization.locale,
        bill_to=_bill_to(unit, drafted),
        frozen=await _frozen(unit, draft),
        digest=None,
        issued_at=None,
        due_at=None,
    )
    numbered = list(enumerate(draft.lines, start=1))
    lines = [_line_row(unit, invoice.id, position, line) for position, line in numbered]
    shares = [row for position, line in numbered for row in _share_rows(unit, invoice.id, position, line)]
    return invoice, lines, shares


async def _frozen(unit: Unit, draft: Draft) -> dict[str, Any]:
    """Return what the invoice says of people, the seller and tax: as it is today, whatever it becomes."""
    member_ids = sorted({share.member_id for line in draft.lines for share in line.shares})
    return {
        "members": await members.names(unit.client, unit.organization_id, member_ids),
        "seller": await sellers.find(unit.client, unit.organization.seller),
        "time_zone": unit.organization.time_zone,
        "tax_exemption": draft.exemption,
        "nets": {line.key: net.minor for line, net in draft.nets if net != line.amount},
        "tax_rates": [
            {"percent": decimal_text(rate.percent), "base_minor": rate.base.minor, "tax_minor": rate.amount.minor}
            for rate in draft.tax_rates
        ],
    }


def _bill_to(unit: Unit, drafted: drafts.Drafted) -> dict[str, object]:
    contract = drafted.terms.contract
    entity = dict(unit.organization.bill_to)
    if contract is not None and contract.bill_to is not None:
        named = contract.bill_to
        entity |= {"legal_name": named.legal_name, "address_lines": list(named.address_lines), "tax_id": named.tax_id}
        entity |= {"country": named.country, "email": named.email}
    if contract is not None:
        entity |= {"contract": contract.number, "purchase_order": contract.purchase_order}
    return entity


def _line_row(unit: Unit, invoice_id: str, position: int, line: Line) -> rows.InvoiceLine:
    return rows.InvoiceLine(
        organization_id=unit.organization_id,
        id=unit.new_id("invoice_line"),
        invoice_id=invoice_id,
        position=position,
        key=line.key,
        item_key=line.item_key,
        description=line.description,
        period_start=line.period.start,
        period_end=line.period.end,
        quantity=line.quantity_text,
        unit=line.unit,
        amount_minor=line.amount.minor,
        explanation=explanations.to_document(line.explanation),
    )


def _share_rows(unit: Unit, invoice_id: str, position: int, line: Line) -> list[rows.InvoiceShare]:
    return [
        rows.InvoiceShare(
            organization_id=unit.organization_id,
            id=unit.new_id("invoice_share"),
            invoice_id=invoice_id,
            line_position=position,
            member_id=share.member_id,
            model=share.model,
            direction=share.direction,
            quantity=str(share.quantity),
            cost_nanos=share.cost_nanos,
            amount_minor=share.amount.minor,
        )
        for share in line.shares
    ]


def _plain(
    row: rows.Invoice | rows.InvoiceLine | rows.InvoiceShare, *, without: frozenset[str] = frozenset()
) -> object:
    known = without if getattr(row, "frozen", None) is not None else without | {"frozen"}  # older ones have none
    return {
        name: value.isoformat() if hasattr(value := getattr(row, name), "isoformat") else value
        for name in sorted(row._meta.fields_map)
        if name not in known
    }
