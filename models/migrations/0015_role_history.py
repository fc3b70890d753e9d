"""Who had which role when: kept from now on, and worked out of the event log for the time before."""

import json
from collections.abc import AsyncIterator
from typing import Any

from tortoise.migrations.migration import Migration as BaseMigration
from tortoise.migrations.operations import RunPython

from models.ddl import Define
from models.sql import Client, Row, Statement

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS role_intervals (
        organization_id TEXT NOT NULL,
        member_id TEXT NOT NULL,
        role TEXT NOT NULL,
        starts_at INTEGER NOT NULL,
        ends_at INTEGER,
        PRIMARY KEY (organization_id, member_id, starts_at),
        CHECK (ends_at IS NULL OR ends_at > starts_at)
    )
    """,
    """CREATE UNIQUE INDEX IF NOT EXISTS role_intervals_open ON role_intervals (organization_id, member_id)
       WHERE ends_at IS NULL""",
)
_BATCH = 5_000
_ORGANIZATIONS = Statement("""
    SELECT organization_id FROM organizations o
    WHERE NOT EXISTS (SELECT 1 FROM role_intervals r WHERE r.organization_id = o.organization_id)
    ORDER BY organization_id
""")
_EVENTS = Statement("""
    SELECT sequence, kind, occurred_at, member_id, payload FROM events
    WHERE organization_id = :organization_id AND sequence > :after AND kind IN :kinds[]
    ORDER BY sequence LIMIT :limit
""")
_INSERT = Statement("""
    INSERT INTO role_intervals (organization_id, member_id, role, starts_at, ends_at)
    VALUES (:organization_id, :member_id, :role, :starts_at, :ends_at)
""")
_KINDS = ("MemberAdded", "MemberRoleChanged", "MemberDeactivated", "MemberReactivated")


async def work_out(_apps: Any, state_editor: Any) -> None:
    """Fill in the roles of every organization that has none yet."""
    client: Client = state_editor.client
    for row in await _ORGANIZATIONS.rows(client):
        organization_id = row["organization_id"]
        roles: dict[str, str] = {}
        since: dict[str, int] = {}
        found: list[Row] = []
        async for event in _log(client, organization_id):
            member_id, at, facts = event["member_id"], event["occurred_at"], json.loads(event["payload"])
            is_active = member_id in since or event["kind"] in {"MemberAdded", "MemberReactivated"}
            if member_id in since:
                found += _ended(organization_id, member_id, roles[member_id], since.pop(member_id), at)
            roles[member_id] = facts.get("role", roles.get(member_id, ""))
            if is_active and event["kind"] != "MemberDeactivated":
                since[member_id] = at
        found += [
            {
                "organization_id": organization_id,
                "member_id": each,
                "role": roles[each],
                "starts_at": at,
                "ends_at": None,
            }
            for each, at in since.items()
        ]
        await _INSERT.run_many(client, found)


async def _log(client: Client, organization_id: str) -> AsyncIterator[Row]:
    after = 0
    while batch := await _EVENTS.rows(client, organization_id=organization_id, after=after, kinds=_KINDS, limit=_BATCH):
        for event in batch:
            yield event
        after = batch[-1]["sequence"]


def _ended(organization_id: str, member_id: str, role: str, starts_at: int, ends_at: int) -> list[Row]:
    """Return the interval, unless it is over before it began."""
    if ends_at <= starts_at:
        return []
    named = {"organization_id": organization_id, "member_id": member_id, "role": role}
    return [{**named, "starts_at": starts_at, "ends_at": ends_at}]


class Migration(BaseMigration):
    """Role history."""

    dependencies = [("models", "0014_seats_after_close")]  # noqa: RUF012  # Tortoise reads a plain class attribute
    operations = [Define(*TABLES), RunPython(work_out)]  # noqa: RUF012  # the same
