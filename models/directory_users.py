"""What does a directory say of a member?

The member's own row has the address, the name and the directory's id. Here is the rest of what the directory wrote, so
that it reads back what it wrote, and what its groups gave the member. A user who was removed is a member still, only
not there for the directory any more, unless somebody brings the member back.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tortoise.expressions import Q, Subquery
from tortoise.models import Model
from tortoise.queryset import QuerySet

from billing.periods import to_microseconds
from models.fields import DocumentField, InstantField, code, dump
from models.members import Member
from models.sql import Client, Statement


class DirectoryUser(Model):
    """One member as a directory described them. `given_role` and `given_tier` are what its groups gave last."""

    organization_id: str = code()
    member_id: str = code(primary_key=True)
    document: Any = DocumentField()
    given_role: str | None = code(null=True)
    given_tier: str | None = code(null=True)
    updated_at: datetime = InstantField()  # type: ignore[assignment]
    removed_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "directory_users"


_KEEP = Statement("""
    INSERT INTO directory_users (organization_id, member_id, document, updated_at)
    VALUES (:organization_id, :member_id, :document, :at)
    ON CONFLICT (organization_id, member_id)
    DO UPDATE SET document = excluded.document, updated_at = excluded.updated_at, removed_at = NULL
""")
_REMOVE = Statement("""
    INSERT INTO directory_users (organization_id, member_id, document, updated_at, removed_at)
    VALUES (:organization_id, :member_id, '{}', :at, :at)
    ON CONFLICT (organization_id, member_id)
    DO UPDATE SET removed_at = excluded.removed_at, updated_at = excluded.updated_at, given_role = NULL,
        given_tier = NULL
""")
_NOTE_GIVEN = Statement("""
    INSERT INTO directory_users (organization_id, member_id, document, given_role, given_tier, updated_at)
    VALUES (:organization_id, :member_id, '{}', :role, :tier, :at)
    ON CONFLICT (organization_id, member_id)
    DO UPDATE SET given_role = excluded.given_role, given_tier = excluded.given_tier
""")


async def find_many(client: Client, organization_id: str, member_ids: Sequence[str]) -> Mapping[str, DirectoryUser]:
    """Return what the directory said of these members, by member."""
    query = DirectoryUser.filter(organization_id=organization_id, member_id__in=list(member_ids))
    return {row.member_id: row for row in await query.using_db(client)}


async def find(client: Client, organization_id: str, member_id: str) -> DirectoryUser | None:
    """Return what the directory said of a member, None where it never said anything."""
    return (await find_many(client, organization_id, [member_id])).get(member_id)


async def keep(
    client: Client, organization_id: str, member_id: str, *, document: Mapping[str, Any], at: datetime
) -> None:
    """Keep what the directory says of a member now; one it had removed is there for it again."""
    await _KEEP.run(
        client,
        organization_id=organization_id,
        member_id=member_id,
        document=dump(document),
        at=to_microseconds(at),
    )


async def remove(client: Client, organization_id: str, member_id: str, *, at: datetime) -> None:
    """Note that the directory removed a member."""
    await _REMOVE.run(client, organization_id=organization_id, member_id=member_id, at=to_microseconds(at))


async def note_given(
    client: Client, organization_id: str, member_id: str, *, role: str | None, tier: str | None, at: datetime
) -> None:
    """Note which role and seat tier the directory's groups gave a member; None where they give none."""
    await _NOTE_GIVEN.run(
        client, organization_id=organization_id, member_id=member_id, role=role, tier=tier, at=to_microseconds(at)
    )


def visible(organization_id: str) -> QuerySet[Member]:
    """Return the query for the members that are there for the directory: all but those it removed."""
    removed = DirectoryUser.filter(organization_id=organization_id, removed_at__isnull=False)
    hidden = Subquery(removed.values("member_id"))
    return Member.filter(Q(status="ACTIVE") | ~Q(id__in=hidden), organization_id=organization_id)
