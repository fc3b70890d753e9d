"""What changed about usage that was billed already, and on which later invoice does it stand?

An adjustment is written when the change is recorded and marked with the boundary that bills it, in the transaction
that issues that invoice: it is billed once, and none is forgotten. Where that invoice is voided, it waits again.
"""

from collections.abc import Sequence
from datetime import datetime

from tortoise.backends.base.client import BaseDBAsyncClient

from billing.periods import Period, from_microseconds, to_microseconds
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
_WAIT = Statement("""
    UPDATE usage_adjustments SET billed_boundary_at = NULL
    WHERE organization_id = :organization_id AND billed_boundary_at = :boundary_at
""")
_ELSEWHERE = Statement("""
    SELECT s.id AS subscription_id, a.usage_id, a.member_id, a.tier, a.meter, a.model, a.direction, a.price_version,
           a.quantity, a.cost_nanos, CASE a.reason WHEN 'LATE' THEN 1 ELSE 0 END AS events
    FROM usage_adjustments a
    JOIN usage_events e ON e.organization_id = a.organization_id AND e.id = a.usage_id
    JOIN subscriptions s ON s.organization_id = a.organization_id AND s.starts_at <= e.occurred_at
                        AND (s.ends_at IS NULL OR e.occurred_at < s.ends_at)
    WHERE a.organization_id = :organization_id AND a.origin_period_start = :period_start
      AND a.billed_boundary_at IS NOT NULL AND a.billed_boundary_at <> :period_end
    ORDER BY a.id
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


async def mark_waiting(client: BaseDBAsyncClient, organization_id: str, *, boundary_at: datetime) -> None:
    """Note that what stood on the invoice of a boundary waits again, for that invoice was voided."""
    await _WAIT.run(client, organization_id=organization_id, boundary_at=to_microseconds(boundary_at))


async def billed_elsewhere(client: BaseDBAsyncClient, organization_id: str, period: Period) -> list[Row]:
    """Return what changed about a month after it was billed and stands on the invoice of another one."""
    return await _ELSEWHERE.rows(
        client,
        organization_id=organization_id,
        period_start=to_microseconds(period.start),
        period_end=to_microseconds(period.end),
    )
