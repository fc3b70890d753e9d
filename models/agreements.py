"""What did an organization agree to: every plan it subscribed to, and every version of every contract?

Whatever is priced needs all of it, so it is read in one statement. Rows say the same for ever as long as they are
equal, so whoever reads their documents may keep what they found.
"""

from typing import NamedTuple

from models.sql import Client, Statement

PLAN, CONTRACT = "PLAN", "CONTRACT"
AGREEMENTS_MAX = 2_000


class Agreement(NamedTuple):
    """A subscription to a plan, or one version of a contract; its document as text, its instants in microseconds."""

    kind: str
    id: str
    starts_at: int
    ends_at: int | None
    effective_at: int
    document: str


_OF = Statement("""
    SELECT 'PLAN' AS kind, id, starts_at, ends_at, starts_at AS effective_at, document, 0 AS version
    FROM subscriptions WHERE organization_id = :organization_id
    UNION ALL
    SELECT 'CONTRACT' AS kind, id, starts_at, ends_at, effective_at, document, version
    FROM contracts WHERE organization_id = :organization_id
    ORDER BY starts_at, version LIMIT :limit
""")


async def of(client: Client, organization_id: str) -> tuple[Agreement, ...]:
    """Return everything that was agreed, oldest first."""
    rows = await _OF.rows(client, organization_id=organization_id, limit=AGREEMENTS_MAX)
    return tuple(Agreement(*(row[name] for name in Agreement._fields)) for row in rows)
