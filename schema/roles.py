"""What is a role, as the graph shows it?"""

from datetime import datetime

import strawberry

from billing.roles import Permission
from models import roles as rows
from models.organizations import Organization
from schema import ids
from schema.access import field
from schema.context import Info
from schema.nodes import Node


@strawberry.type(description="What a member may do, and whether a seat with this role is paid for.")
class Role(Node):
    key: str = strawberry.field(description="The stable name by which commands give the role.")
    name: str = strawberry.field(description="The name people read.")
    billable: bool = strawberry.field(description="Whether a member with this role takes a paid seat.")
    built_in: bool = strawberry.field(description="Whether every organization has this role.")
    permissions: list[Permission] = strawberry.field(description="Everything the role allows.")
    created_at: datetime = strawberry.field(description="Since when the organization has the role.")

    @classmethod
    def of(cls, owner: Organization, row: rows.Role) -> "Role":
        """Return the role in a row."""
        return cls(
            id=ids.text(ids.Kind.ROLE, row.organization_id, row.key),
            owner=owner,
            key=row.key,
            name=row.name,
            billable=bool(row.billable),
            built_in=bool(row.built_in),
            permissions=sorted(row.as_rule().permissions),
            created_at=row.created_at,
        )


@strawberry.type
class RolesOfOrganization:
    """The part of an organization that is about roles."""

    owner: strawberry.Private[Organization]

    @field(
        description="The roles that members can have, built-in ones first.",
        requires=Permission.MEMBERS_READ,
    )
    async def roles(self, info: Info) -> list[Role]:
        found = await rows.list_all(info.context.reader, self.owner.organization_id)
        return [Role.of(self.owner, row) for row in found]
