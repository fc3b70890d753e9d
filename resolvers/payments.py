"""Book what was paid, note how it is paid, and give money back."""

from datetime import datetime

import strawberry

from models import payments as rows
from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.context import Info
from schema.ids import Kind
from schema.inputs import Input
from schema.invoices import Invoice
from schema.money import MoneyInput
from schema.payments import CreditNote, Payment, PaymentMethod
from services import payments
from services.outcomes import Refused
from services.payments import Excess, MethodKind


@strawberry.input(description="Money that arrived for an invoice.")
class RecordPaymentInput(Command):
    invoice_id: strawberry.ID = strawberry.field(description="The invoice it is about, by global id.")
    amount: MoneyInput = strawberry.field(description="How much arrived: above zero, and no more than is due.")
    method: MethodKind = strawberry.field(default=MethodKind.BANK_TRANSFER, description="How it was sent.")
    reference: str = strawberry.field(description="The bank's or the processor's reference.")
    received_at: datetime = strawberry.field(description="When the money arrived.")


@strawberry.type(description="What booking a payment answers.")
class RecordPaymentPayload(Payload):
    payment: Payment | None = strawberry.field(default=None, description="What was received, as it was kept.")
    invoice: Invoice | None = strawberry.field(default=None, description="The invoice as it stands now.")


@strawberry.input(description="How the organization pays from now on.")
class SetPaymentMethodInput(Command):
    kind: MethodKind = strawberry.field(description="How the money is sent.")
    label: str = strawberry.field(description="What people call it. Never put a card number into it.")


@strawberry.type(description="What noting a payment method answers.")
class SetPaymentMethodPayload(Payload):
    payment_method: PaymentMethod | None = strawberry.field(default=None, description="The method, now in use.")


@strawberry.input(description="Money given back on an issued invoice.")
class IssueCreditNoteInput(Command):
    invoice_id: strawberry.ID = strawberry.field(description="The invoice it is about, by global id.")
    amount: MoneyInput | None = strawberry.field(
        default=None,
        description="How much, tax included: above zero, and with earlier credit notes no more than the invoice.",
    )
    net: MoneyInput | None = strawberry.field(
        default=None,
        description="How much without tax, instead of `amount`: the share of the tax comes back with it.",
    )
    reason: str = strawberry.field(description="The reason that is printed on it.")
    excess: Excess = strawberry.field(
        default=Excess.REFUSE, description="What becomes of it when less than the amount is left of the invoice."
    )


@strawberry.type(description="What giving a credit note answers.")
class IssueCreditNotePayload(Payload):
    credit_note: CreditNote | None = strawberry.field(default=None, description="What was issued, with its number.")
    invoice: Invoice | None = strawberry.field(default=None, description="The invoice as it stands now.")


@strawberry.type
class PaymentMutations:
    """What clients do about paying."""

    @mutation(
        payments.record_payment,
        RecordPaymentPayload,
        description="Book money that arrived for an invoice. The payment that reaches what is due makes it PAID.",
    )
    async def record_payment(self, info: Info, given: Input[RecordPaymentInput]) -> RecordPaymentPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = payments.RecordPayment(
            organization_id=organization_id,
            idempotency_key=given.idempotency_key,
            invoice_id=inputs.key(given.invoice_id, Kind.INVOICE, organization_id, "invoiceId"),
            amount=given.amount.read("amount"),
            method=given.method,
            reference=given.reference,
            received_at=given.received_at,
        )
        match await info.context.execute(payments.record_payment, command):
            case Refused() as refused:
                return RecordPaymentPayload.refused(refused)
            case payments.PaymentRecorded(payment_id=payment_id, invoice_id=invoice_id):
                owner = await owner_of(info.context, organization_id)
                row = await rows.find(info.context.reader, organization_id, payment_id)
                return RecordPaymentPayload(
                    payment=Payment.of(owner, row) if row else None,
                    invoice=await Invoice.load(info.context, owner, invoice_id),
                )

    @mutation(
        payments.set_method,
        SetPaymentMethodPayload,
        description="Note how the organization pays from now on. The method before stays in the history.",
    )
    async def set_payment_method(self, info: Info, given: Input[SetPaymentMethodInput]) -> SetPaymentMethodPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = payments.SetMethod(organization_id, given.idempotency_key, given.kind, given.label)
        match await info.context.execute(payments.set_method, command):
            case Refused() as refused:
                return SetPaymentMethodPayload.refused(refused)
            case payments.MethodSet(method_id):
                owner = await owner_of(info.context, organization_id)
                row = await rows.find_method(info.context.reader, organization_id, method_id)
                return SetPaymentMethodPayload(payment_method=PaymentMethod.of(owner, row) if row else None)

    @mutation(
        payments.issue_credit_note,
        IssueCreditNotePayload,
        description="Give money back on an issued invoice, under a number of its own. The invoice is not edited.",
    )
    async def issue_credit_note(self, info: Info, given: Input[IssueCreditNoteInput]) -> IssueCreditNotePayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = payments.IssueCreditNote(
            organization_id=organization_id,
            idempotency_key=given.idempotency_key,
            invoice_id=inputs.key(given.invoice_id, Kind.INVOICE, organization_id, "invoiceId"),
            amount=None if given.amount is None else given.amount.read("amount"),
            net=None if given.net is None else given.net.read("net"),
            reason=given.reason,
            excess=given.excess,
        )
        match await info.context.execute(payments.issue_credit_note, command):
            case Refused() as refused:
                return IssueCreditNotePayload.refused(refused)
            case payments.CreditNoteIssued(credit_note_id=credit_note_id, invoice_id=invoice_id):
                owner = await owner_of(info.context, organization_id)
                row = await rows.find_credit_note(info.context.reader, organization_id, credit_note_id)
                return IssueCreditNotePayload(
                    credit_note=CreditNote.of(owner, row) if row else None,
                    invoice=await Invoice.load(info.context, owner, invoice_id),
                )
