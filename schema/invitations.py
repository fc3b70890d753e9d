"""Who was asked to come, as the graph shows it?

The token is no field of anything: it is in the answer of the command that made it, and nowhere else.
"""

from datetime import datetime
from enum import StrEnum
from functools import partial

import strawberry

from billing.roles import Permission
from models import invitations as rows
from models.organizations import Organization
from schema import ids
from schema.access import field
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Context, Info
from schema.enums import mirror
from schema.members import Member
from schema.nodes import Node
from schema.roles import Role


class InvitationStatus(StrEnum):
    """What became of an invitation."""

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


mirror(
    InvitationStatus,
    description="What became of an invitation.",
    OPEN="It can be accepted.",
    ACCEPTED="The person is a member.",
    REVOKED="It is void, because somebody said so or a newer one took its place.",
    EXPIRED="Nobody accepted it in time.",
)


@strawberry.type(description="Somebody who was asked to come, as what.")
class Invitation(Node):
    email: str = strawberry.field(description="The address that was invited.")
    tier: str | None = strawberry.field(description="The key of the seat tier that comes with it; null for none.")
    status: InvitationStatus = strawberry.field(description="What became of it.")
    created_at: datetime = strawberry.field(description="When the person was asked.")
    expires_at: datetime = strawberry.field(description="Until when it can be accepted.")
    accepted_at: datetime | None = strawberry.field(description="When it was accepted; null where it was not.")
    revoked_at: datetime | None = strawberry.field(description="When it was made void; null where it was not.")
    invited_by: str = strawberry.field(description="Who asked: a member, an account that is no member, or system.")
    role_key: strawberry.Private[str]
    member_key: strawberry.Private[str | None]

    @field(description="The role that comes with it.", requires=Permission.MEMBERS_READ)
    async def role(self, info: Info) -> Role:
        row = await info.context.loaders.role.load((self.owner.organization_id, self.role_key))
        assert row is not None, "roles are never deleted"
        return Role.of(self.owner, row)

    @field(description="Who accepted it; null where nobody has.", requires=Permission.MEMBERS_READ)
    async def member(self, info: Info) -> Member | None:
        return await Member.load(info.context, self.owner, self.member_key)

    @classmethod
    def of(cls, owner: Organization, row: rows.Invitation, *, at: datetime) -> "Invitation":
        """Return the invitation in a row, as it stands at an instant."""
        return cls(
            id=ids.text(ids.Kind.INVITATION, row.organization_id, row.id),
            owner=owner,
            email=row.email,
            tier=row.tier,
            status=_status(row, at),
            created_at=row.created_at,
            expires_at=row.expires_at,
            accepted_at=row.accepted_at,
            revoked_at=row.revoked_at,
            invited_by=row.invited_by,
            role_key=row.role,
            member_key=row.member_id,
        )

    @classmethod
    async def load(cls, context: Context, owner: Organization, key: str) -> "Invitation | None":
        """Return the invitation with this key."""
        row = await rows.find(context.reader, owner.organization_id, key)
        return cls.of(owner, row, at=context.at(owner)) if row else None


def _status(row: rows.Invitation, at: datetime) -> InvitationStatus:
    if row.accepted_at is not None:
        return InvitationStatus.ACCEPTED
    if row.revoked_at is not None:
        return InvitationStatus.REVOKED
    return InvitationStatus.EXPIRED if row.expires_at <= at else InvitationStatus.OPEN


@strawberry.type
class InvitationsOfOrganization:
    """The part of an organization that is about people who were asked to come."""

    owner: strawberry.Private[Organization]

    @field(description="Everybody who was asked to come, newest first.", requires=Permission.MEMBERS_READ)
    async def invitations(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Invitation]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        listing = Listing("invitations", organization_id)
        return listing.connection(
            await rows.page_of(reader, organization_id, listing.window(first, after, last, before)),
            key=lambda row: row.id,
            node=partial(Invitation.of, self.owner, at=info.context.at(self.owner)),
            count=partial(rows.count, reader, organization_id),
        )
