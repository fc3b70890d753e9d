"""What does an invoice, or its preview, charge for?"""

from datetime import datetime
from functools import cached_property

import strawberry

from billing import explanations, money
from billing import lines as rules
from billing.explanations import Explanation
from billing.periods import Period as Span
from models import invoices as rows
from models.organizations import Organization
from schema.access import field
from schema.evidence import EvidenceOfLine
from schema.explanations import LineExplanation
from schema.money import Money
from schema.periods import Period
from schema.scalars import ExactText
from services.evidence import BilledLine


@strawberry.type(description="One line of an invoice or of its preview.")
class InvoiceLine(EvidenceOfLine):
    key: str = strawberry.field(description="The stable name of the line on its invoice.")
    item_key: str = strawberry.field(description="The key of the plan item the line is for.")
    description: str = strawberry.field(description="What is charged for, in the organization's language.")
    quantity: ExactText = strawberry.field(description="How much of it, exact.")
    unit: str = strawberry.field(description="What one of the quantity is called.")
    charged: strawberry.Private[money.Money]
    span: strawberry.Private[Span]
    explained: strawberry.Private[Explanation | rows.InvoiceLine]
    boundary_at: strawberry.Private[datetime | None]
    issued: strawberry.Private[bool]

    @field(description="What the line comes to.", requires=None)
    def amount(self) -> Money:
        return Money.of(self.charged, self.owner.locale)

    @field(description="The time the line covers.", requires=None)
    def period(self) -> Period:
        return Period.of(self.span, self.owner.time_zone)

    @field(description="Everything that made the amount.", requires=None)
    def explanation(self) -> LineExplanation:
        return LineExplanation.of(self._explanation)

    @property
    def billed(self) -> BilledLine | None:
        """The line as its evidence is found by; None for one that is only supposed."""
        if self.boundary_at is None:
            return None
        return BilledLine(self.key, self.item_key, self.unit, self._explanation, self.boundary_at, self.issued)

    @cached_property
    def _explanation(self) -> Explanation:
        frozen = self.explained
        return frozen if isinstance(frozen, Explanation) else explanations.from_document(frozen.explanation)

    @classmethod
    def of(cls, line: rules.Line, owner: Organization, *, boundary_at: datetime | None) -> "InvoiceLine":
        """Return a line that was drafted just now for a boundary, or for none when its facts are only supposed."""
        return cls(
            owner=owner,
            key=line.key,
            item_key=line.item_key,
            description=line.description,
            quantity=ExactText(line.quantity_text),
            unit=line.unit,
            charged=line.amount,
            span=line.period,
            explained=line.explanation,
            boundary_at=boundary_at,
            issued=False,
        )

    @classmethod
    def of_row(cls, row: rows.InvoiceLine, invoice: rows.Invoice, owner: Organization) -> "InvoiceLine":
        """Return a line as it was frozen with its invoice."""
        return cls(
            owner=owner,
            key=row.key,
            item_key=row.item_key,
            description=row.description,
            quantity=ExactText(row.quantity),
            unit=row.unit,
            charged=money.Money(row.amount_minor, invoice.currency),
            span=Span(row.period_start, row.period_end),
            explained=row,
            boundary_at=invoice.boundary_at,
            issued=invoice.status != "DRAFT",
        )
