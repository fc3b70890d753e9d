"""What would a change do to the bill?

Asked before or answered after: the same two drafts of the same month, drawn by the code that draws the invoice. So
what a preview says is what the change says, and what the invoice says.
"""

from datetime import datetime
from typing import Self

import strawberry

from billing import money as rules
from billing.roles import Permission
from models.organizations import Organization
from schema.access import field
from schema.inputs import InvalidInput
from schema.invoice_previews import InvoicePreview
from schema.money import Money
from schema.user_errors import UserError, user_error
from services.drafts import Drafted
from services.outcomes import Refused


@strawberry.type
class BillDifference:
    """What the invoice at the end of a month comes to without a change and with it."""

    before: Money = strawberry.field(description="What that invoice came to without the change.")
    after: Money = strawberry.field(description="What it comes to with the change.")
    difference: Money = strawberry.field(description="What the change adds; below zero when it takes away.")

    @classmethod
    def of(cls, before: rules.Money, after: rules.Money, owner: Organization) -> Self:
        """Return both sides and what lies between them."""
        return cls(
            before=Money.of(before, owner.locale),
            after=Money.of(after, owner.locale),
            difference=Money.of(after - before, owner.locale),
        )


@strawberry.type(description="What a change of a seat does to the invoice at the end of the running month.")
class SeatChangePreview(BillDifference):
    pass


@strawberry.type(description="What a change of plan does to the invoice at the end of the month it happens in.")
class PlanChangePreview(BillDifference):
    pass


@strawberry.type(description="What a change would do to the bill. Nothing is changed by asking.")
class ChangePreview:
    before: Money | None = strawberry.field(
        default=None, description="What the invoice at the end of that month comes to as things stand."
    )
    after: Money | None = strawberry.field(default=None, description="What it would come to with the change.")
    difference: Money | None = strawberry.field(
        default=None, description="What the change would add; below zero when it would take away."
    )
    effective_at: datetime | None = strawberry.field(
        default=None,
        description="From when the change would hold: later than asked for where what is paid for is kept until it is "
        "used up.",
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why the change would be refused; empty when it would not."
    )
    owner: strawberry.Private[Organization]
    drafted: strawberry.Private[Drafted | None] = None

    @field(
        description="The next invoice as it would be, line by line; null where nothing would be billed within a year.",
        requires=Permission.INVOICES_READ,
    )
    def upcoming_invoice(self) -> InvoicePreview | None:
        return InvoicePreview.supposed(self.drafted, self.owner) if self.drafted else None

    @classmethod
    def of(
        cls,
        before: rules.Money,
        after: rules.Money,
        drafted: Drafted | None,
        owner: Organization,
        *,
        effective_at: datetime,
    ) -> "ChangePreview":
        """Return what a change would do."""
        return cls(
            before=Money.of(before, owner.locale),
            after=Money.of(after, owner.locale),
            difference=Money.of(after - before, owner.locale),
            effective_at=effective_at,
            owner=owner,
            drafted=drafted,
        )

    @classmethod
    def refused(cls, refused: Refused | InvalidInput, owner: Organization) -> "ChangePreview":
        """Return why there is nothing to preview."""
        return cls(user_errors=[user_error(refused)], owner=owner)
