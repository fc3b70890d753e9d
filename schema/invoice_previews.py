"""What would the next invoice say?

Drawn by the code that closes the month, so what it says is what the invoice will say. Of facts as they are, each line
leads to the rows behind it; of facts that are only supposed, none does.
"""

from datetime import datetime

import strawberry

from billing.periods import Period as Span
from models.organizations import Organization
from schema.lines import InvoiceLine
from schema.money import Money
from schema.periods import Period
from schema.plans import ItemQuote
from services import drafts


@strawberry.type(description="The next invoice as it stands now.")
class InvoicePreview:
    period: Period = strawberry.field(description="The month at whose end it will be issued.")
    currency: str = strawberry.field(description="The ISO 4217 code of the currency.")
    subtotal: Money = strawberry.field(description="The sum of the lines.")
    tax: Money = strawberry.field(description="The tax on top of the subtotal.")
    included_tax: Money = strawberry.field(description="The tax that is inside the subtotal already.")
    total: Money = strawberry.field(description="Subtotal and tax.")
    lines: list[InvoiceLine] = strawberry.field(description="What would be charged for.")
    quotes: list[ItemQuote] = strawberry.field(description="Items above the price list, which need individual terms.")

    @classmethod
    def of(cls, drafted: drafts.Drafted, owner: Organization) -> "InvoicePreview":
        """Return a draft of the facts as they are."""
        return cls._of(drafted, owner, drafted.period.end)

    @classmethod
    def supposed(cls, drafted: drafts.Drafted, owner: Organization) -> "InvoicePreview":
        """Return a draft of facts as somebody supposes them to be, which no rows prove."""
        return cls._of(drafted, owner, None)

    @classmethod
    def _of(cls, drafted: drafts.Drafted, owner: Organization, boundary_at: datetime | None) -> "InvoicePreview":
        draft = drafted.draft
        return cls(
            period=Period.of(drafted.period, owner.time_zone),
            currency=draft.currency,
            subtotal=Money.of(draft.subtotal, owner.locale),
            tax=Money.of(draft.tax, owner.locale),
            included_tax=Money.of(draft.included_tax, owner.locale),
            total=Money.of(draft.total, owner.locale),
            lines=[InvoiceLine.of(line, owner, boundary_at=boundary_at) for line in draft.lines],
            quotes=[ItemQuote.of(quote.item_key, quote.required) for quote in draft.quotes],
        )

    @classmethod
    def empty(cls, period: Span, owner: Organization) -> "InvoicePreview":
        """Return the preview of nothing: the organization buys nothing that will be billed within a year."""
        nothing = Money.of_minor(0, owner.currency, owner.locale)
        return cls(
            period=Period.of(period, owner.time_zone),
            currency=owner.currency,
            subtotal=nothing,
            tax=nothing,
            included_tax=nothing,
            total=nothing,
            lines=[],
            quotes=[],
        )
