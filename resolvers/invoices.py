"""Close a billing period, issue its invoice, and take back or give up one that will not be paid."""

from typing import Self

import strawberry

from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.context import Context, Info
from schema.ids import Kind
from schema.inputs import Input
from schema.invoices import Invoice
from services import closing
from services.outcomes import Refused


@strawberry.type
class InvoicePayload(Payload):
    """What every command about one invoice answers."""

    invoice: Invoice | None = strawberry.field(default=None, description="The invoice as it stands now.")

    @classmethod
    async def showing(cls, context: Context, organization_id: str, invoice_id: str) -> Self:
        """Return the payload with the invoice as the command left it."""
        owner = await owner_of(context, organization_id)
        return cls(invoice=await Invoice.load(context, owner, invoice_id))


@strawberry.input(description="A month that is over.")
class CloseBillingPeriodInput(Command):
    period: str = strawberry.field(
        description='The month to close, such as "2026-10", in the organization\'s time zone.'
    )


@strawberry.input(description="A draft whose time of grace need not be waited for.")
class FinalizeInvoiceInput(Command):
    invoice_id: strawberry.ID = strawberry.field(description="The draft.")


@strawberry.input(description="An invoice that should not have been issued.")
class VoidInvoiceInput(Command):
    invoice_id: strawberry.ID = strawberry.field(description="The invoice: issued, and nothing paid or credited on it.")
    reason: str = strawberry.field(description="Why it is taken back; kept in the log.")


@strawberry.input(description="An invoice that nobody expects to be paid.")
class MarkInvoiceUncollectibleInput(Command):
    invoice_id: strawberry.ID = strawberry.field(description="The invoice: issued, and not paid in full.")
    reason: str = strawberry.field(description="Why it is given up; kept in the log.")


@strawberry.type(description="What closing a billing period answers.")
class CloseBillingPeriodPayload(Payload):
    period: str | None = strawberry.field(default=None, description="The month that is closed.")
    invoice: Invoice | None = strawberry.field(
        default=None, description="Its invoice; null when nothing was due, and then nothing ever will be."
    )


@strawberry.type(description="What issuing a draft answers.")
class FinalizeInvoicePayload(Payload):
    invoice: Invoice | None = strawberry.field(
        default=None,
        description="The issued invoice, under an id of its own; null when the last look found nothing to bill.",
    )


@strawberry.type(description="What taking an invoice back answers.")
class VoidInvoicePayload(InvoicePayload):
    pass


@strawberry.type(description="What giving an invoice up answers.")
class MarkInvoiceUncollectiblePayload(InvoicePayload):
    pass


@strawberry.type
class InvoiceMutations:
    """What clients do about invoices."""

    @mutation(
        closing.close,
        CloseBillingPeriodPayload,
        description="Bill everything that is due when a month ends. Months close in order, each once; closing a closed "
        "month answers with its invoice, or bills it anew under another number where that invoice was voided.",
    )
    async def close_billing_period(
        self, info: Info, given: Input[CloseBillingPeriodInput]
    ) -> CloseBillingPeriodPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = closing.Close(organization_id, given.idempotency_key, given.period)
        match await info.context.execute(closing.close, command):
            case Refused() as refused:
                return CloseBillingPeriodPayload.refused(refused)
            case closing.Closed(period, invoice_id):
                owner = await owner_of(info.context, organization_id)
                invoice = await Invoice.load(info.context, owner, invoice_id)
                return CloseBillingPeriodPayload(period=period, invoice=invoice)

    @mutation(
        closing.finalize,
        FinalizeInvoicePayload,
        description="Draw a draft one last time and issue it, without waiting for its time of grace to end.",
    )
    async def finalize_invoice(self, info: Info, given: Input[FinalizeInvoiceInput]) -> FinalizeInvoicePayload:
        organization_id = inputs.organization_id(given.organization_id)
        draft_id = inputs.key(given.invoice_id, Kind.INVOICE, organization_id, "invoiceId")
        command = closing.Finalize(organization_id, given.idempotency_key, draft_id)
        match await info.context.execute(closing.finalize, command):
            case Refused() as refused:
                return FinalizeInvoicePayload.refused(refused)
            case closing.Finalized(invoice_id):
                owner = await owner_of(info.context, organization_id)
                return FinalizeInvoicePayload(invoice=await Invoice.load(info.context, owner, invoice_id))

    @mutation(
        closing.void,
        VoidInvoicePayload,
        description="Declare an unpaid invoice null and void. It keeps its number, and its prepaid credit comes back.",
    )
    async def void_invoice(self, info: Info, given: Input[VoidInvoiceInput]) -> VoidInvoicePayload:
        organization_id = inputs.organization_id(given.organization_id)
        invoice_id = inputs.key(given.invoice_id, Kind.INVOICE, organization_id, "invoiceId")
        command = closing.Void(organization_id, given.idempotency_key, invoice_id, given.reason)
        match await info.context.execute(closing.void, command):
            case Refused() as refused:
                return VoidInvoicePayload.refused(refused)
            case closing.StatusMoved():
                return await VoidInvoicePayload.showing(info.context, organization_id, invoice_id)

    @mutation(
        closing.mark_uncollectible,
        MarkInvoiceUncollectiblePayload,
        description="Give up on an invoice. It stays owed, and a late payment is still taken.",
    )
    async def mark_invoice_uncollectible(
        self, info: Info, given: Input[MarkInvoiceUncollectibleInput]
    ) -> MarkInvoiceUncollectiblePayload:
        organization_id = inputs.organization_id(given.organization_id)
        invoice_id = inputs.key(given.invoice_id, Kind.INVOICE, organization_id, "invoiceId")
        command = closing.MarkUncollectible(organization_id, given.idempotency_key, invoice_id, given.reason)
        match await info.context.execute(closing.mark_uncollectible, command):
            case Refused() as refused:
                return MarkInvoiceUncollectiblePayload.refused(refused)
            case closing.StatusMoved():
                return await MarkInvoiceUncollectiblePayload.showing(info.context, organization_id, invoice_id)
