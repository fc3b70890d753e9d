"""What does each member stand for on an invoice?

The parts of a line add up to the line, to the last minor unit. What belongs to nobody, such as a platform fee, is on
the invoice and in nobody's part.
"""

import strawberry

from billing.rating import Direction
from billing.roles import Permission
from models import invoices as rows
from models.organizations import Organization
from schema import ids
from schema.access import Own, field
from schema.context import Info
from schema.members import Member
from schema.money import Money
from schema.scalars import ExactText


@strawberry.type(description="One member's part of one line.")
class MemberShare:
    line_key: str = strawberry.field(description="The key of the line it is a part of.")
    model: str | None = strawberry.field(description="The model used; null for seats.")
    direction: Direction | None = strawberry.field(description="The direction metered; null for seats.")
    quantity: ExactText = strawberry.field(description="How much of the line's quantity is the member's.")
    cost: Money = strawberry.field(description="The metered cost before rounding; zero for seats.")
    amount: Money = strawberry.field(description="The part of the line's amount.")

    @classmethod
    def of(cls, row: rows.InvoiceShare, line_key: str, currency: str, owner: Organization) -> "MemberShare":
        """Return the share in a row."""
        return cls(
            line_key=line_key,
            model=row.model or None,
            direction=Direction(row.direction) if row.direction else None,
            quantity=ExactText(row.quantity),
            cost=Money.of_nanos(row.cost_nanos, currency, owner.locale),
            amount=Money.of_minor(row.amount_minor, currency, owner.locale),
        )


@strawberry.type(description="Everything one member stands for on an invoice.")
class MemberBreakdown:
    amount: Money = strawberry.field(description="The member's parts together.")
    shares: list[MemberShare] = strawberry.field(description="The member's parts, in the order of the lines.")
    owner: strawberry.Private[Organization]
    member_id: strawberry.Private[str]

    @field(description="Whose part of the bill it is, by global id.", requires=None, name="memberId")
    def global_id(self) -> strawberry.ID:
        return ids.text(ids.Kind.MEMBER, self.owner.organization_id, self.member_id)

    @field(description="Whose part of the bill it is.", requires=Permission.MEMBERS_READ, own=Own.SUBJECT)
    async def member(self, info: Info) -> Member | None:
        return await Member.load(info.context, self.owner, self.member_id)
