"""Which groups does a directory keep, who is in them, and what does membership give?

Unlike a cost centre, a directory's group may hold anybody any number of times over: a member is in as many as the
directory says. The mapping is the organization's own word on what each group gives.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.expressions import Subquery
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models.fields import DocumentField, InstantField, code
from models.paging import Page, Window, page
from models.sql import Client, Statement

MEMBERSHIPS_MAX = 1_000_000


class DirectoryGroup(Model):
    """A group as the directory keeps it. `version` grows with every change of it, or of who is in it."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    name = fields.TextField()
    name_key: str = code()
    external_id: str | None = code(null=True)
    version = fields.BigIntField()
    created_at: datetime = InstantField()  # type: ignore[assignment]
    updated_at: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "directory_groups"


class DirectoryGroupMember(Model):
    """One member in one group."""

    organization_id: str = code()
    group_id: str = code()
    member_id: str = code(primary_key=True)

    class Meta:
        table = "directory_group_members"


class GroupMapping(Model):
    """What groups give: the first rule whose group somebody is in, or the default for people who are new.

    `applied_after` is the last member to whom the rules were applied, in the order of ids; None once they all were.
    """

    organization_id: str = code(primary_key=True)
    rules: Any = DocumentField()
    default_role: str = code()
    default_tier: str | None = code(null=True)
    applied_after: str | None = code(null=True)
    set_by: str = code()
    set_at: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "group_mappings"


_JOIN = Statement("""
    INSERT INTO directory_group_members (organization_id, group_id, member_id)
    SELECT :organization_id, :group_id, id FROM members
    WHERE organization_id = :organization_id AND id IN :member_ids[]
    ON CONFLICT DO NOTHING
""")
_LEAVE = Statement("""
    DELETE FROM directory_group_members
    WHERE organization_id = :organization_id AND group_id = :group_id AND member_id IN :member_ids[]
""")
_LEAVE_ALL = Statement("""
    DELETE FROM directory_group_members WHERE organization_id = :organization_id AND member_id = :member_id
""")
_SIZES = Statement("""
    SELECT group_id, count(*) AS total FROM directory_group_members
    WHERE organization_id = :organization_id AND group_id IN :group_ids[] GROUP BY group_id
""")
_CONCERNED = Statement("""
    SELECT member_id FROM directory_group_members WHERE organization_id = :organization_id AND member_id > :after
    UNION
    SELECT member_id FROM directory_users
    WHERE organization_id = :organization_id AND member_id > :after AND given_role IS NOT NULL
    ORDER BY member_id LIMIT :limit
""")


async def insert(client: Client, **columns: Any) -> DirectoryGroup:
    """Keep a new group."""
    return await DirectoryGroup.create(using_db=client, **columns)


async def update(client: Client, organization_id: str, group_id: str, **columns: Any) -> None:
    """Change columns of one group."""
    await _all(organization_id).filter(id=group_id).using_db(client).update(**columns)


async def delete(client: Client, organization_id: str, group_id: str) -> None:
    """Forget a group, and who was in it."""
    inside = DirectoryGroupMember.filter(organization_id=organization_id, group_id=group_id)
    await inside.using_db(client).delete()
    await _all(organization_id).filter(id=group_id).using_db(client).delete()


async def find(client: Client, organization_id: str, group_id: str) -> DirectoryGroup | None:
    """Return one group by id."""
    return await _all(organization_id).filter(id=group_id).using_db(client).first()


async def find_many(client: Client, organization_id: str, group_ids: Sequence[str]) -> list[DirectoryGroup]:
    """Return those of the given groups that exist, in no particular order."""
    return await _all(organization_id).filter(id__in=list(group_ids)).using_db(client)


async def find_by_name(client: Client, organization_id: str, name_key: str) -> DirectoryGroup | None:
    """Return the group of this name, written in lower case."""
    return await _all(organization_id).filter(name_key=name_key).using_db(client).first()


def having(organization_id: str, member_id: str | None = None) -> QuerySet[DirectoryGroup]:
    """Return the query for the organization's groups, or for those that a member is in."""
    if member_id is None:
        return _all(organization_id)
    inside = DirectoryGroupMember.filter(organization_id=organization_id, member_id=member_id)
    return _all(organization_id).filter(id__in=Subquery(inside.values("group_id")))


async def page_of(client: Client, organization_id: str, window: Window) -> Page[DirectoryGroup]:
    """Return one page of the groups, oldest first."""
    return await page(_all(organization_id).using_db(client), window)


async def count(client: Client, organization_id: str) -> int:
    """Return how many groups the directory keeps."""
    return await _all(organization_id).using_db(client).count()


async def memberships(
    client: Client, organization_id: str, *, groups: Sequence[str] | None = None, members: Sequence[str] | None = None
) -> list[DirectoryGroupMember]:
    """Return who is in which of the given groups, or in which groups the given members are."""
    query = DirectoryGroupMember.filter(organization_id=organization_id)
    if groups is not None:
        query = query.filter(group_id__in=list(groups))
    if members is not None:
        query = query.filter(member_id__in=list(members))
    return await query.using_db(client).order_by("group_id", "member_id").limit(MEMBERSHIPS_MAX)


async def sizes(client: Client, organization_id: str, group_ids: Sequence[str]) -> dict[str, int]:
    """Return how many members each of the given groups has; an empty one is missing."""
    found = await _SIZES.rows(client, organization_id=organization_id, group_ids=group_ids)
    return {row["group_id"]: int(row["total"]) for row in found}


async def concerned(client: Client, organization_id: str, *, after: str, limit: int) -> list[str]:
    """Return up to `limit` members whom rules can concern, in the order of their ids: who is in a group, or was given
    something by one.
    """
    found = await _CONCERNED.rows(client, organization_id=organization_id, after=after, limit=limit)
    return [row["member_id"] for row in found]


async def join(client: Client, organization_id: str, group_id: str, member_ids: Sequence[str]) -> None:
    """Put members into a group; who is in it stays in it."""
    await _JOIN.run(client, organization_id=organization_id, group_id=group_id, member_ids=member_ids)


async def leave(client: Client, organization_id: str, group_id: str, member_ids: Sequence[str]) -> None:
    """Take members out of a group."""
    await _LEAVE.run(client, organization_id=organization_id, group_id=group_id, member_ids=member_ids)


async def leave_all(client: Client, organization_id: str, member_id: str) -> None:
    """Take a member out of every group."""
    await _LEAVE_ALL.run(client, organization_id=organization_id, member_id=member_id)


async def mapping(client: Client, organization_id: str) -> GroupMapping | None:
    """Return what the organization said its groups give; None where it never said anything."""
    return await GroupMapping.filter(organization_id=organization_id).using_db(client).first()


async def set_mapping(client: Client, organization_id: str, **columns: Any) -> None:
    """Say what groups give, instead of what was said before."""
    await GroupMapping.filter(organization_id=organization_id).using_db(client).delete()
    await GroupMapping.create(using_db=client, organization_id=organization_id, **columns)


async def set_rules(client: Client, organization_id: str, rules: Sequence[Mapping[str, Any]]) -> None:
    """Keep other rules, and everything else as it is."""
    await GroupMapping.filter(organization_id=organization_id).using_db(client).update(rules=list(rules))


async def note_applied(client: Client, organization_id: str, *, after: str | None) -> None:
    """Note up to which member the rules were applied."""
    await GroupMapping.filter(organization_id=organization_id).using_db(client).update(applied_after=after)


def _all(organization_id: str) -> QuerySet[DirectoryGroup]:
    return DirectoryGroup.filter(organization_id=organization_id)


def by_member(rows: Sequence[DirectoryGroupMember]) -> Mapping[str, list[str]]:
    """Return the groups of each member."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.member_id, []).append(row.group_id)
    return found
