"""What falls due in an organization by itself, and in which order?

One list for the worker, which asks up to now, and for a test clock, which asks up to where it is moved: a sandbox
therefore lives through exactly what a real organization lives through. Each thing has a key made of what it is and
when it was due, so doing it twice does it once.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.periods import from_microseconds, label, to_microseconds
from models import contracts as contract_rows
from models import credits as credit_rows
from models import directory_groups, limit_increases
from models import releases as release_rows
from models import reservations as reservation_rows
from models.organizations import Organization
from models.sql import Client
from services import closing, contracts, dunning, expiry, group_mappings, increase_ends, releases, reviews, upkeep
from services.dispatch import WRITABLE, Verb

ORDER = (
    "reservation",
    "release",
    "mapping",
    "lapse",
    "limit_request",
    "limit_raise",
    "review",
    "renewal",
    "credit",
    "draft",
    "month",
    "dunning",
)
"""What comes first at one and the same instant: a month closes on the terms that are in force from then on."""


@dataclass(frozen=True, slots=True)
class Due:
    """A command and the instant at which it should be carried out."""

    at: datetime
    what: str
    verb: Verb[Any, Any]
    command: Any


async def next_of(client: Client, organization: Organization, *, until: datetime) -> Due | None:
    """Return the earliest thing that is due by `until` and not done, or None."""
    found = [due async for due in _everything(client, organization) if due.at <= until]
    return min(found, key=lambda due: (due.at, ORDER.index(due.what)), default=None)


async def _everything(client: Client, organization: Organization) -> AsyncIterator[Due]:
    organization_id = organization.organization_id
    if organization.evaluation_ends_at is not None and organization.status == "EVALUATION":
        at = organization.evaluation_ends_at
        yield Due(at, "lapse", upkeep.lapse, upkeep.Lapse(organization_id, _key("lapse", at)))
    release = await release_rows.next_due(client, organization_id)
    if release is not None:
        command = releases.CarryOut(organization_id, f"due/release/{release.id}", release.member_id)
        yield Due(release.due_at, "release", releases.carry_out, command)
    mapping = await directory_groups.mapping(client, organization_id)
    if mapping is not None and mapping.applied_after is not None and organization.status in WRITABLE:
        carry_on = group_mappings.CarryOn(organization_id, group_mappings.due_key(mapping), mapping.applied_after)
        yield Due(mapping.set_at, "mapping", group_mappings.carry_on, carry_on)
    period = await closing.next_due(client, organization)
    month = label(period, organization.time_zone)
    if organization.invoice_grace_seconds and not await closing.has_draft(client, organization, period):
        yield Due(period.end, "draft", closing.close, closing.Close(organization_id, f"due/draft/{month}", month))
    at = closing.graced(organization, period)
    yield Due(at, "month", closing.close, closing.Close(organization_id, f"due/close/{month}", month))
    contract = await contract_rows.newest(client, organization_id)
    renewal_at = contract.as_rule().renewal_at if contract else None
    if renewal_at is not None:
        renewal = contracts.Renew(organization_id, _key("renewal", renewal_at), {})
        yield Due(renewal_at, "renewal", contracts.renew, renewal)
    async for review in reviews.waiting(client, organization):
        make = reviews.Make(organization_id, _key(f"review/{review.kind}", review.at), review.at, review.kind)
        yield Due(review.at, "review", reviews.make, make)
    async for step in dunning.waiting(client, organization):
        key = f"due/dunning/{step.invoice_id}/{step.step}"
        yield Due(step.at, "dunning", dunning.take, dunning.Take(organization_id, key, step.invoice_id, step.step))
    ending = await limit_increases.next_end(client, organization_id)
    if ending is not None:
        what = "limit_request" if ending.is_pending else "limit_raise"
        end = increase_ends.End(organization_id, f"due/{what}/{ending.request_id}", ending.request_id)
        yield Due(ending.at, what, increase_ends.end, end)
    held = await reservation_rows.next_due(client, organization_id)
    if held is not None:
        key = f"{_key('reservation', held.expires_at)}/{held.id}"
        yield Due(held.expires_at, "reservation", expiry.expire, expiry.Expire(organization_id, key))
    lost = await credit_rows.next_expiry_microseconds(client, organization_id)
    if lost is not None:
        at = from_microseconds(lost)
        yield Due(at, "credit", upkeep.expire_credit, upkeep.ExpireCredit(organization_id, _key("credit", at)))


def _key(what: str, at: datetime) -> str:
    return f"due/{what}/{to_microseconds(at)}"
