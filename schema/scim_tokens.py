"""Which directories may push people, as the graph shows it?

The token itself is no field of anything: it is in the answer of the command that made it, and nowhere else.
"""

from datetime import datetime
from functools import partial

import strawberry

from billing.roles import Permission
from models import scim_tokens as rows
from models.organizations import Organization
from schema import ids
from schema.access import field
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Info
from schema.nodes import Node


@strawberry.type(description="A directory's way in, at /scim/v2. It reaches as far as whoever made it did then.")
class ScimToken(Node):
    name: str = strawberry.field(description="The name people read.")
    ending: str = strawberry.field(description="The last four characters of the token, to tell it from another.")
    role: str = strawberry.field(description="The key of the role that whoever made it had: it reaches as far.")
    created_at: datetime = strawberry.field(description="When it was made.")
    created_by: str = strawberry.field(description="Who made it: a member, an account that is no member, or system.")
    last_used_at: datetime | None = strawberry.field(
        description="When a directory last came with it, to the minute; null where none ever did."
    )
    revoked_at: datetime | None = strawberry.field(description="When it was revoked; null while it does.")

    @classmethod
    def of(cls, owner: Organization, row: rows.ScimToken) -> "ScimToken":
        """Return the token in a row."""
        return cls(
            id=ids.text(ids.Kind.SCIM_TOKEN, row.organization_id, row.id),
            owner=owner,
            name=row.name,
            ending=row.ending,
            role=row.role,
            created_at=row.created_at,
            created_by=row.created_by,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
        )


@strawberry.type
class ScimTokensOfOrganization:
    """The part of an organization that is about the ways in for directories."""

    owner: strawberry.Private[Organization]

    @field(
        description="The organization's SCIM tokens, revoked ones too, oldest first.", requires=Permission.ACCESS_READ
    )
    async def scim_tokens(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ScimToken]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        listing = Listing("scimTokens", organization_id)
        return listing.connection(
            await rows.page_of(reader, organization_id, listing.window(first, after, last, before)),
            key=lambda row: row.id,
            node=partial(ScimToken.of, self.owner),
            count=partial(rows.count, reader, organization_id),
        )
