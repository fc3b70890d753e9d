"""What does an organization ask of those who act for it?"""

from datetime import datetime

from billing.periods import to_microseconds
from models.sql import Client, Statement

_FIND = Statement("SELECT step_up_seconds FROM access_policies WHERE organization_id = :organization_id")
_SET = Statement("""
    INSERT INTO access_policies (organization_id, step_up_seconds, updated_at)
    VALUES (:organization_id, :step_up_seconds, :updated_at)
    ON CONFLICT (organization_id) DO UPDATE
    SET step_up_seconds = excluded.step_up_seconds, updated_at = excluded.updated_at
""")


async def step_up_seconds(client: Client, organization_id: str) -> int | None:
    """Return how old a sign-in may be for what is sensitive, in seconds; None where any will do."""
    found = await _FIND.first(client, organization_id=organization_id)
    return found["step_up_seconds"] if found else None


async def set_step_up(client: Client, organization_id: str, seconds: int | None, *, at: datetime) -> None:
    """Ask for sign-ins no older than that, or for nothing."""
    await _SET.run(client, organization_id=organization_id, step_up_seconds=seconds, updated_at=to_microseconds(at))
