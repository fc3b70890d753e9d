"""Who is a member, and what may be known of them?

A member sees their own seat, usage, spend and limit whatever the role; to see somebody else's takes a permission.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from billing.roles import Permission
from models import members as rows
from models.organizations import Organization
from schema import ids, standings, usage
from schema.access import Own, field
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Context, Info
from schema.enums import mirror
from schema.forecasts import ForecastOfMember
from schema.limit_increases import IncreasesOfMember
from schema.money import Money
from schema.nodes import Node
from schema.periods import Month
from schema.roles import Role
from schema.seats import Seat
from schema.standings import EffectiveSpendLimit
from schema.usage import GroupBy, UsageReport

if TYPE_CHECKING:
    from schema.groups import Group


class MemberStatus(StrEnum):
    """Whether a member takes part."""

    ACTIVE = "ACTIVE"
    DEACTIVATED = "DEACTIVATED"


mirror(
    MemberStatus,
    description="Whether a member takes part.",
    ACTIVE="The member has access and holds a seat.",
    DEACTIVATED="The member has neither; name, usage and history are kept.",
)


@strawberry.type(description="A person in one organization.")
class Member(Node, ForecastOfMember, IncreasesOfMember):
    external_id: str | None = strawberry.field(description="The id by which the customer's directory knows the person.")
    email: str = strawberry.field(description="The e-mail address, unique in the organization.")
    name: str = strawberry.field(description="The person's name.")
    status: MemberStatus = strawberry.field(description="Whether the member takes part.")
    created_at: datetime = strawberry.field(description="When the person became a member.")
    deactivated_at: datetime | None = strawberry.field(
        description="When the member was deactivated; null while active."
    )
    member_id: strawberry.Private[str]
    role_key: strawberry.Private[str]

    @field(description="What the member may do. Everybody has exactly one role.", requires=None)
    async def role(self, info: Info) -> Role:
        row = await info.context.loaders.role.load((self.owner.organization_id, self.role_key))
        assert row is not None, "a member's role exists"
        return Role.of(self.owner, row)

    @field(
        description="The seat the member holds now; null for a deactivated one.",
        requires=Permission.SEATS_READ,
        own=Own.SUBJECT,
    )
    async def seat(self, info: Info) -> Seat | None:
        return await Seat.load(info.context, self.owner, self.member_id)

    @field(
        description="The group the member is in now; null for none.",
        requires=Permission.MEMBERS_READ,
        own=Own.SUBJECT,
    )
    async def group(self, info: Info) -> Annotated["Group", strawberry.lazy("schema.groups")] | None:
        from schema.groups import Group  # the back edge: a group leads to its members

        group_id = await info.context.loaders.group_of.load((self.owner.organization_id, self.member_id))
        return await Group.load(info.context, self.owner, group_id)

    @field(
        description="What the member has spent this month, exact.",
        requires=Permission.USAGE_READ,
        own=Own.SUBJECT,
    )
    async def month_to_date(self, info: Info) -> Money:
        return await standings.month_to_date(info.context, self.owner, self.member_id)

    @field(
        description="Which spend limit binds the member now, why, and how much it leaves.",
        requires=Permission.SPEND_LIMITS_READ,
        own=Own.SUBJECT,
    )
    async def effective_limit(self, info: Info) -> EffectiveSpendLimit:
        return await EffectiveSpendLimit.load(info.context, self.owner, self.member_id)

    @field(description="What the member used in a month.", requires=Permission.USAGE_READ, own=Own.SUBJECT)
    async def usage(self, info: Info, period: Month = None, group_by: GroupBy = ()) -> UsageReport:  # type: ignore[assignment]  # an empty list that nobody can fill
        return await usage.usage_of_member(info.context, self.owner, self.member_id, period, list(group_by))

    @classmethod
    def of(cls, owner: Organization, row: rows.Member) -> "Member":
        """Return the member in a row."""
        return cls(
            id=ids.text(ids.Kind.MEMBER, row.organization_id, row.id),
            owner=owner,
            external_id=row.external_id,
            email=row.email,
            name=row.name,
            status=MemberStatus(row.status),
            created_at=row.created_at,
            deactivated_at=row.deactivated_at,
            member_id=row.id,
            role_key=row.role,
        )

    @classmethod
    async def load(cls, context: Context, owner: Organization, member_id: str | None) -> "Member | None":
        """Return a member by id, or None for no id or one that this organization does not have."""
        if member_id is None:
            return None
        row = await context.loaders.member.load((owner.organization_id, member_id))
        return cls.of(owner, row) if row else None


@strawberry.input(description="Which members to list; everything given must hold.")
class MemberFilter:
    status: MemberStatus | None = strawberry.field(default=None, description="Only members with this status.")
    role: str | None = strawberry.field(default=None, description="Only members with the role of this key.")
    search: str | None = strawberry.field(default=None, description="Only members whose name or e-mail contains this.")

    def conditions(self) -> Mapping[str, Any]:
        """Return the filter as the query takes it."""
        status = self.status.value if self.status else None
        return {"status": status, "role": self.role, "search": self.search or None}


Matching = Annotated[MemberFilter | None, strawberry.argument(name="filter", description="Which members to list.")]


@strawberry.type
class MembersOfOrganization:
    """The part of an organization that is about its people."""

    owner: strawberry.Private[Organization]

    @field(description="The members, oldest first.", requires=Permission.MEMBERS_READ)
    async def members(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        matching: Matching = None,
    ) -> Connection[Member]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        conditions = matching.conditions() if matching else {}
        listing = Listing("members", organization_id)
        page = await rows.page_of(reader, organization_id, listing.window(first, after, last, before), **conditions)
        return listing.connection(
            page,
            key=lambda row: row.id,
            node=partial(Member.of, self.owner),
            count=partial(rows.count, reader, organization_id, **conditions),
        )
