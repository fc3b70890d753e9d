"""What was billed, what is still due, and what will be billed next?

An issued invoice shows what was frozen with it. The preview of the next one is drawn by the code that closes the
month, so what it says is what the invoice will say.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

import strawberry

from billing import money as rules
from billing.periods import Period as Span
from billing.periods import month_containing
from billing.roles import Permission
from documents import formats
from documents.formats import Format
from models import invoices as rows
from models.organizations import Organization
from models.payments import CreditNote as CreditNoteRow
from models.payments import Payment as PaymentRow
from schema import ids, periods
from schema.access import field
from schema.columns import billed, column
from schema.connections import After, Before, Connection, First, Last, Listing, page_of_loaded
from schema.context import Context, Info
from schema.enums import mirror
from schema.invoice_previews import InvoicePreview
from schema.invoice_shares import MemberBreakdown, MemberShare
from schema.lines import InvoiceLine
from schema.loaded import loaded
from schema.money import Money, TaxOfRate
from schema.nodes import Node
from schema.parties import BillTo
from schema.payments import CreditNote, Payment
from schema.periods import Period
from schema.scalars import DecimalText
from services import balances, drafts


class InvoiceStatus(StrEnum):
    """Where an invoice stands."""

    DRAFT = "DRAFT"
    FINALIZED = "FINALIZED"
    PAID = "PAID"
    VOIDED = "VOIDED"
    UNCOLLECTIBLE = "UNCOLLECTIBLE"


mirror(
    InvoiceStatus,
    description="Where an invoice stands.",
    DRAFT="It is drawn and waits to be issued; it has no number, and nothing is owed on it yet.",
    FINALIZED="It is issued and not yet paid in full.",
    PAID="Payments and credits have reached its total.",
    VOIDED="It was taken back, and nothing is owed on it.",
    UNCOLLECTIBLE="It is issued, and nobody expects it to be paid.",
)
mirror(
    Format,
    name="InvoiceFormat",
    description="In which form an invoice can be downloaded.",
    PDF="A document for people.",
    CSV="Lines and members' parts, for a spreadsheet.",
    XML="An electronic invoice, for accounting systems.",
)


@strawberry.type(description="Where an invoice can be downloaded.")
class InvoiceDownload:
    format: Format = strawberry.field(description="In which form.")
    url: str = strawberry.field(description="The address, relative to this server; it asks for the same sign-in.")


@strawberry.type(description="An invoice. Once issued it is never edited: changes are credit notes.")
class Invoice(Node):
    number: str | None = column("number", description="The number printed on it, gapless for each seller.")
    status: InvoiceStatus = column("status", description="Where the invoice stands.", make=InvoiceStatus)
    currency: str = column("currency", description="The ISO 4217 code of the currency.")
    subtotal: Money = billed("subtotal_minor", description="The sum of the lines.")
    tax: Money = billed("tax_minor", description="The tax on top of the subtotal.")
    included_tax: Money = billed("included_tax_minor", description="The tax that is inside the subtotal already.")
    total: Money = billed("total_minor", description="Subtotal and tax.")
    credits: Money = billed("credits_minor", description="What prepaid credit took off the total when it was issued.")
    balance_before: Money = billed(
        "balance_before_minor", description="What the organization owed before this invoice."
    )
    issued_at: datetime | None = column("issued_at", description="When it was issued.")
    due_at: datetime | None = column("due_at", description="Until when it is to be paid.")
    bill_to: BillTo = column("bill_to", description="The legal entity that pays.", make=BillTo.of_document)
    digest: str | None = column("digest", description="A SHA-256 over everything it says, to find any change.")
    row: strawberry.Private[rows.Invoice]

    @field(description="The month that was closed.", requires=None)
    def period(self) -> Period:
        return Period.of(Span(self.row.period_start, self.row.period_end), self.owner.time_zone)

    @loaded(
        "settled",
        description="What is still to be paid; below zero when more was credited than owed.",
        requires=None,
    )
    def amount_due(self, settled: int | None) -> Money:
        due = 0
        if self.row.status not in (InvoiceStatus.DRAFT, InvoiceStatus.VOIDED):
            due = self.row.total_minor - self.row.credits_minor - (settled or 0)
        return Money.of_minor(due, self.row.currency, self.owner.locale)

    @loaded("lines", description="What is charged for, each line with its explanation.", requires=None)
    def lines(self, found: list[rows.InvoiceLine] | None) -> list[InvoiceLine]:
        return [InvoiceLine.of_row(row, self.row, self.owner) for row in found or ()]

    @field(description="What each member stands for on the invoice, by member.", requires=None)
    async def member_breakdown(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[MemberBreakdown]:
        found = await info.context.loaders.shares.load(self.row_key)
        lines = {line.position: line.key for line in await info.context.loaders.lines.load(self.row_key) or ()}
        shares: defaultdict[str, list[MemberShare]] = defaultdict(list)
        minor: defaultdict[str, int] = defaultdict(int)
        for row in found or ():
            shares[row.member_id].append(MemberShare.of(row, lines[row.line_position], self.row.currency, self.owner))
            minor[row.member_id] += row.amount_minor
        listing = Listing("memberBreakdown", self.row.id)
        return listing.connection(
            page_of_loaded(shares, listing.window(first, after, last, before), key=str),
            key=str,
            node=lambda member_id: MemberBreakdown(
                owner=self.owner,
                member_id=member_id,
                amount=Money.of_minor(minor[member_id], self.row.currency, self.owner.locale),
                shares=shares[member_id],
            ),
            count=partial(_length, shares),
        )

    @field(
        description="The number of the voided invoice in whose place this one stands; null where there was none.",
        requires=None,
    )
    def replaces(self) -> str | None:
        found = (self.row.frozen or {}).get("replaces")
        return None if found is None else str(found)

    @field(description="Why no tax is owed on it, by which certificate; null where tax is.", requires=None)
    def tax_exemption(self) -> str | None:
        found = (self.row.frozen or {}).get("tax_exemption")
        return None if found is None else str(found)

    @field(
        description="The tax by rate, the lowest rate first; empty on an invoice from before rates were kept.",
        requires=None,
    )
    def tax_rates(self) -> list[TaxOfRate]:
        money = partial(Money.of_minor, currency=self.row.currency, locale=self.owner.locale)
        return [
            TaxOfRate(
                percent=DecimalText(rate["percent"]), base=money(rate["base_minor"]), amount=money(rate["tax_minor"])
            )
            for rate in (self.row.frozen or {}).get("tax_rates", ())
        ]

    @field(description="Where the invoice can be downloaded.", requires=None)
    def downloads(self) -> list[InvoiceDownload]:
        included = rules.Money(self.row.included_tax_minor, self.row.currency)
        offered = formats.offered(self.row.status, included, country=self.row.bill_to.get("country"))
        return [InvoiceDownload(format=each, url=f"/invoices/{self.id}.{each.value}") for each in offered]

    @loaded("payments_of", description="The payments received for the invoice, oldest first.", requires=None)
    def payments(self, found: list[PaymentRow] | None) -> list[Payment]:
        return [Payment.of(self.owner, row) for row in found or ()]

    @loaded("credit_notes_of", description="The credit notes on the invoice, oldest first.", requires=None)
    def credit_notes(self, found: list[CreditNoteRow] | None) -> list[CreditNote]:
        return [CreditNote.of(self.owner, row) for row in found or ()]

    @property
    def row_key(self) -> tuple[str, str]:
        """The key of what is loaded about the invoice."""
        return self.row.organization_id, self.row.id

    @classmethod
    def of(cls, owner: Organization, row: rows.Invoice) -> "Invoice":
        """Return the invoice in a row."""
        return cls(id=ids.text(ids.Kind.INVOICE, row.organization_id, row.id), owner=owner, row=row)

    @classmethod
    async def load(cls, context: Context, owner: Organization, invoice_id: str | None) -> "Invoice | None":
        """Return an invoice by id, or None for no id or one that this organization does not have."""
        if invoice_id is None:
            return None
        row = await context.loaders.invoice.load((owner.organization_id, invoice_id))
        return cls.of(owner, row) if row else None


@strawberry.input(description="Which invoices to list; everything given must hold.")
class InvoiceFilter:
    statuses: list[InvoiceStatus] | None = strawberry.field(
        default=None, description="Only with one of these statuses."
    )
    period: str | None = strawberry.field(default=None, description='Only of this month, such as "2026-10".')

    def conditions(self, context: Context, owner: Organization) -> Mapping[str, Any]:
        """Return the filter as the query takes it."""
        found: dict[str, Any] = {}
        if self.statuses is not None:
            found["status__in"] = [status.value for status in self.statuses]
        if self.period is not None:
            found["period_start"] = periods.month(context, owner, self.period).start
        return found


Matching = Annotated[InvoiceFilter | None, strawberry.argument(name="filter", description="Which invoices to list.")]


@strawberry.type
class InvoicesOfOrganization:
    """The part of an organization that is about invoices."""

    owner: strawberry.Private[Organization]

    @field(description="The invoices, newest first.", requires=Permission.INVOICES_READ)
    async def invoices(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        matching: Matching = None,
    ) -> Connection[Invoice]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        conditions = matching.conditions(info.context, self.owner) if matching else {}
        listing = Listing("invoices", organization_id)
        window = listing.window(first, after, last, before)
        return listing.connection(
            await rows.page_of(reader, organization_id, window, **conditions),
            key=lambda row: row.id,
            node=partial(Invoice.of, self.owner),
            count=partial(rows.count, reader, organization_id, **conditions),
        )

    @field(
        description="The next invoice as it stands now, drawn by the code that will issue it.",
        requires=Permission.INVOICES_READ,
    )
    async def upcoming_invoice(self, info: Info) -> InvoicePreview:
        at = info.context.at(self.owner)
        drafted = await drafts.upcoming(info.context.reader, self.owner, at=at)
        if drafted is None:
            return InvoicePreview.empty(month_containing(at, self.owner.time_zone), self.owner)
        return InvoicePreview.of(drafted, self.owner)

    @field(
        description="What the organization owes: everything issued, less what was paid and credited. Below zero it "
        "is in the organization's favour.",
        requires=Permission.INVOICES_READ,
    )
    async def balance(self, info: Info) -> Money:
        return Money.of(await balances.balance(info.context.reader, self.owner), self.owner.locale)


async def _length(found: Mapping[str, object]) -> int:
    return len(found)
