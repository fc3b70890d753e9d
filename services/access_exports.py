"""Everybody who had access at an instant, line by line, for whoever reviews it."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any, Final

from models import role_history, roles
from models.paging import PAGE_MAX, Window
from models.sql import Client

COLUMNS: Final = (
    "at",
    "member_id",
    "external_id",
    "email",
    "name",
    "role",
    "role_since",
    "permissions",
    "has_seat",
    "tier",
    "add_ons",
    "billable",
    "seat_since",
)


async def entries(client: Client, organization_id: str, at: datetime) -> AsyncIterator[Mapping[str, Any]]:
    """Yield who had access at `at`, oldest member first, a page of them in memory at a time."""
    allowed = {role.key: sorted(role.permissions) for role in await roles.list_all(client, organization_id)}
    after: str | None = None
    while True:
        page = await role_history.page_at(client, organization_id, at, Window(PAGE_MAX, after=after))
        for each in page.rows:
            yield {
                "at": at.isoformat(),
                "member_id": each.member_id,
                "external_id": each.external_id,
                "email": each.email,
                "name": each.name,
                "role": each.role,
                "role_since": each.role_since.isoformat(),
                "permissions": allowed.get(each.role, []),
                "has_seat": each.has_seat,
                "tier": each.tier,
                "add_ons": list(each.add_ons),
                "billable": each.billable,
                "seat_since": each.seat_since.isoformat() if each.seat_since else None,
            }
        if not page.has_next:
            return
        after = page.rows[-1].member_id
