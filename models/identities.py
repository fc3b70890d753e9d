"""Which members is this account?

An account is an issuer and a subject, never an e-mail address: addresses are reassigned, subjects are not. One
account may be a member of several organizations.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model

from models.fields import InstantField, code
from models.sql import Row, Statement


class Identity(Model):
    """The link between an account and a member."""

    organization_id: str = code()
    issuer: str = code()
    subject: str = code()
    member_id: str = code(primary_key=True)
    linked_at: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "identities"


@dataclass(frozen=True, slots=True)
class LinkedMember:
    """A member an account may act as, with what the role allows."""

    organization_id: str
    member_id: str
    role: str
    permissions: tuple[str, ...]
    has_enforced_provider: bool
    """Whether the organization lets people in only through a provider of its own."""


_ACTIVE_MEMBERS = Statement("""
    SELECT m.organization_id, m.id AS member_id, m.role, r.permissions,
           EXISTS (SELECT 1 FROM identity_providers p WHERE p.organization_id = m.organization_id
                   AND p.deleted_at IS NULL AND p.is_enforced = 1) AS has_enforced_provider
    FROM identities i
    JOIN members m ON m.organization_id = i.organization_id AND m.id = i.member_id
    JOIN roles r ON r.organization_id = m.organization_id AND r.key = m.role
    WHERE i.issuer = :issuer AND i.subject = :subject AND m.status = 'ACTIVE'
""")


async def active_members(client: BaseDBAsyncClient, issuer: str, subject: str) -> list[LinkedMember]:
    """Return the active memberships of an account; a deactivated member is not one."""
    rows = await _ACTIVE_MEMBERS.rows(client, issuer=issuer, subject=subject)
    return [_linked(row) for row in rows]


_ACTIVE_MEMBERS_OF_MANY = Statement("""
    SELECT i.issuer, i.subject, m.organization_id, m.id AS member_id, m.role, r.permissions,
           EXISTS (SELECT 1 FROM identity_providers p WHERE p.organization_id = m.organization_id
                   AND p.deleted_at IS NULL AND p.is_enforced = 1) AS has_enforced_provider
    FROM identities i
    JOIN members m ON m.organization_id = i.organization_id AND m.id = i.member_id
    JOIN roles r ON r.organization_id = m.organization_id AND r.key = m.role
    WHERE i.issuer IN :issuers[] AND i.subject IN :subjects[] AND m.status = 'ACTIVE'
""")


async def active_members_of_many(
    client: BaseDBAsyncClient, accounts: Collection[tuple[str, str]]
) -> dict[tuple[str, str], list[LinkedMember]]:
    """Return the active memberships of each account, which is an issuer and a subject."""
    found: dict[tuple[str, str], list[LinkedMember]] = {account: [] for account in accounts}
    issuers, subjects = (sorted(set(each)) for each in zip(*accounts, strict=True))
    rows = await _ACTIVE_MEMBERS_OF_MANY.rows(client, issuers=issuers, subjects=subjects)
    for row in rows:
        account = row.pop("issuer"), row.pop("subject")
        if account in found:  # another issuer may know somebody by the same subject
            found[account].append(_linked(row))
    return found


def _linked(row: Row) -> LinkedMember:
    enforced = bool(row["has_enforced_provider"])
    return LinkedMember(**{**row, "permissions": _permissions(row["permissions"]), "has_enforced_provider": enforced})


@lru_cache(maxsize=1_000)
def _permissions(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


async def find(client: BaseDBAsyncClient, organization_id: str, issuer: str, subject: str) -> Identity | None:
    """Return the link of an account in one organization."""
    query = Identity.filter(organization_id=organization_id, issuer=issuer, subject=subject)
    return await query.using_db(client).first()


async def is_linked(client: BaseDBAsyncClient, organization_id: str, issuer: str, member_id: str) -> bool:
    """Return whether a member has an account of this issuer already."""
    query = Identity.filter(organization_id=organization_id, issuer=issuer, member_id=member_id)
    return await query.using_db(client).exists()


async def of_member(client: BaseDBAsyncClient, organization_id: str, member_id: str) -> list[Identity]:
    """Return the accounts a member signs in with."""
    query = Identity.filter(organization_id=organization_id, member_id=member_id).using_db(client)
    return await query.order_by("issuer", "subject").limit(100)


async def insert(client: BaseDBAsyncClient, **columns: Any) -> None:
    """Link an account to a member."""
    await Identity.create(using_db=client, **columns)
