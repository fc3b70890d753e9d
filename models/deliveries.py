"""What was sent to a webhook endpoint, and what is still to be sent?

An attempt is claimed by pushing its delivery's `next_attempt_at` to the end of a lease: a process that dies gives it
back by doing nothing. What an attempt was answered is noted only while no later attempt has begun.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model
from tortoise.queryset import QuerySet

from billing.periods import to_microseconds
from models.fields import InstantField, code
from models.paging import Page, Window, page
from models.sql import Row, Statement
from models.webhooks import Place


class WebhookDelivery(Model):
    """One message to one endpoint, with what its last attempt was answered."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    endpoint_id: str = code()
    sequence = fields.BigIntField()
    kind: str = code()
    status: str = code()
    replayed = fields.BigIntField()
    attempts = fields.BigIntField()
    created_at: datetime = InstantField()  # type: ignore[assignment]
    next_attempt_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    leased_until: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    attempted_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    finished_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    response_status: int | None = fields.BigIntField(null=True)
    response_excerpt: str | None = fields.TextField(null=True)
    fault: str | None = code(null=True)
    duration_ms: int | None = fields.BigIntField(null=True)

    class Meta:
        table = "webhook_deliveries"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which deliveries of an endpoint: of one status or of all, of some kinds or of all."""

    status: str | None = None
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A message on its way into the log of deliveries."""

    id: str
    sequence: int
    kind: str


EVERYTHING = Selection()

_INSERT = Statement("""
    INSERT INTO webhook_deliveries
        (organization_id, id, endpoint_id, sequence, kind, status, replayed, attempts, created_at, next_attempt_at)
    VALUES
        (:organization_id, :id, :endpoint_id, :sequence, :kind, 'PENDING', :replayed, 0, :at, :at)
    ON CONFLICT (organization_id, id) DO NOTHING
""")
_WAITING = Statement("""
    SELECT count(*) AS waiting, count(CASE WHEN leased_until > :at THEN 1 END) AS leased FROM webhook_deliveries
    WHERE organization_id = :organization_id AND endpoint_id = :endpoint_id AND status = 'PENDING'
""")
_CLAIM = Statement("""
    UPDATE webhook_deliveries
    SET attempts = attempts + 1, attempted_at = :at, leased_until = :lease_end, next_attempt_at = :lease_end
    WHERE organization_id = :organization_id AND id IN (
        SELECT id FROM webhook_deliveries
        WHERE organization_id = :organization_id AND endpoint_id = :endpoint_id AND status = 'PENDING'
          AND next_attempt_at <= :at
        ORDER BY next_attempt_at, id LIMIT :limit
    )
    RETURNING id, sequence, kind, attempts
""")
_SETTLE = Statement("""
    UPDATE webhook_deliveries
    SET status = :status, next_attempt_at = :next_attempt_at, finished_at = :finished_at, leased_until = NULL,
        response_status = :response_status, response_excerpt = :response_excerpt, fault = :fault,
        duration_ms = :duration_ms
    WHERE organization_id = :organization_id AND id = :id AND attempts = :attempt AND status = 'PENDING'
""")
_RESUME = Statement("""
    UPDATE webhook_deliveries SET next_attempt_at = :at
    WHERE organization_id = :organization_id AND endpoint_id = :endpoint_id AND status = 'PENDING'
      AND (leased_until IS NULL OR leased_until <= :at)
""")
_PURGE = Statement("""
    DELETE FROM webhook_deliveries WHERE (organization_id, id) IN (
        SELECT organization_id, id FROM webhook_deliveries
        WHERE status <> 'PENDING' AND finished_at < :before ORDER BY finished_at LIMIT :limit
    )
""")
_FORGET = Statement("""
    DELETE FROM webhook_deliveries WHERE (organization_id, id) IN (
        SELECT d.organization_id, d.id FROM webhook_deliveries d
        WHERE NOT EXISTS (
            SELECT 1 FROM webhook_endpoints e WHERE e.organization_id = d.organization_id AND e.id = d.endpoint_id
        ) LIMIT :limit
    )
""")


async def find(client: BaseDBAsyncClient, organization_id: str, delivery_id: str) -> WebhookDelivery | None:
    """Return one delivery by id."""
    return await WebhookDelivery.filter(organization_id=organization_id, id=delivery_id).using_db(client).first()


async def page_of(
    client: BaseDBAsyncClient, organization_id: str, endpoint_id: str, window: Window, selection: Selection
) -> Page[WebhookDelivery]:
    """Return one page of an endpoint's deliveries, newest first."""
    return await page(_deliveries(client, organization_id, endpoint_id, selection), window, descending=True)


async def count(client: BaseDBAsyncClient, organization_id: str, endpoint_id: str, selection: Selection) -> int:
    """Return how many of an endpoint's deliveries are selected."""
    return await _deliveries(client, organization_id, endpoint_id, selection).count()


async def insert(
    client: BaseDBAsyncClient, place: Place, deliveries: Sequence[NewDelivery], *, at: datetime, replayed: int = 0
) -> None:
    """Keep messages that are due at once; one that is there already stays as it is."""
    shared = {
        "organization_id": place.organization_id,
        "endpoint_id": place.endpoint_id,
        "at": to_microseconds(at),
        "replayed": replayed,
    }
    await _INSERT.run_many(
        client, [{**shared, "id": each.id, "sequence": each.sequence, "kind": each.kind} for each in deliveries]
    )


async def waiting(client: BaseDBAsyncClient, place: Place, *, at: datetime) -> tuple[int, int]:
    """Return how many messages wait for the endpoint, and how many of them are being sent at `at`."""
    row = await _WAITING.first(
        client, organization_id=place.organization_id, endpoint_id=place.endpoint_id, at=to_microseconds(at)
    )
    assert row is not None, "a count has a row"
    return int(row["waiting"]), int(row["leased"])


async def claim(client: BaseDBAsyncClient, place: Place, *, at: datetime, lease_end: datetime, limit: int) -> list[Row]:
    """Claim up to `limit` due attempts until `lease_end`: `id`, `sequence`, `kind` and the number of the attempt."""
    return await _CLAIM.rows(
        client,
        organization_id=place.organization_id,
        endpoint_id=place.endpoint_id,
        at=to_microseconds(at),
        lease_end=to_microseconds(lease_end),
        limit=limit,
    )


async def settle(
    client: BaseDBAsyncClient,
    organization_id: str,
    delivery_id: str,
    *,
    attempt: int,
    status: str,
    next_attempt_at: datetime | None,
    finished_at: datetime | None,
    **answer: Any,
) -> bool:
    """Note what an attempt was answered; False where a later attempt has taken its place."""
    touched = await _SETTLE.run(
        client,
        organization_id=organization_id,
        id=delivery_id,
        attempt=attempt,
        status=status,
        next_attempt_at=to_microseconds(next_attempt_at) if next_attempt_at else None,
        finished_at=to_microseconds(finished_at) if finished_at else None,
        **answer,
    )
    return touched > 0


async def resume(client: BaseDBAsyncClient, place: Place, *, at: datetime) -> None:
    """Make everything that waits for the endpoint due at once."""
    await _RESUME.run(
        client, organization_id=place.organization_id, endpoint_id=place.endpoint_id, at=to_microseconds(at)
    )


async def purge(client: BaseDBAsyncClient, *, before: datetime, limit: int) -> int:
    """Forget up to `limit` deliveries that ended before an instant, and as many of endpoints that are gone."""
    ended = await _PURGE.run(client, before=to_microseconds(before), limit=limit)
    return ended + await _FORGET.run(client, limit=limit)


def _deliveries(
    client: BaseDBAsyncClient, organization_id: str, endpoint_id: str, selection: Selection
) -> QuerySet[WebhookDelivery]:
    query = WebhookDelivery.filter(organization_id=organization_id, endpoint_id=endpoint_id).using_db(client)
    if selection.status is not None:
        query = query.filter(status=selection.status)
    if selection.kinds:
        query = query.filter(kind__in=list(selection.kinds))
    return query
