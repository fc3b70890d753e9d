"""Which thresholds were crossed, once each?

An alert's `dedup_id` names limit, window, threshold and version; its unique index is what makes "once" true under any
retry. The text is the same wherever the alert is sent, so a receiver recognizes a repeat.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import Q
from tortoise.models import Model

from models.fields import InstantField, code
from models.paging import Page, Window, page
from models.sql import Statement


class LimitAlert(Model):
    """One threshold of one limit, reached in one window. The figures are those of the moment.

    `threshold` is a percent; for a threshold in money it is the percent of the cap that this comes to, rounded down.
    """

    organization_id: str = code()
    id: str = code(primary_key=True)
    dedup_id: str = code()
    limit_id: str = code()
    limit_version = fields.BigIntField()
    level: str = code()
    subject: str = code()
    scope: str = code()
    kind: str = code()
    interval: str = code()
    member_id: str | None = code(null=True)
    threshold = fields.BigIntField()
    threshold_nanos = fields.BigIntField(null=True)
    reached_nanos = fields.BigIntField()
    cap_nanos = fields.BigIntField(null=True)
    spent_nanos = fields.BigIntField()
    period_start: datetime = InstantField()  # type: ignore[assignment]
    period_end: datetime = InstantField()  # type: ignore[assignment]
    raised_at: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "limit_alerts"


_RAISED = Statement("""
    SELECT dedup_id FROM limit_alerts WHERE organization_id = :organization_id AND dedup_id IN :dedup_ids[]
""")


async def raised_before(client: BaseDBAsyncClient, organization_id: str, dedup_ids: Sequence[str]) -> set[str]:
    """Return those of the given ids that were raised already."""
    rows = await _RAISED.rows(client, organization_id=organization_id, dedup_ids=dedup_ids)
    return {row["dedup_id"] for row in rows}


_HIGHEST = Statement("""
    SELECT limit_id, member_id, period_start, max(reached_nanos) AS reached_nanos FROM limit_alerts
    WHERE organization_id = :organization_id AND limit_id IN :limit_ids[] AND period_start IN :starts[int]
    GROUP BY limit_id, member_id, period_start
""")


async def highest_told(
    client: BaseDBAsyncClient, organization_id: str, *, limit_ids: Sequence[str], starts: Sequence[int]
) -> dict[tuple[str, str | None, int], int]:
    """Return the highest amount told of so far, by limit, member concerned and start of the window."""
    rows = await _HIGHEST.rows(client, organization_id=organization_id, limit_ids=limit_ids, starts=starts)
    return {(row["limit_id"], row["member_id"], row["period_start"]): row["reached_nanos"] for row in rows}


async def insert_many(client: BaseDBAsyncClient, alerts: Sequence[LimitAlert]) -> None:
    """Keep new alerts."""
    await LimitAlert.bulk_create(alerts, using_db=client)


async def find_many(client: BaseDBAsyncClient, organization_id: str, alert_ids: Sequence[str]) -> list[LimitAlert]:
    """Return alerts by id."""
    return await LimitAlert.filter(organization_id=organization_id, id__in=list(alert_ids)).using_db(client)


async def page_of(
    client: BaseDBAsyncClient, organization_id: str, window: Window, *, seen_by: str | None
) -> Page[LimitAlert]:
    """Return one page of alerts, newest first; `seen_by` keeps to those that concern one member."""
    return await page(_visible(organization_id, seen_by).using_db(client), window, descending=True)


async def count(client: BaseDBAsyncClient, organization_id: str, *, seen_by: str | None) -> int:
    """Return how many alerts there are."""
    return int(await _visible(organization_id, seen_by).using_db(client).count())


def _visible(organization_id: str, seen_by: str | None) -> Any:
    query = LimitAlert.filter(organization_id=organization_id)
    return query if seen_by is None else query.filter(Q(member_id=seen_by))
