"""Close a billing period: the month becomes an invoice, once.

Months close in order, each in one transaction: draft, number, invoice, event and the note that the boundary was
closed all commit together, or the month is as open as before. Where the organization keeps a time of grace, closing
makes a draft, late usage still counts, and finalizing closes the boundary.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.periods import (
    InvalidPeriod,
    Period,
    from_microseconds,
    label,
    month_containing,
    parse_label,
    previous_month,
)
from billing.roles import Permission
from models import adjustments, usage
from models import invoices as rows
from models.organizations import Organization
from models.sql import Client
from services import credits, drafts, issuing, terms
from services.dispatch import ANY_STATUS, verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

TEXT_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Close:
    """The calendar month to close, as 2026-10, in the organization's time zone."""

    organization_id: str
    idempotency_key: str
    period: str


@dataclass(frozen=True, slots=True)
class Closed:
    """The month is billed: on this invoice (perhaps still a draft), or on none because nothing was due."""

    period: str
    invoice_id: str | None


@dataclass(frozen=True, slots=True)
class Finalize:
    """The draft to issue."""

    organization_id: str
    idempotency_key: str
    invoice_id: str


@dataclass(frozen=True, slots=True)
class Finalized:
    """The month is closed. There is no invoice when the last look found nothing to bill."""

    invoice_id: str | None


@dataclass(frozen=True, slots=True)
class Void:
    """The invoice that should not have been, and why."""

    organization_id: str
    idempotency_key: str
    invoice_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class MarkUncollectible:
    """The invoice that will not be paid, and why."""

    organization_id: str
    idempotency_key: str
    invoice_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class StatusMoved:
    """The invoice has another status from now on."""

    invoice_id: str
    status: str


@verb(Permission.INVOICES_WRITE, statuses=ANY_STATUS)
async def close(unit: Unit, command: Close) -> Closed | Refused:
    """Bill everything that is due when a month ends.

    Closing a closed month again answers with its invoice; where that was voided, the month is billed anew.
    """
    try:
        period = parse_label(command.period, unit.organization.time_zone)
    except InvalidPeriod as error:
        return Refused(RefusalCode.INPUT_INVALID, str(error), ("period",))
    earlier = await rows.closed(unit.client, unit.organization_id, period.end)
    voided = None if earlier is None else await _voided(unit, earlier["invoice_id"])
    if earlier is not None and voided is None:
        return Closed(command.period, earlier["invoice_id"])
    refused = await _order_refusal(unit, period) if earlier is None else None
    if refused is not None:
        return refused
    drafted = await _drafted(unit, period, "period")
    if isinstance(drafted, Refused):
        return drafted
    if voided is None and unit.at < graced(unit.organization, period):
        return Closed(command.period, await _keep_draft(unit, drafted))
    return Closed(command.period, await _conclude(unit, period, drafted, instead_of=voided))


@verb(Permission.INVOICES_WRITE, statuses=ANY_STATUS)
async def finalize(unit: Unit, command: Finalize) -> Finalized | Refused:
    """Draw a draft one last time and issue it."""
    invoice = await rows.find(unit.client, unit.organization_id, command.invoice_id)
    if invoice is None:
        return not_found("invoice", "invoiceId")
    if invoice.status != "DRAFT":
        message = f"invoice {invoice.number} is {invoice.status}; only a DRAFT can be finalized"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ("invoiceId",))
    period = Period(invoice.period_start, invoice.period_end)
    drafted = await _drafted(unit, period, "invoiceId")
    if isinstance(drafted, Refused):
        return drafted
    return Finalized(await _conclude(unit, period, drafted))


@verb(Permission.INVOICES_WRITE, statuses=ANY_STATUS)
async def void(unit: Unit, command: Void) -> StatusMoved | Refused:
    """Declare an unpaid invoice null and void; it keeps its number, and its prepaid credit comes back.

    What it billed of late and corrected usage waits again. Closing its month again bills it anew.
    """
    invoice = await rows.find(unit.client, unit.organization_id, command.invoice_id)
    if invoice is None:
        return not_found("invoice", "invoiceId")
    refused = _reason_refusal(command.reason) or _open_refusal(invoice, "voided")
    if refused is not None:
        return refused
    if await rows.has_payments(unit.client, unit.organization_id, invoice.id):
        message = f"invoice {invoice.number} has payments or credit notes; give the rest back by a credit note"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ("invoiceId",))
    await credits.give_back(unit, invoice.id)
    await adjustments.mark_waiting(unit.client, unit.organization_id, boundary_at=invoice.boundary_at)
    return await _move(unit, invoice, "VOIDED", command.reason)


@verb(Permission.INVOICES_WRITE, statuses=ANY_STATUS)
async def mark_uncollectible(unit: Unit, command: MarkUncollectible) -> StatusMoved | Refused:
    """Give up on an invoice; it stays owed, and a late payment is still taken."""
    invoice = await rows.find(unit.client, unit.organization_id, command.invoice_id)
    if invoice is None:
        return not_found("invoice", "invoiceId")
    refused = _reason_refusal(command.reason) or _open_refusal(invoice, "given up")
    if refused is not None:
        return refused
    return await _move(unit, invoice, "UNCOLLECTIBLE", command.reason)


async def open_books(unit: Unit) -> None:
    """Bill what is due at the very start, where a service starts in the same instant as the first month does.

    Everything else is billed when a month closes; that one boundary has no month before it to close.
    """
    first = await next_due(unit.client, unit.organization)
    in_force = await terms.at_instant(unit.client, unit.organization_id, first.start)
    if in_force is None or in_force.since != first.start or unit.at < first.start:
        return
    if await rows.closed(unit.client, unit.organization_id, first.start) is None:
        before = previous_month(first, unit.organization.time_zone)
        await _conclude(unit, before, await drafts.at_end_of(unit.client, unit.organization, before))


async def next_due(client: Client, organization: Organization) -> Period:
    """Return the oldest month of an organization that is not closed."""
    last = await rows.last_boundary_microseconds(client, organization.organization_id)
    start = organization.created_at if last is None else from_microseconds(last)
    return month_containing(start, organization.time_zone)


async def has_draft(client: Client, organization: Organization, period: Period) -> bool:
    """Return whether a month that is not closed has been drafted."""
    count = await rows.count(client, organization.organization_id, boundary_at=period.end)
    return count > 0


def graced(organization: Organization, period: Period) -> datetime:
    """Return the instant from which a month's invoice is final."""
    return period.end + timedelta(seconds=organization.invoice_grace_seconds)


async def _keep_draft(unit: Unit, drafted: drafts.Drafted | None) -> str | None:
    if drafted is None or not drafted.draft.lines:
        return None
    await rows.delete_draft(unit.client, unit.organization_id, drafted.period.end)
    return await issuing.save_draft(unit, drafted)


async def _drafted(unit: Unit, period: Period, field: str) -> drafts.Drafted | Refused | None:
    """Return what the invoice of a month will say, or why it cannot be issued."""
    try:
        drafted = await drafts.at_end_of(unit.client, unit.organization, period)
    except usage.TooManyEvents as many:
        return Refused(RefusalCode.TOO_MANY_EVENTS, str(many), (field,))
    return _quote_refusal(drafted, field) if drafted is not None and drafted.draft.quotes else drafted


async def _voided(unit: Unit, invoice_id: str | None) -> rows.Invoice | None:
    """Return the invoice that closed a month, where it was voided."""
    invoice = await rows.find(unit.client, unit.organization_id, invoice_id) if invoice_id else None
    return invoice if invoice is not None and invoice.status == "VOIDED" else None


async def _conclude(
    unit: Unit, period: Period, drafted: drafts.Drafted | None, *, instead_of: rows.Invoice | None = None
) -> str | None:
    """Issue what was drafted and note that the boundary is closed; `instead_of` is the voided invoice that closed it.

    What changed about the month itself meanwhile is in the draft, so it waits no longer.
    """
    await rows.delete_draft(unit.client, unit.organization_id, period.end)
    invoice_id = None
    if drafted is not None and drafted.draft.lines:
        invoice_id = await issuing.finalize(unit, drafted, replaces=instead_of.number if instead_of else None)
        await adjustments.mark_billed(unit.client, unit.organization_id, before=period.end, boundary_at=period.end)
    await rows.record_close(
        unit.client,
        unit.organization_id,
        boundary_at=period.end,
        invoice_id=invoice_id,
        at=unit.at,
        instead_of=instead_of.id if instead_of else None,
    )
    month = label(period, unit.organization.time_zone)
    unit.emit("BillingPeriodClosed", {"period": month, "invoiceId": invoice_id})
    return invoice_id


async def _move(unit: Unit, invoice: rows.Invoice, status: str, reason: str) -> StatusMoved:
    await rows.set_status(unit.client, unit.organization_id, invoice.id, status)
    facts = {"invoiceId": invoice.id, "number": invoice.number, "status": status, "reason": reason}
    unit.emit("InvoiceStatusChanged", facts, before={"status": invoice.status})
    return StatusMoved(invoice.id, status)


async def _order_refusal(unit: Unit, period: Period) -> Refused | None:
    time_zone = unit.organization.time_zone
    if period.end > unit.at:
        message = f"the month {label(period, time_zone)} ends at {period.end.isoformat()}, which has not come yet"
        return Refused(RefusalCode.PERIOD_NOT_OVER, message, ("period",))
    due = await next_due(unit.client, unit.organization)
    if period.start > due.start:
        message = f"months close in order: close {label(due, time_zone)} first"
        return Refused(RefusalCode.PERIOD_OUT_OF_ORDER, message, ("period",))
    if period.start < due.start:
        message = (
            f"{label(period, time_zone)} is no month of this organization; the next to close is {label(due, time_zone)}"
        )
        return Refused(RefusalCode.PERIOD_OUT_OF_ORDER, message, ("period",))
    return None


def _quote_refusal(drafted: drafts.Drafted, field: str) -> Refused:
    quote = drafted.draft.quotes[0]
    message = f"item {quote.item_key!r} is above its price list: {quote.required}; agree on individual terms first"
    return Refused(RefusalCode.QUOTE_REQUIRED, message, (field,))


def _open_refusal(invoice: rows.Invoice, what: str) -> Refused | None:
    if invoice.status == "FINALIZED":
        return None
    message = f"invoice {invoice.number or invoice.id} is {invoice.status}; only a FINALIZED one can be {what}"
    return Refused(RefusalCode.STATUS_CONFLICT, message, ("invoiceId",))


def _reason_refusal(reason: str) -> Refused | None:
    if 1 <= len(reason.strip()) <= TEXT_LENGTH_MAX:
        return None
    message = f"reason has {len(reason.strip())} characters: give 1 to {TEXT_LENGTH_MAX}"
    return Refused(RefusalCode.INPUT_INVALID, message, ("reason",))
