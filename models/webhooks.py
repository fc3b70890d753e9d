"""Who is told what happens?

An endpoint's `cursor` is the number of the last event for which it was decided whether it hears of it; moving it and
writing the deliveries is one transaction, so no event is passed over.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model
from tortoise.queryset import QuerySet

from billing.periods import from_microseconds, to_microseconds
from billing.webhooks import Health
from models.fields import DocumentField, InstantField, code
from models.paging import Page, Window, page
from models.sql import Statement


class WebhookEndpoint(Model):
    """An address that is told what happens. The secrets are kept as the vault sealed them."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    url = fields.TextField()
    description = fields.TextField()
    kinds: Any = DocumentField()
    status: str = code()
    disabled_reason: str | None = code(null=True)
    disabled_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    cursor = fields.BigIntField()
    secret = fields.TextField()
    previous_secret: str | None = fields.TextField(null=True)
    previous_until: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    failing_since: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    failures = fields.BigIntField()
    created_by: str = code()
    created_at: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "webhook_endpoints"

    @property
    def health(self) -> Health:
        """How the endpoint has been answering."""
        return Health(self.failing_since, self.failures)


@dataclass(frozen=True, slots=True)
class Place:
    """An endpoint, and where it stands in the order in which endpoints are visited."""

    organization_id: str
    endpoint_id: str


FIRST = Place("", "")

_PENDING = "d.organization_id = e.organization_id AND d.endpoint_id = e.id AND d.status = 'PENDING'"
_WORK = Statement(f"""
    SELECT e.organization_id, e.id FROM webhook_endpoints e
    JOIN organizations o ON o.organization_id = e.organization_id
    WHERE e.status = 'ENABLED'
      AND (e.organization_id > :organization_id OR (e.organization_id = :organization_id AND e.id > :endpoint_id))
      AND (EXISTS (SELECT 1 FROM webhook_deliveries d WHERE {_PENDING} AND d.next_attempt_at <= :at)
           OR (e.cursor < o.event_sequence
               AND (SELECT count(*) FROM webhook_deliveries d WHERE {_PENDING}) < :window))
    ORDER BY e.organization_id, e.id LIMIT :limit
""")  # noqa: S608  # a constant
_LOCK = {
    "sqlite": Statement("SELECT id FROM webhook_endpoints WHERE organization_id = :organization_id AND id = :id"),
    "postgres": Statement("""
        SELECT id FROM webhook_endpoints WHERE organization_id = :organization_id AND id = :id FOR UPDATE SKIP LOCKED
    """),
}
_PASS = Statement("""
    UPDATE webhook_endpoints SET cursor = :cursor WHERE organization_id = :organization_id AND id = :id
""")
_SUCCEEDED = Statement("""
    UPDATE webhook_endpoints SET failing_since = NULL, failures = 0
    WHERE organization_id = :organization_id AND id = :id AND failures > 0
""")
_FAILED = Statement("""
    UPDATE webhook_endpoints SET failing_since = coalesce(failing_since, :at), failures = failures + 1
    WHERE organization_id = :organization_id AND id = :id RETURNING failing_since, failures
""")


async def insert(client: BaseDBAsyncClient, **columns: Any) -> WebhookEndpoint:
    """Keep a new endpoint."""
    return await WebhookEndpoint.create(using_db=client, **columns)


async def find(client: BaseDBAsyncClient, organization_id: str, endpoint_id: str) -> WebhookEndpoint | None:
    """Return one endpoint by id."""
    return await _endpoints(client, organization_id).filter(id=endpoint_id).first()


async def update(client: BaseDBAsyncClient, organization_id: str, endpoint_id: str, **columns: Any) -> None:
    """Change columns of one endpoint."""
    await _endpoints(client, organization_id).filter(id=endpoint_id).update(**columns)


async def delete(client: BaseDBAsyncClient, organization_id: str, endpoint_id: str) -> None:
    """Remove an endpoint, secrets and all; its deliveries are forgotten later, a batch at a time."""
    await _endpoints(client, organization_id).filter(id=endpoint_id).delete()


async def page_of(client: BaseDBAsyncClient, organization_id: str, window: Window) -> Page[WebhookEndpoint]:
    """Return one page of the organization's endpoints, newest first."""
    return await page(_endpoints(client, organization_id), window, descending=True)


async def count(client: BaseDBAsyncClient, organization_id: str) -> int:
    """Return how many endpoints the organization has."""
    return await _endpoints(client, organization_id).count()


async def with_work(client: BaseDBAsyncClient, *, after: Place, at: datetime, window: int, limit: int) -> list[Place]:
    """Return enabled endpoints, in order after a place, that have an attempt due or an event to decide about."""
    rows = await _WORK.rows(
        client,
        organization_id=after.organization_id,
        endpoint_id=after.endpoint_id,
        at=to_microseconds(at),
        window=window,
        limit=limit,
    )
    return [Place(row["organization_id"], row["id"]) for row in rows]


async def lock(client: BaseDBAsyncClient, place: Place) -> WebhookEndpoint | None:
    """Take the endpoint's turn; None where it is gone, or where another process has its turn."""
    statement = _LOCK[client.capabilities.dialect]
    if await statement.first(client, organization_id=place.organization_id, id=place.endpoint_id) is None:
        return None
    return await find(client, place.organization_id, place.endpoint_id)


async def pass_on(client: BaseDBAsyncClient, place: Place, cursor: int) -> None:
    """Note that everything up to `cursor` is decided."""
    await _PASS.run(client, organization_id=place.organization_id, id=place.endpoint_id, cursor=cursor)


async def note_success(client: BaseDBAsyncClient, place: Place) -> None:
    """Note that the endpoint took a message."""
    await _SUCCEEDED.run(client, organization_id=place.organization_id, id=place.endpoint_id)


async def note_failure(client: BaseDBAsyncClient, place: Place, *, at: datetime) -> Health | None:
    """Note that an attempt failed, and return how the endpoint has been doing; None where it is gone."""
    row = await _FAILED.first(
        client, organization_id=place.organization_id, id=place.endpoint_id, at=to_microseconds(at)
    )
    return Health(from_microseconds(row["failing_since"]), row["failures"]) if row else None


def _endpoints(client: BaseDBAsyncClient, organization_id: str) -> QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.filter(organization_id=organization_id).using_db(client)
