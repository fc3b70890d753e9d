"""Which cost centres are there, who is in them, and what have they spent?

A group is a level of spend between the seat tier and the organization: limits can be set on it, and what its members
spend counts for it from the instant they are in it.
"""

from datetime import datetime
from functools import partial

import strawberry

from billing.roles import Permission
from models import groups as rows
from models import members
from models.organizations import Organization
from schema import ids
from schema.access import field
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Context, Info
from schema.members import Member
from schema.money import Money
from schema.nodes import Node


@strawberry.type(description="A cost centre: members whose spend counts together.")
class Group(Node):
    key: str = strawberry.field(description="The customer's own code of it, unique in the organization.")
    name: str = strawberry.field(description="The name people read.")
    created_at: datetime = strawberry.field(description="Since when it is kept.")
    archived_at: datetime | None = strawberry.field(
        description="Since when it takes nobody in any more; null while it does."
    )
    group_id: strawberry.Private[str]

    @field(description="Those who are in it now, oldest members first.", requires=Permission.MEMBERS_READ)
    async def members(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Member]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        listing = Listing("groupMembers", f"{organization_id}/{self.group_id}")
        window = listing.window(first, after, last, before)
        return listing.connection(
            await members.page_of(reader, organization_id, window, group_id=self.group_id),
            key=lambda row: row.id,
            node=partial(Member.of, self.owner),
            count=partial(members.count, reader, organization_id, group_id=self.group_id),
        )

    @field(
        description="What was spent this month by members while they were in it, exact.",
        requires=Permission.USAGE_READ,
    )
    async def month_to_date(self, info: Info) -> Money:
        counter = await info.context.loaders.group_counter.load((self.owner.organization_id, self.group_id))
        return Money.of_nanos(counter.spent_nanos if counter else 0, self.owner.currency, self.owner.locale)

    @classmethod
    def of(cls, owner: Organization, row: rows.Group) -> "Group":
        """Return the group in a row."""
        return cls(
            id=ids.text(ids.Kind.GROUP, row.organization_id, row.id),
            owner=owner,
            key=row.key,
            name=row.name,
            created_at=row.created_at,
            archived_at=row.archived_at,
            group_id=row.id,
        )

    @classmethod
    async def load(cls, context: Context, owner: Organization, group_id: str | None) -> "Group | None":
        """Return a group by id, or None for no id or one that this organization does not have."""
        if group_id is None:
            return None
        row = await context.loaders.group.load((owner.organization_id, group_id))
        return cls.of(owner, row) if row else None


@strawberry.type
class GroupsOfOrganization:
    """The part of an organization that is about its groups."""

    owner: strawberry.Private[Organization]

    @field(description="The groups, archived ones too, oldest first.", requires=Permission.MEMBERS_READ)
    async def groups(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Group]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        listing = Listing("groups", organization_id)
        return listing.connection(
            await rows.page_of(reader, organization_id, listing.window(first, after, last, before)),
            key=lambda row: row.id,
            node=partial(Group.of, self.owner),
            count=partial(rows.count, reader, organization_id),
        )
