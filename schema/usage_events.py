"""What was reported, event by event?

An event is kept once and never edited: a correction is an event of its own that takes the place of another, so both
what a source said first and what it said later can be seen.
"""

from datetime import datetime

import strawberry

from billing.rating import Direction
from billing.roles import Permission
from models import usage as rows
from models.organizations import Organization
from schema import ids
from schema.access import Own, field
from schema.context import Context, Info
from schema.members import Member
from schema.money import Money
from schema.nodes import Node
from schema.scalars import Long


@strawberry.type(description="One measured use, as its source reported it and as it was priced at that instant.")
class UsageEvent(Node):
    event_id: str = strawberry.field(description="The source's own id of the event.")
    meter: str = strawberry.field(description="The meter of the plan that it counts on.")
    model: str = strawberry.field(description="The model that was used.")
    direction: Direction = strawberry.field(description="Which side of the call was metered.")
    quantity: Long = strawberry.field(description="How many units were used.")
    cost: Money = strawberry.field(
        description="What it costs by itself, exact; zero where only a month's whole quantity has a price."
    )
    price_version: str = strawberry.field(description="The version of the price by which it was rated.")
    seat_tier: str | None = strawberry.field(description="The key of the seat tier the member had then, null for none.")
    over_limit: bool = strawberry.field(description="Whether it was kept although it broke a spend limit.")
    occurred_at: datetime = strawberry.field(description="When it was used.")
    recorded_at: datetime = strawberry.field(description="When it was reported to us.")
    supersedes_id: strawberry.ID | None = strawberry.field(
        description="The id of the event whose place it takes; null for one that corrects nothing."
    )
    member_id: strawberry.Private[str]

    @field(description="The member who used it.", requires=Permission.MEMBERS_READ, own=Own.SUBJECT)
    async def member(self, info: Info) -> Member | None:
        return await Member.load(info.context, self.owner, self.member_id)

    @classmethod
    def of(cls, owner: Organization, row: rows.UsageEvent) -> "UsageEvent":
        """Return the event in a row."""
        organization_id, corrected = row.organization_id, row.supersedes
        return cls(
            id=ids.text(ids.Kind.USAGE_EVENT, organization_id, row.id),
            owner=owner,
            event_id=row.external_id,
            meter=row.meter,
            model=row.model,
            direction=Direction(row.direction),
            quantity=Long(row.quantity),
            cost=Money.of_nanos(row.cost_nanos, owner.currency, owner.locale),
            price_version=row.price_version,
            seat_tier=row.tier or None,
            over_limit=row.overage == "RECORDED",
            occurred_at=row.occurred_at,
            recorded_at=row.recorded_at,
            supersedes_id=ids.text(ids.Kind.USAGE_EVENT, organization_id, corrected) if corrected else None,
            member_id=row.member_id,
        )

    @classmethod
    async def load(cls, context: Context, owner: Organization, usage_id: str | None) -> "UsageEvent | None":
        """Return an event by id, or None for no id or one that this organization does not have."""
        if usage_id is None:
            return None
        row = await context.loaders.usage_event.load((owner.organization_id, usage_id))
        return cls.of(owner, row) if row else None
