"""What was paid, how is it paid, and what was given back?"""

from datetime import datetime
from functools import partial

import strawberry

from billing.roles import Permission
from models import payments as rows
from models.organizations import Organization
from schema import ids
from schema.access import field
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Info
from schema.enums import mirror
from schema.money import Money
from schema.nodes import Node
from services.payments import Excess, MethodKind

mirror(
    Excess,
    name="CreditNoteExcess",
    description="What becomes of a credit note that would give back more than is left of its invoice.",
    REFUSE="It is refused.",
    GIVE_WHAT_IS_LEFT="It gives back what is left; where nothing is, it is refused.",
)
mirror(
    MethodKind,
    name="PaymentMethodKind",
    description="How money is sent.",
    BANK_TRANSFER="The organization transfers the money itself, against an invoice.",
    CARD="A card is charged.",
    DIRECT_DEBIT="The money is collected from the organization's bank account.",
)


@strawberry.type(description="Money received for an invoice.")
class Payment(Node):
    invoice_id: strawberry.ID = strawberry.field(description="The id of the invoice it was received for.")
    amount: Money = strawberry.field(description="How much was received.")
    method: MethodKind = strawberry.field(description="How it was sent.")
    reference: str = strawberry.field(description="The bank's or the processor's reference.")
    received_at: datetime = strawberry.field(description="When the money arrived.")
    recorded_at: datetime = strawberry.field(description="When the payment was booked.")

    @classmethod
    def of(cls, owner: Organization, row: rows.Payment) -> "Payment":
        """Return the payment in a row."""
        return cls(
            id=ids.text(ids.Kind.PAYMENT, row.organization_id, row.id),
            owner=owner,
            invoice_id=ids.text(ids.Kind.INVOICE, row.organization_id, row.invoice_id),
            amount=Money.of_minor(row.amount_minor, row.currency, owner.locale),
            method=MethodKind(row.method),
            reference=row.reference,
            received_at=row.received_at,
            recorded_at=row.recorded_at,
        )


@strawberry.type(description="How an organization pays, or paid once.")
class PaymentMethod(Node):
    kind: MethodKind = strawberry.field(description="How the money is sent.")
    label: str = strawberry.field(description="What people call it, such as the last digits of a card.")
    since: datetime = strawberry.field(description="Since when it has been in use.")
    ended_at: datetime | None = strawberry.field(
        description="Since when it is no longer in use; null for the one that is."
    )

    @classmethod
    def of(cls, owner: Organization, row: rows.PaymentMethod) -> "PaymentMethod":
        """Return the payment method in a row."""
        return cls(
            id=ids.text(ids.Kind.PAYMENT_METHOD, row.organization_id, row.id),
            owner=owner,
            kind=MethodKind(row.kind),
            label=row.label,
            since=row.starts_at,
            ended_at=row.ends_at,
        )


@strawberry.type(description="Money given back on an issued invoice. The invoice itself is never edited.")
class CreditNote(Node):
    number: str = strawberry.field(description="The number printed on it, gapless for each seller.")
    invoice_id: strawberry.ID = strawberry.field(
        description="The global id of the invoice that it takes something back from."
    )
    amount: Money = strawberry.field(description="How much is given back, tax included.")
    net: Money = strawberry.field(description="How much of it is given back without tax.")
    tax: Money = strawberry.field(
        description="How much of it is tax: the share that comes back with the part of the invoice. All credit notes "
        "of an invoice that give it back in full give back its tax to the last minor unit."
    )
    reason: str = strawberry.field(description="The reason printed on it.")
    issued_at: datetime = strawberry.field(description="When it was issued.")

    @classmethod
    def of(cls, owner: Organization, row: rows.CreditNote) -> "CreditNote":
        """Return the credit note in a row."""
        return cls(
            id=ids.text(ids.Kind.CREDIT_NOTE, row.organization_id, row.id),
            owner=owner,
            number=row.number,
            invoice_id=ids.text(ids.Kind.INVOICE, row.organization_id, row.invoice_id),
            amount=Money.of_minor(row.amount_minor, row.currency, owner.locale),
            net=Money.of_minor(row.amount_minor - row.tax_minor, row.currency, owner.locale),
            tax=Money.of_minor(row.tax_minor, row.currency, owner.locale),
            reason=row.reason,
            issued_at=row.issued_at,
        )


@strawberry.type
class PaymentsOfOrganization:
    """The part of an organization that is about paying."""

    owner: strawberry.Private[Organization]

    @field(description="The payments received, newest first.", requires=Permission.INVOICES_READ)
    async def payments(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Payment]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        listing = Listing("payments", organization_id)
        return listing.connection(
            await rows.page_of(reader, organization_id, listing.window(first, after, last, before)),
            key=lambda row: row.id,
            node=partial(Payment.of, self.owner),
            count=partial(rows.count, reader, organization_id),
        )

    @field(description="How the organization pays; the method in use comes first.", requires=Permission.INVOICES_READ)
    async def payment_methods(self, info: Info) -> list[PaymentMethod]:
        found = await rows.methods(info.context.reader, self.owner.organization_id)
        return [PaymentMethod.of(self.owner, row) for row in found]

    @field(description="The credit notes issued, newest first.", requires=Permission.INVOICES_READ)
    async def credit_notes(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[CreditNote]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        listing = Listing("creditNotes", organization_id)
        return listing.connection(
            await rows.page_of_credit_notes(reader, organization_id, listing.window(first, after, last, before)),
            key=lambda row: row.id,
            node=partial(CreditNote.of, self.owner),
            count=partial(rows.count_credit_notes, reader, organization_id),
        )
