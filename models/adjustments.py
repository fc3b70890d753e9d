"""What changed about usage that was billed already, and on which later invoice does it stand?

An adjustment is written when the change is recorded and marked with the boundary that bills it, in the transaction
that issues that invoice: it is billed once, and none is forgotten.
"""

from collections.abc import Sequence
from datetime import datetime

from tortoise.backends.base.client import BaseDBAsyncClient

from billing.periods import from_microseconds, to_microseconds
from models.sql import Row, Statement

_INSERT = Statement("""
    INSERT INTO usage_adjustments (
        organization_id, id, reason, usage_id, external_id, member_id, tier, meter, model, direction, price_version,
        quantity, cost_nanos, origin_period_start, origin_invoice, recorded_at, billed_boundary_at)
    VALUES (
        :organization_id, :id, :reason, :usage_id, :external_id, :member_id, :tier, :meter, :model, :direction,
        :price_version, :quantity, :cost_nanos, :origin_period_start, :origin_invoice, :recorded_at, NULL)
""")
_UNBILLED = Statement("""
    SELECT reason, member_id, meter, model, direction, price_version, origin_period_start, origin_invoice,
           CAST(sum(quantity) AS BIGINT) AS quantity, CAST(sum(cost_nanos) AS BIGINT) AS cost_nanos,
           count(*) AS events
    FROM usage_adjustments
    WHERE organization_id = :organization_id AND billed_boundary_at IS NULL AND origin_period_start < :before
    GROUP BY reason, member_id, meter, model, direction, price_version, origin_period_start, origin_invoice
    ORDER BY origin_period_start, reason, member_id, model, direction
""")
_MARK = Statement("""
    UPDATE usage_adjustments SET billed_boundary_at = :boundary_at
    WHERE organization_id = :organization_id AND billed_boundary_at IS NULL AND origin_period_start < :before
""")


async def insert_many(client: BaseDBAsyncClient, rows: Sequence[Row]) -> None:
    """Keep new adjustments; each row has a value for every column but the boundary."""
    await _INSERT.run_many(client, rows)


async def unbilled(client: BaseDBAsyncClient, organization_id: str, *, before: datetime) -> list[Row]:
    """Return the sums of what waits to be billed and comes from months that start before an instant."""
    rows = await _UNBILLED.rows(client, organization_id=organization_id, before=to_microseconds(before))
    return [{**row, "origin_period_start": from_microseconds(row["origin_period_start"])} for row in rows]


async def mark_billed(
    client: BaseDBAsyncClient, organization_id: str, *, before: datetime, boundary_at: datetime
) -> None:
    """Note that everything `unbilled` returns stands on the invoice of a boundary."""
    await _MARK.run(
        client,
        organization_id=organization_id,
        before=to_microseconds(before),
        boundary_at=to_microseconds(boundary_at),
    )
