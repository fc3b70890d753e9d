"""What does a finance person want to see when a customer asks about an invoice?

The whole of it on a terminal: each line with its formula, policies, steps, price version, rounding and sources, and
the sums that must agree. Everything is read from the frozen rows; nothing is computed anew.
"""

from collections.abc import Iterator

from billing import explanations
from billing.money import Money, decimal_text
from models import invoices as rows
from models import organizations
from models.sql import Client

INDENT = "      "


async def explained(client: Client, number: str) -> list[str] | None:
    """Return the lines to print for the invoice with this number, or None where there is none."""
    invoice = await rows.find_by_number(client, number)
    if invoice is None:
        return None
    organization = await organizations.find(client, invoice.organization_id)
    assert organization is not None, "an invoice belongs to an organization"
    lines = await rows.lines_of(client, invoice.organization_id, [invoice.id])
    return [
        *_head(invoice, organization),
        *(text for line in lines for text in _line(line, invoice)),
        *_foot(invoice, lines),
    ]


def _head(invoice: rows.Invoice, organization: organizations.Organization) -> Iterator[str]:
    yield f"Invoice {invoice.number}  {invoice.status}  {organization.name} ({organization.slug})"
    start, end = invoice.period_start.isoformat(), invoice.period_end.isoformat()
    yield f"  month       {start} to {end}, {organization.time_zone}"
    if invoice.issued_at and invoice.due_at:
        yield f"  issued      {invoice.issued_at.isoformat()}, due {invoice.due_at.isoformat()}"
    yield f"  plan        {invoice.plan_key}, version {invoice.plan_version}"
    yield f"  digest      {invoice.digest}"


def _line(line: rows.InvoiceLine, invoice: rows.Invoice) -> Iterator[str]:
    explanation = explanations.from_document(line.explanation)
    yield ""
    yield f"  {line.position:>2}. {line.description}: {Money(line.amount_minor, invoice.currency)}"
    yield f"{INDENT}quantity    {line.quantity} {line.unit}"
    yield f"{INDENT}time        {line.period_start.isoformat()} to {line.period_end.isoformat()}"
    yield f"{INDENT}formula     {explanation.formula}"
    for step in explanation.steps:
        flat = f" + {decimal_text(step.flat_amount)}" if step.flat_amount else ""
        terms = f"{decimal_text(step.quantity)} × {decimal_text(step.unit_amount)}{flat}"
        yield f"{INDENT}step        {terms} = {decimal_text(step.amount)}"
    yield f"{INDENT}price       version {explanation.price_version}"
    rounding = explanation.rounding
    yield f"{INDENT}rounding    {rounding.exact} → {rounding.rounded} ({rounding.rule})"
    yield f"{INDENT}policies    {', '.join(explanation.policy)}"
    for source in explanation.sources:
        facts = ", ".join(f"{name} {value}" for name, value in source.facts if value)
        yield f"{INDENT}source      {source.count} × {source.kind}" + (f": {facts}" if facts else "")


def _foot(invoice: rows.Invoice, lines: list[rows.InvoiceLine]) -> Iterator[str]:
    currency = invoice.currency
    added = Money(sum(line.amount_minor for line in lines), currency)
    yield ""
    yield f"  sum of lines  {added}"
    yield f"  subtotal      {Money(invoice.subtotal_minor, currency)}"
    if invoice.tax_minor:
        yield f"  tax           {Money(invoice.tax_minor, currency)}"
    if invoice.included_tax_minor:
        yield f"  tax included  {Money(invoice.included_tax_minor, currency)}"
    yield f"  total         {Money(invoice.total_minor, currency)}"
    if invoice.credits_minor:
        yield f"  prepaid       {Money(-invoice.credits_minor, currency)}"
