"""Take money in, note how it is paid, and give money back.

An invoice is paid when payments and credits reach its total. Neither a payment nor a credit note edits the invoice.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from billing import credit_notes
from billing.money import Money, total
from billing.roles import Permission
from models import invoices
from models import payments as rows
from services import balances, dunning
from services.dispatch import ANY_STATUS, verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

TEXT_LENGTH_MAX = 200
OPEN_STATUSES = frozenset({"FINALIZED", "UNCOLLECTIBLE"})


class MethodKind(StrEnum):
    """How an organization pays."""

    BANK_TRANSFER = "BANK_TRANSFER"
    CARD = "CARD"
    DIRECT_DEBIT = "DIRECT_DEBIT"


@dataclass(frozen=True, slots=True)
class RecordPayment:
    """Money that arrived for an invoice. `reference` is the bank's or the processor's."""

    organization_id: str
    idempotency_key: str
    invoice_id: str
    amount: Money
    method: MethodKind
    reference: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class PaymentRecorded:
    """The payment is booked; `due` is what the invoice still lacks."""

    payment_id: str
    invoice_id: str
    due: Money


@dataclass(frozen=True, slots=True)
class SetMethod:
    """How the organization pays from now on. `label` is for people; never put a card number into it."""

    organization_id: str
    idempotency_key: str
    kind: MethodKind
    label: str


@dataclass(frozen=True, slots=True)
class MethodSet:
    """The method is in use from now on."""

    method_id: str


class Excess(StrEnum):
    """What becomes of a credit note that would give back more than is left of its invoice."""

    REFUSE = "REFUSE"
    GIVE_WHAT_IS_LEFT = "GIVE_WHAT_IS_LEFT"


@dataclass(frozen=True, slots=True)
class IssueCreditNote:
    """Money given back on an issued invoice, with the reason that will be printed.

    `net` is told instead of `amount` where what is given back is known without its tax.
    """

    organization_id: str
    idempotency_key: str
    invoice_id: str
    amount: Money | None
    reason: str
    excess: Excess = Excess.REFUSE
    net: Money | None = None


@dataclass(frozen=True, slots=True)
class CreditNoteIssued:
    """The credit is booked under a number of its own."""

    credit_note_id: str
    number: str
    invoice_id: str


@verb(Permission.INVOICES_WRITE, statuses=ANY_STATUS)
async def record_payment(unit: Unit, command: RecordPayment) -> PaymentRecorded | Refused:
    """Book a payment; the one that reaches the total makes the invoice PAID."""
    invoice = await invoices.find(unit.client, unit.organization_id, command.invoice_id)
    if invoice is None:
        return not_found("invoice", "invoiceId")
    if invoice.status not in OPEN_STATUSES:
        message = f"invoice {invoice.number} is {invoice.status}; a payment needs one that is open"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ("invoiceId",))
    due = await amount_due(unit, invoice)
    refused = _amount_refusal(command.amount, due, f"what is due on invoice {invoice.number}")
    refused = refused or _text_refusal(command.reference, "reference") or _future_refusal(unit, command.received_at)
    if refused is not None:
        return refused
    payment = await rows.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("payment"),
        invoice_id=invoice.id,
        amount_minor=command.amount.minor,
        currency=command.amount.currency,
        method=command.method.value,
        reference=command.reference,
        received_at=command.received_at,
        recorded_at=unit.at,
    )
    facts = {"paymentId": payment.id, "invoiceId": invoice.id, "amount": command.amount.amount}
    unit.emit("PaymentRecorded", facts, before={"amountDue": due.amount})
    await _settle(unit, invoice, due - command.amount)
    return PaymentRecorded(payment.id, invoice.id, due - command.amount)


@verb(Permission.INVOICES_WRITE, statuses=ANY_STATUS)
async def set_method(unit: Unit, command: SetMethod) -> MethodSet | Refused:
    """Put a payment method into use; the one before stays in the history."""
    refused = _text_refusal(command.label, "label")
    if refused is not None:
        return refused
    used = [method for method in await rows.methods(unit.client, unit.organization_id) if method.ends_at is None]
    method = await rows.replace_method(
        unit.client,
        at=unit.at,
        organization_id=unit.organization_id,
        id=unit.new_id("payment_method"),
        kind=command.kind.value,
        label=command.label,
        ends_at=None,
    )
    before = {"methodIds": [each.id for each in used]}
    unit.emit("PaymentMethodSet", {"methodId": method.id, "kind": command.kind.value}, before=before)
    return MethodSet(method.id)


@verb(Permission.INVOICES_WRITE, statuses=ANY_STATUS)
async def issue_credit_note(unit: Unit, command: IssueCreditNote) -> CreditNoteIssued | Refused:
    """Give money back; all credit notes of an invoice together never exceed it."""
    invoice = await invoices.find(unit.client, unit.organization_id, command.invoice_id)
    if invoice is None:
        return not_found("invoice", "invoiceId")
    if invoice.status not in OPEN_STATUSES | {"PAID"}:
        message = f"invoice {invoice.number or invoice.id} is {invoice.status}; a credit note needs an issued one"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ("invoiceId",))
    credit = await _credit(unit, invoice, command)
    if isinstance(credit, Refused):
        return credit
    refused, amount = _text_refusal(command.reason, "reason"), credit.total
    if refused is not None:
        return refused
    due = await amount_due(unit, invoice)
    series = f"{unit.organization.seller}-CN"
    note = await rows.insert_credit_note(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("credit_note"),
        number=f"{series}-{await invoices.next_number(unit.client, series):06d}",
        invoice_id=invoice.id,
        amount_minor=amount.minor,
        tax_minor=credit.tax.minor,
        currency=amount.currency,
        reason=command.reason,
        issued_at=unit.at,
    )
    facts = {"creditNoteId": note.id, "number": note.number, "invoiceId": invoice.id, "amount": amount.amount}
    unit.emit("CreditNoteIssued", facts, before={"amountDue": due.amount})
    await _settle(unit, invoice, due - amount)
    return CreditNoteIssued(note.id, note.number, invoice.id)


async def _credit(unit: Unit, invoice: invoices.Invoice, command: IssueCreditNote) -> credit_notes.Note | Refused:
    """Return what the note gives back of the subtotal and of the tax, or why it cannot."""
    if (command.amount is None) == (command.net is None):
        return Refused(RefusalCode.INPUT_INVALID, "give the amount with its tax or without: one of them", ("amount",))
    currency, earlier = invoice.currency, await rows.credit_notes_of(unit.client, unit.organization_id, [invoice.id])
    before = [
        credit_notes.Note(Money(each.amount_minor - each.tax_minor, currency), Money(each.tax_minor, currency))
        for each in earlier
    ]
    tax = Money(invoice.tax_minor + invoice.included_tax_minor, currency)
    billed = credit_notes.Billed(Money(invoice.total_minor, currency) - tax, tax)
    field = "amount" if command.net is None else "net"
    wanted = command.amount or command.net
    assert wanted is not None, "one of them is given"
    paid = billed.total if command.net is None else billed.subtotal
    credited = total([each.total if command.net is None else each.subtotal for each in before], currency)
    left = paid - credited
    if command.excess is Excess.GIVE_WHAT_IS_LEFT and left.minor > 0 and wanted.currency == currency:
        wanted = credit_notes.capped(wanted, paid=paid, credited=credited)
    refused = _amount_refusal(wanted, left, f"what is left of invoice {invoice.number}", field)
    if refused is not None:
        return refused
    made = credit_notes.note_of_total if command.net is None else credit_notes.note
    return made(billed, before, wanted)


async def amount_due(unit: Unit, invoice: invoices.Invoice) -> Money:
    """Return what the invoice still lacks; below zero when more was credited than was owed."""
    due = await balances.amounts_due(unit.client, unit.organization_id, [invoice])
    return due[invoice.id]


async def _settle(unit: Unit, invoice: invoices.Invoice, due: Money) -> None:
    if due.minor <= 0 and invoice.status in OPEN_STATUSES:
        await invoices.set_status(unit.client, unit.organization_id, invoice.id, "PAID")
        facts = {"invoiceId": invoice.id, "number": invoice.number}
        unit.emit("InvoicePaid", facts, before={"status": invoice.status})
        await dunning.relieve(unit)


def _amount_refusal(amount: Money, bound: Money, what: str, field: str = "amount") -> Refused | None:
    if amount.currency != bound.currency:
        message = f"the amount is in {amount.currency}, the invoice is in {bound.currency}"
        return Refused(RefusalCode.CURRENCY_MISMATCH, message, (field, "currency"))
    if not 0 < amount.minor <= bound.minor:
        return Refused(RefusalCode.AMOUNT_INVALID, f"{amount} is not above 0 and up to {what}, {bound}", (field,))
    return None


def _text_refusal(text: str, field: str) -> Refused | None:
    if 1 <= len(text.strip()) <= TEXT_LENGTH_MAX:
        return None
    message = f"{field} has {len(text.strip())} characters: give 1 to {TEXT_LENGTH_MAX}"
    return Refused(RefusalCode.INPUT_INVALID, message, (field,))


def _future_refusal(unit: Unit, received_at: datetime) -> Refused | None:
    if received_at <= unit.at:
        return None
    message = f"receivedAt {received_at.isoformat()} has not come yet"
    return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, ("receivedAt",))
