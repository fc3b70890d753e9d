"""When does something end by itself next?

A hold at its instant, and a raise of a limit that was granted for a time. Whatever is decided asks first whether
anything is over by then, and most of the time nothing is: one look at the ends of two indexes says so.
"""

from datetime import datetime

from billing.periods import from_microseconds
from models.sql import Client, Statement

_NEXT = Statement("""
    SELECT min(ends_at) AS ends_at FROM (
        SELECT min(expires_at) AS ends_at FROM reservations
        WHERE organization_id = :organization_id AND status = 'HELD'
        UNION ALL
        SELECT min(granted_until_at) AS ends_at FROM limit_increases
        WHERE organization_id = :organization_id AND granted_until_at IS NOT NULL AND ended_at IS NULL
    ) AS ends
""")


async def next_at(client: Client, organization_id: str) -> datetime | None:
    """Return when the first live hold or raise is over, None where there is none."""
    row = await _NEXT.first(client, organization_id=organization_id)
    return None if row is None or row["ends_at"] is None else from_microseconds(row["ends_at"])
