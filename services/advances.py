"""What did earlier boundaries bill in advance of a plan that was replaced since?

Issued invoices say it, voided ones left out. For a boundary that is still to come, the draft of it does: a preview of a
change then gives back what will have been billed by then.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from billing.advances import Advance
from billing.invoices import Draft
from billing.money import Money
from billing.periods import INSTANT, Period, from_microseconds, iterate, previous_month
from models import invoices as rows
from models.organizations import Organization
from models.sql import Client


class Drafting(Protocol):
    """A draft, and the month at whose end it is drawn."""

    @property
    def draft(self) -> Draft:
        """What it says."""
        ...


Draw = Callable[[Period], Awaitable[Drafting | None]]
"""Draws the invoice of the boundary at which a month ends."""


async def billed_between(
    client: Client, organization: Organization, first: datetime, last: datetime, *, draw: Draw
) -> tuple[Advance, ...]:
    """Return the lines of the boundaries from `first` to `last`, each less its share of its plan's discounts."""
    found = await _issued(client, organization.organization_id, first, last)
    closed = await rows.last_boundary_microseconds(client, organization.organization_id)
    closed_to = None if closed is None else from_microseconds(closed)
    for month in iterate(Period(first, last + INSTANT), organization.time_zone):
        if closed_to is None or month.start > closed_to:
            drafted = await draw(previous_month(month, organization.time_zone))
            found += [
                Advance(line.key, line.item_key, line.period, month.start, net)
                for line, net in (drafted.draft.nets if drafted is not None else ())
            ]
    return tuple(found)


async def _issued(client: Client, organization_id: str, first: datetime, last: datetime) -> list[Advance]:
    invoices = {each.id: each for each in await rows.issued_between(client, organization_id, first, last)}
    lines = await rows.lines_of(client, organization_id, list(invoices)) if invoices else []
    found: list[Advance] = []
    for line in lines:
        invoice = invoices[line.invoice_id]
        nets = (invoice.frozen or {}).get("nets", {})
        net = Money(nets.get(line.key, line.amount_minor), invoice.currency)
        period = Period(line.period_start, line.period_end)
        found.append(Advance(line.key, line.item_key, period, invoice.boundary_at, net))
    return found
