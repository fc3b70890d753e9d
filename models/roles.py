"""Which roles does an organization have, built in and its own?"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model

from billing import roles as rules
from models.fields import DocumentField, InstantField, code
from models.selecting import Select


class Role(Model):
    """A role of one organization. The key is unique inside the organization."""

    organization_id: str = code()
    key: str = code(primary_key=True)
    name = fields.TextField()
    billable = fields.IntField()
    built_in = fields.IntField()
    permissions: Any = DocumentField()
    created_at: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "roles"

    def as_rule(self) -> rules.Role:
        """Return the role as the rules know it."""
        granted = frozenset(rules.Permission(permission) for permission in self.permissions)
        return rules.Role(self.key, self.name, bool(self.billable), granted)


_ALL = Select(Role, "WHERE organization_id = :organization_id ORDER BY built_in DESC, key LIMIT 500")


async def list_all(client: BaseDBAsyncClient, organization_id: str) -> list[Role]:
    """Return the organization's roles, built-in ones first."""
    return await _ALL.all(client, organization_id=organization_id)


async def find(client: BaseDBAsyncClient, organization_id: str, role_key: str) -> Role | None:
    """Return one role by its key."""
    return await Role.filter(organization_id=organization_id, key=role_key).using_db(client).first()


async def insert(
    client: BaseDBAsyncClient, organization_id: str, roles: Sequence[rules.Role], *, built_in: int, at: datetime
) -> None:
    """Insert roles of one origin."""
    await Role.bulk_create(
        [
            Role(
                organization_id=organization_id,
                key=role.key,
                name=role.name,
                billable=int(role.billable),
                built_in=built_in,
                permissions=sorted(role.permissions),
                created_at=at,
            )
            for role in roles
        ],
        using_db=client,
    )
