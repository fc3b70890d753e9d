"""What does an organization owe in all?

Everything that was invoiced and not voided, less everything that was paid, credited or drawn from prepaid credit. What
an earlier invoice left unpaid is therefore carried to every later statement without being copied anywhere.
"""

from collections.abc import Sequence

from billing.money import Money
from models import invoices, payments
from models.organizations import Organization
from models.sql import Client


async def owed_minor(client: Client, organization_id: str) -> int:
    """Return what is owed in minor units; below zero when more was paid and credited than was billed."""
    billed = await invoices.billed_minor(client, organization_id)
    return billed - await payments.all_settled_minor(client, organization_id)


async def balance(client: Client, organization: Organization) -> Money:
    """Return what the organization owes."""
    return Money(await owed_minor(client, organization.organization_id), organization.currency)


async def amounts_due(client: Client, organization_id: str, issued: Sequence[invoices.Invoice]) -> dict[str, Money]:
    """Return what each of the given invoices still lacks; below zero when too much came back."""
    settled = await payments.settled_minor(client, organization_id, [invoice.id for invoice in issued])
    return {
        invoice.id: Money(invoice.total_minor - invoice.credits_minor - settled.get(invoice.id, 0), invoice.currency)
        for invoice in issued
    }
