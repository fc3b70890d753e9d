"""Which groups does a directory keep, and what do they give, as the graph shows it?"""

from datetime import datetime
from functools import partial

import strawberry

from billing.roles import Permission
from models import directory_groups as rows
from models.organizations import Organization
from schema import ids
from schema.access import field
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Context, Info
from schema.nodes import Node


@strawberry.type(description="A group that a directory pushed. It gives what the organization says it gives.")
class DirectoryGroup(Node):
    name: str = strawberry.field(description="What the customer's directory calls it.")
    external_id: str | None = strawberry.field(description="The id by which the directory knows the group.")
    created_at: datetime = strawberry.field(description="When the directory first told of it.")
    updated_at: datetime = strawberry.field(description="When the directory last changed it, or who is in it.")
    key: strawberry.Private[str]

    @field(description="How many members are in it.", requires=Permission.MEMBERS_READ)
    async def member_count(self, info: Info) -> int:
        return await info.context.loaders.directory_group_size.load((self.owner.organization_id, self.key)) or 0

    @classmethod
    def of(cls, owner: Organization, row: rows.DirectoryGroup) -> "DirectoryGroup":
        """Return the group in a row."""
        return cls(
            id=ids.text(ids.Kind.DIRECTORY_GROUP, row.organization_id, row.id),
            owner=owner,
            name=row.name,
            external_id=row.external_id,
            created_at=row.created_at,
            updated_at=row.updated_at,
            key=row.id,
        )

    @classmethod
    async def load(cls, context: Context, owner: Organization, key: str) -> "DirectoryGroup | None":
        """Return the group with this key."""
        row = await context.loaders.directory_group.load((owner.organization_id, key))
        return cls.of(owner, row) if row else None


@strawberry.type(description="What being in one group gives.")
class DirectoryGroupRule:
    role: str = strawberry.field(description="The key of the role it gives.")
    tier: str | None = strawberry.field(description="The key of the seat tier it gives; null where it gives none.")
    owner: strawberry.Private[Organization]
    group_id: strawberry.Private[str]

    @field(description="The group; null where the directory has it no more.", requires=Permission.MEMBERS_READ)
    async def group(self, info: Info) -> DirectoryGroup | None:
        return await DirectoryGroup.load(info.context, self.owner, self.group_id)


@strawberry.type(description="What the groups of the directory give. Of several, the first rule decides.")
class GroupMapping:
    rules: list[DirectoryGroupRule] = strawberry.field(description="The rules, in the order in which they are asked.")
    default_role: str = strawberry.field(description="The key of the role of a new person who is in no group.")
    default_tier: str | None = strawberry.field(description="The key of the seat tier of such a person; null for none.")
    is_applied: bool = strawberry.field(
        description="Whether everybody has what the rules give; of very many people some follow a moment later."
    )
    set_at: datetime = strawberry.field(description="Since when the rules hold.")
    set_by: str = strawberry.field(description="Who set them: a member, an account that is no member, or system.")

    @classmethod
    def of(cls, owner: Organization, row: rows.GroupMapping) -> "GroupMapping":
        """Return the mapping in a row."""
        return cls(
            rules=[
                DirectoryGroupRule(role=rule["role"], tier=rule["tier"], owner=owner, group_id=rule["group"])
                for rule in row.rules
            ],
            default_role=row.default_role,
            default_tier=row.default_tier,
            is_applied=row.applied_after is None,
            set_at=row.set_at,
            set_by=row.set_by,
        )


@strawberry.type
class DirectoriesOfOrganization:
    """The part of an organization that is about what its directory says."""

    owner: strawberry.Private[Organization]

    @field(description="The groups that a directory pushed, oldest first.", requires=Permission.MEMBERS_READ)
    async def directory_groups(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[DirectoryGroup]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        listing = Listing("directoryGroups", organization_id)
        return listing.connection(
            await rows.page_of(reader, organization_id, listing.window(first, after, last, before)),
            key=lambda row: row.id,
            node=partial(DirectoryGroup.of, self.owner),
            count=partial(rows.count, reader, organization_id),
        )

    @field(
        description="Which group gives which role and seat tier; null where the organization never said.",
        requires=Permission.ACCESS_READ,
    )
    async def group_mapping(self, info: Info) -> GroupMapping | None:
        row = await rows.mapping(info.context.reader, self.owner.organization_id)
        return GroupMapping.of(self.owner, row) if row else None
