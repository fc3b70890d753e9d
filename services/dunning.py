"""Do something about invoices that are not paid, step by step.

A step is a fact in the log, from which webhooks and people act: reminders and retries are sent by somebody else. Two
steps act here as well: an organization long overdue becomes read-only, and an invoice nobody will pay is given up. A
payment of what was overdue makes the organization active again.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from billing import dunning as rules
from billing.roles import Permission
from models import dunning as rows
from models import invoices, organizations
from models.organizations import Organization
from models.sql import Client
from services import balances
from services.dispatch import ANY_STATUS, verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

POLICY = rules.STANDARD


@dataclass(frozen=True, slots=True)
class Take:
    """One step on one invoice."""

    organization_id: str
    idempotency_key: str
    invoice_id: str
    step: str


@dataclass(frozen=True, slots=True)
class StepTaken:
    """The step is in the log; it is never taken twice on an invoice."""

    invoice_id: str
    step: str


@dataclass(frozen=True, slots=True)
class NothingOwed:
    """The invoice was paid meanwhile, so there is nothing to do."""

    invoice_id: str


@dataclass(frozen=True, slots=True)
class NextStep:
    """A step that has not been taken, and from when it is due."""

    invoice_id: str
    step: str
    at: datetime


async def waiting(client: Client, organization: Organization) -> AsyncIterator[NextStep]:
    """Yield the next step of every open invoice."""
    for invoice in await invoices.unpaid(client, organization.organization_id):
        assert invoice.due_at is not None, "an issued invoice is due some day"
        done = await rows.done(client, organization.organization_id, invoice.id)
        for step in rules.schedule(POLICY, invoice.due_at, organization.time_zone):
            if step.stage.key not in done:
                yield NextStep(invoice.id, step.stage.key, step.due_from)
                break


@verb(Permission.INVOICES_WRITE, statuses=ANY_STATUS)
async def take(unit: Unit, command: Take) -> StepTaken | NothingOwed | Refused:
    """Take a step that is due on an invoice that is not paid."""
    invoice = await invoices.find(unit.client, unit.organization_id, command.invoice_id)
    if invoice is None:
        return not_found("invoice", "invoiceId")
    if invoice.status != "FINALIZED" or invoice.due_at is None:
        return NothingOwed(invoice.id)
    unpaid = (await balances.amounts_due(unit.client, unit.organization_id, [invoice]))[invoice.id]
    done = await rows.done(unit.client, unit.organization_id, invoice.id)
    due = rules.due(POLICY, invoice.due_at, unpaid, time_zone=unit.organization.time_zone, at=unit.at, done=done)
    step = next((step for step in due if step.stage.key == command.step), None)
    if step is None:
        message = f"the step {command.step!r} is not due on invoice {invoice.number}"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ("step",))
    await rows.insert(unit.client, unit.organization_id, invoice.id, command.step, at=unit.at)
    facts = {"invoiceId": invoice.id, "number": invoice.number, "step": step.stage.key, "unpaid": unpaid.amount}
    unit.emit("InvoiceDunned", {**facts, "action": step.stage.action.value})
    await _act(unit, invoice, step.stage.action)
    return StepTaken(invoice.id, step.stage.key)


async def relieve(unit: Unit) -> None:
    """Make an organization active again once nothing is so long overdue that it was restricted."""
    if unit.organization.status != "READ_ONLY":
        return
    restricting = {stage.key for stage in POLICY.stages if stage.action is rules.Action.RESTRICT}
    for invoice in await invoices.unpaid(unit.client, unit.organization_id):
        if restricting & await rows.done(unit.client, unit.organization_id, invoice.id):
            return
    await organizations.update(unit.client, unit.organization_id, status="ACTIVE")
    unit.emit("OrganizationStatusChanged", {"status": "ACTIVE"}, before={"status": "READ_ONLY"})


async def _act(unit: Unit, invoice: invoices.Invoice, action: rules.Action) -> None:
    match action:
        case rules.Action.RESTRICT:
            if unit.organization.status == "ACTIVE":
                await organizations.update(unit.client, unit.organization_id, status="READ_ONLY")
                unit.emit("OrganizationStatusChanged", {"status": "READ_ONLY"}, before={"status": "ACTIVE"})
        case rules.Action.GIVE_UP:
            await invoices.set_status(unit.client, unit.organization_id, invoice.id, "UNCOLLECTIBLE")
            facts = {"invoiceId": invoice.id, "number": invoice.number, "status": "UNCOLLECTIBLE"}
            unit.emit("InvoiceStatusChanged", {**facts, "reason": "dunning"}, before={"status": invoice.status})
        case rules.Action.REMIND | rules.Action.RETRY_PAYMENT | rules.Action.ESCALATE:
            pass  # the fact in the log is the act: webhooks and people follow it
