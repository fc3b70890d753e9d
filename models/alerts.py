"""Which thresholds were crossed, once each?

An alert's `dedup_id` names limit, month, threshold and version; its unique index is what makes "once" true under any
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


class LimitAlert(Model):
    """One threshold of one limit, reached in one month. The figures are those of the moment."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    dedup_id: str = code()
    limit_id: str = code()
    limit_version = fields.BigIntField()
    level: str = code()
    subject: str = code()
    scope: str = code()
    member_id: str | None = code(null=True)
    threshold = fields.IntField()
    cap_nanos = fields.BigIntField()
    spent_nanos = fields.BigIntField()
    period_start: datetime = InstantField()  # type: ignore[assignment]
    period_end: datetime = InstantField()  # type: ignore[assignment]
    raised_at: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "limit_alerts"


async def raised_before(client: BaseDBAsyncClient, organization_id: str, dedup_ids: Sequence[str]) -> set[str]:
    """Return those of the given ids that were raised already."""
    query = LimitAlert.filter(organization_id=organization_id, dedup_id__in=list(dedup_ids)).using_db(client)
    return {str(found) for found in await query.values_list("dedup_id", flat=True)}


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
