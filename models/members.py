"""Who belongs to an organization?

A member is never deleted: a deactivated one keeps name, history and usage, and only loses the seat.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import Q
from tortoise.models import Model

from billing.periods import to_microseconds
from models import groups
from models.fields import InstantField, code
from models.inserting import INTEGER, TEXT, Insert
from models.paging import Page, Window, page
from models.selecting import Lookup, Pages
from models.sql import Statement

READ_AT_ONCE = 500


class Member(Model):
    """A person in one organization."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    external_id: str | None = code(null=True)
    email: str = code()
    name = fields.TextField()
    role: str = code()
    status: str = code()
    created_at: datetime = InstantField()  # type: ignore[assignment]
    deactivated_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "members"


_INSERT = Insert(
    "members",
    {
        "organization_id": TEXT,
        "id": TEXT,
        "external_id": TEXT,
        "email": TEXT,
        "name": TEXT,
        "role": TEXT,
        "status": TEXT,
        "created_at": INTEGER,
        "deactivated_at": INTEGER,
    },
)


async def find(client: BaseDBAsyncClient, organization_id: str, member_id: str) -> Member | None:
    """Return one member by id."""
    return await Member.filter(organization_id=organization_id, id=member_id).using_db(client).first()


_BY_IDS = Lookup(Member, "id")
_BY_EMAILS = Lookup(Member, "email")
_BY_EXTERNAL_IDS = Lookup(Member, "external_id")


async def find_many(client: BaseDBAsyncClient, organization_id: str, member_ids: Sequence[str]) -> list[Member]:
    """Return those of the given members that exist, in no particular order."""
    return await _BY_IDS.all(client, organization_id, member_ids)


async def names(client: BaseDBAsyncClient, organization_id: str, member_ids: Sequence[str]) -> dict[str, str]:
    """Return the members' names by id, read some at a time: a database takes only so many parameters."""
    found: dict[str, str] = {}
    for start in range(0, len(member_ids), READ_AT_ONCE):
        batch = member_ids[start : start + READ_AT_ONCE]
        found |= {row.id: row.name for row in await find_many(client, organization_id, batch)}
    return found


async def find_by_email(client: BaseDBAsyncClient, organization_id: str, email: str) -> Member | None:
    """Return the member with this e-mail address, in whatever case it is written."""
    return await Member.filter(organization_id=organization_id, email=email.lower()).using_db(client).first()


async def find_by_external_id(client: BaseDBAsyncClient, organization_id: str, external_id: str) -> Member | None:
    """Return the member that a directory knows by this id."""
    return await Member.filter(organization_id=organization_id, external_id=external_id).using_db(client).first()


async def taken_emails(client: BaseDBAsyncClient, organization_id: str, emails: Sequence[str]) -> set[str]:
    """Return those of the given addresses that belong to a member already; give and get them in lower case."""
    return {member.email for member in await _BY_EMAILS.all(client, organization_id, emails)}


async def taken_external_ids(client: BaseDBAsyncClient, organization_id: str, external_ids: Sequence[str]) -> set[str]:
    """Return those of the given directory ids that belong to a member already."""
    found = await _BY_EXTERNAL_IDS.all(client, organization_id, external_ids)
    return {member.external_id for member in found if member.external_id is not None}


async def find_many_by(
    client: BaseDBAsyncClient, organization_id: str, *, external_ids: Sequence[str], emails: Sequence[str]
) -> list[Member]:
    """Return the members known by any of these directory ids or lower-case addresses, in no particular order."""
    named = Q(external_id__in=list(external_ids)) | Q(email__in=list(emails))
    return await Member.filter(named, organization_id=organization_id).using_db(client)


async def in_roles(
    client: BaseDBAsyncClient, organization_id: str, roles: Sequence[str], *, limit: int
) -> list[Member]:
    """Return active members who have one of these roles, oldest first."""
    query = Member.filter(organization_id=organization_id, role__in=list(roles), status="ACTIVE").using_db(client)
    return await query.order_by("id").limit(limit)


_PAGES = Pages(Member, "organization_id = :organization_id")
_COUNT = Statement("SELECT count(*) AS total FROM members WHERE organization_id = :organization_id")


async def page_of(client: BaseDBAsyncClient, organization_id: str, window: Window, **conditions: Any) -> Page[Member]:
    """Return one page of members, oldest first; `conditions` as `matching` takes them."""
    if not any(each is not None for each in conditions.values()):
        return await _PAGES.page(client, window, organization_id=organization_id)
    return await page(matching(organization_id, **conditions).using_db(client), window)


async def count(client: BaseDBAsyncClient, organization_id: str, **conditions: Any) -> int:
    """Return how many members match."""
    if not any(each is not None for each in conditions.values()):
        (row,) = await _COUNT.rows(client, organization_id=organization_id)
        return int(row["total"])
    return int(await matching(organization_id, **conditions).using_db(client).count())


async def count_role(client: BaseDBAsyncClient, organization_id: str, role: str) -> int:
    """Return how many active members have this role."""
    return await Member.filter(organization_id=organization_id, role=role, status="ACTIVE").using_db(client).count()


def matching(
    organization_id: str,
    *,
    status: str | None = None,
    role: str | None = None,
    search: str | None = None,
    only: Sequence[str] | None = None,
    group_id: str | None = None,
) -> Any:
    """Return the query for members by status, role, a part of name or e-mail, a list of ids, and their group now."""
    query = Member.filter(organization_id=organization_id)
    if group_id is not None:
        query = query.filter(id__in=groups.members_of(organization_id, group_id))
    if status is not None:
        query = query.filter(status=status)
    if role is not None:
        query = query.filter(role=role)
    if search is not None:
        query = query.filter(Q(email__contains=search.lower()) | Q(name__contains=search))
    if only is not None:
        query = query.filter(id__in=list(only))
    return query


async def insert(client: BaseDBAsyncClient, **columns: Any) -> Member:
    """Insert and return a new member."""
    return await Member.create(using_db=client, **columns)


async def insert_many(client: BaseDBAsyncClient, members: Sequence[Member]) -> None:
    """Insert new members, all in one statement."""
    await _INSERT.rows(
        client,
        [
            (
                member.organization_id,
                member.id,
                member.external_id,
                member.email,
                member.name,
                member.role,
                member.status,
                to_microseconds(member.created_at),
                None if member.deactivated_at is None else to_microseconds(member.deactivated_at),
            )
            for member in members
        ],
    )


async def update(client: BaseDBAsyncClient, organization_id: str, member_id: str, **columns: Any) -> None:
    """Change columns of one member."""
    await Member.filter(organization_id=organization_id, id=member_id).using_db(client).update(**columns)
