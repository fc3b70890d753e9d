"""Which prepaid credit is there, and what became of it?

Credit is granted and then only moved. Every movement is an entry, and what is left of a grant is the sum of its
entries: nothing is ever overwritten.
"""

from datetime import datetime
from functools import partial

import strawberry

from billing.credits import EntryKind, GrantKind
from billing.roles import Permission
from models import credits as rows
from models.organizations import Organization
from schema import ids
from schema.access import field
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Context, Info
from schema.enums import mirror
from schema.invoices import Invoice
from schema.money import Money
from schema.nodes import Node
from services import credits, drafts

mirror(
    GrantKind,
    name="CreditKind",
    description="Whether the customer paid for prepaid credit.",
    PROMOTIONAL="It is a gift.",
    PAID="The customer paid for it.",
)
mirror(
    EntryKind,
    name="CreditEntryKind",
    description="Why the balance of prepaid credit moved.",
    GRANTED="It was put at the organization's disposal.",
    DRAWN="It paid an invoice, or a part of one.",
    RETURNED="The invoice that drew it was voided.",
    EXPIRED="Its time was over before it was used up.",
)


@strawberry.type(description="Prepaid credit. Invoices draw it when they are issued, in the order of the priorities.")
class CreditGrant(Node):
    amount: Money = strawberry.field(description="How much was granted.")
    kind: GrantKind = strawberry.field(description="Whether the customer paid for it.")
    priority: int = strawberry.field(description="The lower the number, the sooner it is drawn.")
    reason: str = strawberry.field(description="Why it was granted.")
    granted_at: datetime = strawberry.field(description="Since when it can be drawn.")
    expires_at: datetime | None = strawberry.field(description="Until when it can be drawn; null for ever.")
    row: strawberry.Private[rows.CreditGrant]

    @field(description="What is left of it.", requires=None)
    async def remaining(self, info: Info) -> Money:
        left = await info.context.loaders.credit_left.load((self.row.organization_id, self.row.id))
        return Money.of_minor(left or 0, self.row.currency, self.owner.locale)

    @classmethod
    def of(cls, owner: Organization, row: rows.CreditGrant) -> "CreditGrant":
        """Return the grant in a row."""
        return cls(
            id=ids.text(ids.Kind.CREDIT_GRANT, row.organization_id, row.id),
            owner=owner,
            amount=Money.of_minor(row.amount_minor, row.currency, owner.locale),
            kind=GrantKind(row.kind),
            priority=row.priority,
            reason=row.reason,
            granted_at=row.granted_at,
            expires_at=row.expires_at,
            row=row,
        )

    @classmethod
    async def load(cls, context: Context, owner: Organization, grant_id: str) -> "CreditGrant | None":
        """Return a grant by id, or None for one that this organization does not have."""
        row = await context.loaders.credit_grant.load((owner.organization_id, grant_id))
        return cls.of(owner, row) if row else None


@strawberry.type(description="One movement of prepaid credit.")
class CreditEntry(Node):
    kind: EntryKind = strawberry.field(description="Why the balance moved.")
    amount: Money = strawberry.field(description="By how much: above zero it adds, below zero it takes.")
    occurred_at: datetime = strawberry.field(description="When it moved.")
    row: strawberry.Private[rows.CreditEntry]

    @field(description="The credit that moved.", requires=None)
    async def grant(self, info: Info) -> CreditGrant:
        found = await CreditGrant.load(info.context, self.owner, self.row.grant_id)
        assert found is not None, "credit is never removed"
        return found

    @field(description="The invoice that drew it or gave it back; null for other movements.", requires=None)
    async def invoice(self, info: Info) -> Invoice | None:
        return await Invoice.load(info.context, self.owner, self.row.invoice_id)

    @classmethod
    def of(cls, owner: Organization, row: rows.CreditEntry) -> "CreditEntry":
        """Return the movement in a row."""
        return cls(
            id=ids.text(ids.Kind.CREDIT_ENTRY, row.organization_id, row.id),
            owner=owner,
            kind=EntryKind(row.kind),
            amount=Money.of_minor(row.amount_minor, owner.currency, owner.locale),
            occurred_at=row.occurred_at,
            row=row,
        )


@strawberry.type
class CreditsOfOrganization:
    """The part of an organization that is about prepaid credit."""

    owner: strawberry.Private[Organization]

    @field(
        description="The prepaid credit that the next invoice can draw, expired credit left out.",
        requires=Permission.INVOICES_READ,
    )
    async def credit_balance(self, info: Info) -> Money:
        owner, at = self.owner, info.context.at(self.owner)
        found = await credits.balance(info.context.reader, owner.organization_id, owner.currency, at=at)
        return Money.of(found.settled, owner.locale)

    @field(
        description="What is left of the prepaid credit once the running month is billed as it stands; below zero for "
        "what credit will not cover.",
        requires=Permission.INVOICES_READ,
    )
    async def pending_credit_balance(self, info: Info) -> Money:
        owner, at, reader = self.owner, info.context.at(self.owner), info.context.reader
        running = await drafts.month_total(reader, owner, at=at)
        found = await credits.balance(reader, owner.organization_id, owner.currency, at=at, open_charges=running)
        return Money.of(found.pending, owner.locale)

    @field(description="The prepaid credit that was granted, newest first.", requires=Permission.INVOICES_READ)
    async def credit_grants(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[CreditGrant]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        listing = Listing("creditGrants", organization_id)
        return listing.connection(
            await rows.page_of(reader, organization_id, listing.window(first, after, last, before)),
            key=lambda row: row.id,
            node=partial(CreditGrant.of, self.owner),
            count=partial(rows.count, reader, organization_id),
        )

    @field(description="Every movement of prepaid credit, newest first.", requires=Permission.INVOICES_READ)
    async def credit_entries(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[CreditEntry]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        listing = Listing("creditEntries", organization_id)
        return listing.connection(
            await rows.page_of_entries(reader, organization_id, listing.window(first, after, last, before)),
            key=lambda row: row.id,
            node=partial(CreditEntry.of, self.owner),
            count=partial(rows.count_entries, reader, organization_id),
        )
