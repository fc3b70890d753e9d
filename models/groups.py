"""Which groups does an organization keep, and who is in which?

A group is a cost centre under the customer's own key. A member is in one group at a time or in none; membership is
history in half-open intervals, so that usage reported late counts for the group of its own instant.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import Subquery
from tortoise.models import Model

from models.fields import InstantField, code
from models.paging import Page, Window, page
from models.selecting import Select
from models.sql import Statement


class Group(Model):
    """A cost centre. Archived ones take nobody in any more and keep their history."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    key: str = code()
    name = fields.TextField()
    created_at: datetime = InstantField()  # type: ignore[assignment]
    archived_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "groups"


class GroupMembership(Model):
    """One member's time in one group."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    member_id: str = code()
    group_id: str = code()
    starts_at: datetime = InstantField()  # type: ignore[assignment]
    ends_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "group_memberships"

    def holds(self, at: datetime) -> bool:
        """Return whether the member is in the group at `at`."""
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


_FORGET = Statement("""
    DELETE FROM group_memberships
    WHERE organization_id = :organization_id AND ends_at IS NULL AND starts_at >= :at AND member_id IN :member_ids[]
""")
_END = Statement("""
    UPDATE group_memberships SET ends_at = :at
    WHERE organization_id = :organization_id AND ends_at IS NULL AND member_id IN :member_ids[]
""")


async def find(client: BaseDBAsyncClient, organization_id: str, group_id: str) -> Group | None:
    """Return one group by id."""
    return await Group.filter(organization_id=organization_id, id=group_id).using_db(client).first()


async def find_many(client: BaseDBAsyncClient, organization_id: str, group_ids: Sequence[str]) -> list[Group]:
    """Return groups by id, in no particular order."""
    return await Group.filter(organization_id=organization_id, id__in=list(group_ids)).using_db(client)


async def find_by_key(client: BaseDBAsyncClient, organization_id: str, key: str) -> Group | None:
    """Return the group that the customer knows by this key."""
    return await Group.filter(organization_id=organization_id, key=key).using_db(client).first()


async def page_of(client: BaseDBAsyncClient, organization_id: str, window: Window) -> Page[Group]:
    """Return one page of the groups, archived ones too, oldest first."""
    return await page(Group.filter(organization_id=organization_id).using_db(client), window)


async def count(client: BaseDBAsyncClient, organization_id: str) -> int:
    """Return how many groups there are, archived ones too."""
    return await Group.filter(organization_id=organization_id).using_db(client).count()


async def in_use(client: BaseDBAsyncClient, organization_id: str, *, size_max: int) -> list[Group]:
    """Return the groups that are not archived, oldest first, up to a number."""
    query = Group.filter(organization_id=organization_id, archived_at__isnull=True).using_db(client)
    return await query.order_by("id").limit(size_max)


async def insert(client: BaseDBAsyncClient, **columns: Any) -> Group:
    """Keep a new group."""
    return await Group.create(using_db=client, **columns)


async def update(client: BaseDBAsyncClient, organization_id: str, group_id: str, **columns: Any) -> None:
    """Change columns of one group."""
    await Group.filter(organization_id=organization_id, id=group_id).using_db(client).update(**columns)


_OPEN = Select(
    GroupMembership, "WHERE organization_id = :organization_id AND member_id IN :member_ids[] AND ends_at IS NULL"
)


async def open_memberships(
    client: BaseDBAsyncClient, organization_id: str, member_ids: Sequence[str]
) -> list[GroupMembership]:
    """Return where the given members are now; one in no group has no row."""
    return await _OPEN.all(client, organization_id=organization_id, member_ids=member_ids)


async def history(client: BaseDBAsyncClient, organization_id: str, member_ids: Sequence[str]) -> list[GroupMembership]:
    """Return every group the given members were ever in, oldest first."""
    query = GroupMembership.filter(organization_id=organization_id, member_id__in=list(member_ids))
    return await query.using_db(client).order_by("starts_at", "id").limit(100_000)


def members_of(organization_id: str, group_id: str) -> Subquery:
    """Return the ids of those who are in a group now, as a part of another query."""
    query = GroupMembership.filter(organization_id=organization_id, group_id=group_id, ends_at__isnull=True)
    return Subquery(query.values("member_id"))


async def count_members(client: BaseDBAsyncClient, organization_id: str, group_id: str) -> int:
    """Return how many members are in a group now."""
    query = GroupMembership.filter(organization_id=organization_id, group_id=group_id, ends_at__isnull=True)
    return await query.using_db(client).count()


async def leave(client: BaseDBAsyncClient, organization_id: str, member_ids: Sequence[str], *, at: int) -> None:
    """End the memberships of the given members at `at`; one that began at that very instant never was, and goes."""
    await _FORGET.run(client, organization_id=organization_id, at=at, member_ids=member_ids)
    await _END.run(client, organization_id=organization_id, at=at, member_ids=member_ids)


async def join(client: BaseDBAsyncClient, memberships: Sequence[GroupMembership]) -> None:
    """Start memberships, in a bounded number of statements."""
    await GroupMembership.bulk_create(memberships, using_db=client, batch_size=500)
