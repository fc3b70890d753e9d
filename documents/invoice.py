"""What does a frozen invoice say, in full?

One plain value that every form is written from, so that no two forms can tell different things. It refuses to exist
where its own sums do not add up: a document with a wrong total must not leave the house.

>>> euros = lambda text: Money.parse(text, "EUR")
>>> Totals(euros("100.00"), euros("20.00"), euros("0.00"), euros("120.00"), euros("20.00"), euros("0.00")).to_pay.amount
'100.00'
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256

from billing.money import Money, total
from billing.periods import Period


class InconsistentInvoice(ValueError):
    """The amounts of an invoice do not add up; the message names the sum and what it should be."""


class Status(StrEnum):
    """Where an issued invoice stands. A draft has no document."""

    FINALIZED = "FINALIZED"
    PAID = "PAID"
    VOIDED = "VOIDED"
    UNCOLLECTIBLE = "UNCOLLECTIBLE"


class ZeroTax(StrEnum):
    """Why no tax is charged: the category of EN 16931, which an electronic invoice must name."""

    ZERO_RATED = "Z"
    EXEMPT = "E"
    NOT_SUBJECT = "O"


@dataclass(frozen=True, slots=True)
class Party:
    """A legal entity as it is printed."""

    name: str
    address_lines: tuple[str, ...] = ()
    country: str | None = None
    tax_id: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Seller:
    """Who issues. `payment_lines` say where to pay to; `zero_tax` says why an invoice without tax has none."""

    key: str
    party: Party
    payment_lines: tuple[str, ...] = ()
    zero_tax: ZeroTax | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `quantity` is an exact decimal, or a/b; `unit` is the price item's own word."""

    position: int
    key: str
    description: str
    period: Period
    quantity: str
    unit: str
    amount: Money
    formula: str


@dataclass(frozen=True, slots=True)
class Share:
    """What one member stands for on one line. `model` and `direction` are empty for seats."""

    position: int
    member_id: str
    member_name: str
    model: str
    direction: str
    quantity: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Totals:
    """The frozen sums. `included_tax` is inside the subtotal, `tax` on top of it; `credits` were prepaid."""

    subtotal: Money
    tax: Money
    included_tax: Money
    total: Money
    credits: Money
    balance_before: Money

    @property
    def to_pay(self) -> Money:
        """What was to be paid when the invoice was issued."""
        return self.total - self.credits


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that came in for the invoice."""

    received_at: datetime
    reference: str
    amount: Money


@dataclass(frozen=True, slots=True)
class CreditNote:
    """Money given back on the invoice; `tax` is the part of it that is tax."""

    number: str
    issued_at: datetime
    reason: str
    amount: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """An issued invoice with what has been settled on it since. `tax_percent` is None where no one rate is known."""

    seller: Seller
    number: str
    status: Status
    issued_at: datetime
    due_at: datetime
    period: Period
    time_zone: str
    locale: str
    bill_to: Party
    purchase_order: str | None
    contract: str | None
    lines: tuple[Line, ...]
    shares: tuple[Share, ...]
    totals: Totals
    tax_percent: Fraction | None
    payments: tuple[Payment, ...]
    credit_notes: tuple[CreditNote, ...]
    digest: str
    currency: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "currency", self.totals.total.currency)
        self._require("the lines", [line.amount for line in self.lines], self.totals.subtotal)
        self._require("subtotal and tax", [self.totals.subtotal, self.totals.tax], self.totals.total)

    @property
    def settled(self) -> Money:
        """What was paid, credited and drawn from prepaid credit."""
        paid = [payment.amount for payment in self.payments]
        credited = [note.amount for note in self.credit_notes]
        return total([self.totals.credits, *paid, *credited], self.currency)

    @property
    def amount_due(self) -> Money:
        """What is still to be paid; below zero when more came back than was owed."""
        return Money.zero(self.currency) if self.status is Status.VOIDED else self.totals.total - self.settled

    @property
    def version(self) -> str:
        """A text that changes with whatever the document says: the frozen part by its digest, the rest hashed."""
        return f"{self.digest[:32]}-{sha256(repr(self).encode()).hexdigest()[:16]}"

    def _require(self, what: str, parts: Sequence[Money], whole: Money) -> None:
        found = total(parts, self.currency)
        if found != whole:
            raise InconsistentInvoice(f"{what} of invoice {self.number} come to {found}, not {whole}")
