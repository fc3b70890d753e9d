"""Who had which role and which seat, at any instant?

The role is the one that was in force then, and what it allows is what it has always allowed: a role is never edited.
Name and address are those of today, so that people are recognized.
"""

from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry

from billing.roles import Permission
from models import role_history as rows
from models.organizations import Organization
from schema.access import field
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Info
from schema.members import Member
from schema.roles import Role

Instant = Annotated[
    datetime | None, strawberry.argument(name="at", description="The instant; left out, the present one.")
]


@strawberry.type(description="What one member could do, and which seat they held, at an instant.")
class AccessEntry:
    role_since: datetime = strawberry.field(description="Since when they had the role.")
    has_seat: bool = strawberry.field(description="Whether they held a seat.")
    tier: str | None = strawberry.field(description="The key of the seat's tier; null where it had none.")
    add_ons: list[str] = strawberry.field(description="The keys of the seat's add-ons.")
    billable: bool = strawberry.field(description="Whether the seat was a paid one.")
    seat_since: datetime | None = strawberry.field(description="Since when they held the seat as it was then.")
    owner: strawberry.Private[Organization]
    member_id: strawberry.Private[str]
    role_key: strawberry.Private[str]

    @field(description="The member, as they are today.", requires=Permission.MEMBERS_READ)
    async def member(self, info: Info) -> Member:
        found = await Member.load(info.context, self.owner, self.member_id)
        assert found is not None, "members are never deleted"
        return found

    @field(description="The role they had, with all it allows.", requires=Permission.MEMBERS_READ)
    async def role(self, info: Info) -> Role:
        row = await info.context.loaders.role.load((self.owner.organization_id, self.role_key))
        assert row is not None, "roles are never deleted"
        return Role.of(self.owner, row)

    @classmethod
    def of(cls, owner: Organization, row: rows.Access) -> "AccessEntry":
        """Return the entry in a row."""
        return cls(
            role_since=row.role_since,
            has_seat=row.has_seat,
            tier=row.tier,
            add_ons=list(row.add_ons),
            billable=row.billable,
            seat_since=row.seat_since,
            owner=owner,
            member_id=row.member_id,
            role_key=row.role,
        )


@strawberry.type
class AccessOfOrganization:
    """The part of an organization that is about who could do what when."""

    owner: strawberry.Private[Organization]

    @field(
        description="Who had access at an instant, with role and seat, oldest member first. As a file: "
        "`/organizations/{id}/access.csv` or `access.jsonl`, with `at`.",
        requires=Permission.AUDIT_READ,
    )
    async def access_at(
        self,
        info: Info,
        at: Instant = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[AccessEntry]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        instant = at or info.context.at(self.owner)
        listing = Listing("accessAt", organization_id)
        return listing.connection(
            await rows.page_at(reader, organization_id, instant, listing.window(first, after, last, before)),
            key=lambda row: row.member_id,
            node=partial(AccessEntry.of, self.owner),
            count=partial(rows.count_at, reader, organization_id, instant),
        )
