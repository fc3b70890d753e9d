"""Which plan does an organization pay by, and which plans can be had?

A subscription keeps the whole plan document it was sold with: a later price list changes nothing for those who
bought before it. The catalogue is the seller's own list.
"""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model

from billing import plans as rules
from billing.periods import from_microseconds
from models.fields import DocumentField, InstantField, code

ALWAYS = from_microseconds(0)


class Subscription(Model):
    """An organization on one version of one plan, from `starts_at` until `ends_at`."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    plan_key: str = code()
    plan_version = fields.BigIntField()
    document: Any = DocumentField()
    starts_at: datetime = InstantField()  # type: ignore[assignment]
    ends_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "subscriptions"

    def as_rule(self) -> rules.Plan:
        """Return the plan as the rules know it."""
        return rules.from_document(self.document)


class CatalogPlan(Model):
    """A version of a plan's list prices in one currency, on offer from `effective_at` until a later one is."""

    key: str = code(primary_key=True)
    version = fields.BigIntField()
    currency: str = code()
    document: Any = DocumentField()
    published_at: datetime = InstantField()  # type: ignore[assignment]
    effective_at: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "catalog_plans"

    def as_rule(self) -> rules.Plan:
        """Return the plan as the rules know it."""
        return rules.from_document(self.document)


async def at_instant(client: BaseDBAsyncClient, organization_id: str, at: datetime) -> Subscription | None:
    """Return the subscription in force at `at`."""
    query = Subscription.filter(organization_id=organization_id, starts_at__lte=at).using_db(client)
    latest = await query.order_by("-starts_at").first()
    return latest if latest and (latest.ends_at is None or at < latest.ends_at) else None


async def history(client: BaseDBAsyncClient, organization_id: str) -> list[Subscription]:
    """Return every subscription, those that are scheduled included, oldest first."""
    query = Subscription.filter(organization_id=organization_id).using_db(client)
    return await query.order_by("starts_at").limit(1_000)


async def insert(client: BaseDBAsyncClient, **columns: Any) -> Subscription:
    """Start a subscription."""
    return await Subscription.create(using_db=client, **columns)


async def end(client: BaseDBAsyncClient, subscription: Subscription, *, at: datetime | None) -> None:
    """Let a subscription end at `at`, or go on where that is None."""
    query = Subscription.filter(organization_id=subscription.organization_id, id=subscription.id)
    await query.using_db(client).update(ends_at=at)


async def forget_scheduled(client: BaseDBAsyncClient, subscription: Subscription, *, at: datetime) -> None:
    """Take back a subscription that has not begun by `at`."""
    query = Subscription.filter(organization_id=subscription.organization_id, id=subscription.id, starts_at__gt=at)
    await query.using_db(client).delete()


async def on_offer(client: BaseDBAsyncClient, plan_key: str, currency: str, *, at: datetime) -> CatalogPlan | None:
    """Return the version of a plan's prices in a currency that is in force at `at`."""
    query = CatalogPlan.filter(key=plan_key, currency=currency, effective_at__lte=at).using_db(client)
    return await query.order_by("-effective_at", "-version").first()


async def newest_in_catalog(client: BaseDBAsyncClient, plan_key: str, currency: str) -> CatalogPlan | None:
    """Return the newest published version of a plan in a currency, whether or not it is in force yet."""
    query = CatalogPlan.filter(key=plan_key, currency=currency).using_db(client)
    return await query.order_by("-version").first()


async def versions(client: BaseDBAsyncClient, plan_key: str, currency: str, *, limit: int) -> list[CatalogPlan]:
    """Return the versions of a plan's prices in a currency, the newest first."""
    query = CatalogPlan.filter(key=plan_key, currency=currency).using_db(client)
    return await query.order_by("-version").limit(limit)


async def publish(client: BaseDBAsyncClient, *, effective_at: datetime = ALWAYS, **columns: Any) -> CatalogPlan:
    """Put a plan version on offer, from `effective_at` on."""
    return await CatalogPlan.create(using_db=client, effective_at=effective_at, **columns)
