"""Put prices on the list.

The seller's own business: no customer may do it, and no customer is moved by it. Each version is in force from a date
until the next one is; whoever subscribes or changes plan then gets the version in force, and keeps it until they move.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.plans import InvalidPlan, Plan, from_document, to_document
from models import plans as rows
from models.runner import Runner
from models.sql import Client
from services.outcomes import RefusalCode, Refused


@dataclass(frozen=True, slots=True)
class Published:
    """The version is on the list, in force from `effective_at`."""

    plan_key: str
    currency: str
    version: int
    effective_at: datetime


async def publish(
    runner: Runner, document: Mapping[str, Any], *, effective_at: datetime | None, at: datetime
) -> Published | Refused:
    """Add a version of a plan's list prices; the first has always been in force, unless a date says otherwise."""
    try:
        plan = from_document(document)
    except InvalidPlan as error:
        return Refused(RefusalCode.PLAN_INVALID, error.message, tuple(error.field.split(".")))

    async def work(client: Client) -> Published | Refused:
        newest = await rows.newest_in_catalog(client, plan.key, plan.currency)
        begins_at = effective_at or (rows.ALWAYS if newest is None else at)
        refused = _refusal(plan, newest, begins_at=begins_at, at=at)
        if refused is not None:
            return refused
        await rows.publish(
            client,
            key=plan.key,
            version=plan.version,
            currency=plan.currency,
            document=to_document(plan),
            published_at=at,
            effective_at=begins_at,
        )
        return Published(plan.key, plan.currency, plan.version, begins_at)

    return await runner.run(work, lane="catalogue")


def _refusal(plan: Plan, newest: rows.CatalogPlan | None, *, begins_at: datetime, at: datetime) -> Refused | None:
    if newest is None:
        return None
    if plan.version != newest.version + 1:
        message = f"version {plan.version} does not follow version {newest.version}, the newest of {plan.key}"
        return Refused(RefusalCode.ALREADY_EXISTS, f"{message} in {plan.currency}", ("version",))
    bound = max(at, newest.effective_at)
    if begins_at < bound:
        message = f"{begins_at.isoformat()} is before {bound.isoformat()}; what was on offer stays what it was"
        return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, ("effectiveAt",))
    return _naming_refusal(plan, newest.as_rule())


def _naming_refusal(plan: Plan, before: Plan) -> Refused | None:
    """Refuse a price that is new under an old name: invoices name prices by their version."""
    known = {item.key: item for item in before.items}
    for index, item in enumerate(plan.items):
        old = known.get(item.key)
        if old is not None and old.price_version == item.price_version and old.price != item.price:
            message = f"the price of {item.key!r} is not the one that version {item.price_version!r} names already"
            return Refused(RefusalCode.PLAN_INVALID, message, ("items", str(index), "price_version"))
    return None
