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
from models.roles import Role as RoleRow
from models.seats import SeatInterval
from schema import ids, usage
from schema.access import Own, field
from schema.columns import column
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Context, Info
from schema.enums import mirror
from schema.forecasts import ForecastOfMember
from schema.limit_increases import IncreasesOfMember
from schema.loaded import loaded
from schema.money import Money
from schema.nodes import Node
from schema.periods import Month
from schema.roles import Role
from schema.seats import Seat
from schema.standings import EffectiveSpendLimit
from schema.usage import GroupBy, UsageReport
from services.standings import Standing

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
    external_id: str | None = column(
        "external_id", description="The id by which the customer's directory knows the person."
    )
    email: str = column("email", description="The e-mail address, unique in the organization.")
    name: str = column("name", description="The person's name.")
    status: MemberStatus = column("status", description="Whether the member takes part.", make=MemberStatus)
    created_at: datetime = column("created_at", description="When the person became a member.")
    deactivated_at: datetime | None = column(
        "deactivated_at", description="When the member was deactivated; null while active."
    )
    member_id: strawberry.Private[str]
    row: strawberry.Private[rows.Member]

    @loaded(
        "role", key="role_key", description="What the member may do. Everybody has exactly one role.", requires=None
    )
    def role(self, row: RoleRow | None) -> Role:
        assert row is not None, "a member's role exists"
        return Role.of(self.owner, row)

    @loaded(
        "seat",
        description="The seat the member holds now; null for a deactivated one.",
        requires=Permission.SEATS_READ,
        own=Own.SUBJECT,
    )
    def seat(self, row: SeatInterval | None) -> Seat | None:
        return None if row is None else Seat(owner=self.owner, row=row)

    @field(
        description="The group the member is in now; null for none.",
        requires=Permission.MEMBERS_READ,
        own=Own.SUBJECT,
    )
    async def group(self, info: Info) -> Annotated["Group", strawberry.lazy("schema.groups")] | None:
        from schema.groups import Group  # the back edge: a group leads to its members

        group_id = await info.context.loaders.group_of.load(self.row_key)
        return await Group.load(info.context, self.owner, group_id)

    @loaded(
        "standing",
        description="What the member has spent this month, exact.",
        requires=Permission.USAGE_READ,
        own=Own.SUBJECT,
    )
    def month_to_date(self, standing: Standing) -> Money:
        return Money.of_nanos(standing.counter.spent_nanos, self.owner.currency, self.owner.locale)

    @loaded(
        "standing",
        description="Which spend limit binds the member now, why, and how much it leaves.",
        requires=Permission.SPEND_LIMITS_READ,
        own=Own.SUBJECT,
    )
    def effective_limit(self, standing: Standing) -> EffectiveSpendLimit:
        return EffectiveSpendLimit(owner=self.owner, standing=standing)

    @field(description="What the member used in a month.", requires=Permission.USAGE_READ, own=Own.SUBJECT)
    async def usage(self, info: Info, period: Month = None, group_by: GroupBy = ()) -> UsageReport:  # type: ignore[assignment]  # an empty list that nobody can fill
        return await usage.usage_of_member(info.context, self.owner, self.member_id, period, list(group_by))

    @property
    def row_key(self) -> tuple[str, str]:
        """The key of what is loaded about the member."""
        return self.owner.organization_id, self.member_id

    @property
    def role_key(self) -> tuple[str, str]:
        """The key of the member's role."""
        return self.owner.organization_id, self.row.role

    @classmethod
    def of(cls, owner: Organization, row: rows.Member) -> "Member":
        """Return the member in a row."""
        return cls(id=ids.text(ids.Kind.MEMBER, row.organization_id, row.id), owner=owner, member_id=row.id, row=row)

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
