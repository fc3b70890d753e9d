"""Change the plan: now, or at an instant to come.

A subscription is never edited but for its end. A change ends the running one and starts the next at the same instant;
both sides are prorated by the policies of their items, in the one draft that bills the month. What a preview says is
drawn from the timeline as it would be, by the code that draws the invoice.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.money import Money
from billing.periods import INSTANT, from_microseconds, month_containing
from billing.plans import from_document
from billing.roles import Permission
from models import invoices, seats
from models import plans as rows
from models.organizations import Organization
from models.sql import Client
from services import drafts, terms
from services.dispatch import verb
from services.outcomes import RefusalCode, Refused, not_found
from services.terms import Terms, Timeline
from services.unit import Unit

AHEAD_MAX = timedelta(days=3 * 366)


@dataclass(frozen=True, slots=True)
class Change:
    """Another plan of the catalogue, from this instant on."""

    organization_id: str
    idempotency_key: str
    plan_key: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """Another plan of the catalogue, from an instant to come; it takes the place of what was scheduled before."""

    organization_id: str
    idempotency_key: str
    plan_key: str
    effective_at: datetime


@dataclass(frozen=True, slots=True)
class PlanChanged:
    """The plan that is in force from `effective_at`, and what the running month comes to before and after."""

    subscription_id: str
    plan_key: str
    plan_version: int
    effective_at: datetime
    before: Money
    after: Money


@dataclass(frozen=True, slots=True)
class PlanPreview:
    """What the month of the change would come to without it and with it."""

    before: Money
    after: Money
    upcoming: drafts.Drafted | None


@verb(Permission.PLAN_WRITE)
async def change(unit: Unit, command: Change) -> PlanChanged | Refused:
    """Put another plan in force at this instant."""
    effective_at = await _unbilled(unit.client, unit.organization_id, unit.at)
    return await _change(unit, command.plan_key, effective_at)


@verb(Permission.PLAN_WRITE)
async def schedule(unit: Unit, command: Schedule) -> PlanChanged | Refused:
    """Put another plan in force at an instant to come."""
    if command.effective_at <= unit.at:
        message = f"effectiveAt {command.effective_at.isoformat()} is past; change the plan at once instead"
        return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, ("effectiveAt",))
    refused = _ahead_refusal(command.effective_at, unit.at)
    if refused is not None:
        return refused
    return await _change(unit, command.plan_key, command.effective_at)


async def preview(
    client: Client, organization: Organization, plan_key: str, *, effective_at: datetime, at: datetime
) -> PlanPreview | Refused:
    """Return what a change of plan would do to the month it happens in, without doing it."""
    timeline = (await terms.timeline(client, organization.organization_id)).begun_by(at)
    offered = await rows.on_offer(client, plan_key, organization.currency, at=effective_at)
    if effective_at < at:
        message = f"effectiveAt {effective_at.isoformat()} is past"
        return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, ("effectiveAt",))
    refused = _ahead_refusal(effective_at, at)
    effective_at = await _unbilled(client, organization.organization_id, effective_at)
    refused = refused or await _refusal(client, organization, timeline, offered, plan_key, effective_at)
    if refused is not None or offered is None:
        return refused or not_found(f"plan {plan_key!r}", "planKey")
    supposing = drafts.Supposition(
        terms=lambda now: now.begun_by(at).with_change(_terms(offered, effective_at, "supposed"))
    )
    return PlanPreview(
        await drafts.month_total(client, organization, at=effective_at),
        await drafts.month_total(client, organization, at=effective_at, supposing=supposing),
        await drafts.upcoming(client, organization, at=effective_at, supposing=supposing),
    )


async def _change(unit: Unit, plan_key: str, effective_at: datetime) -> PlanChanged | Refused:
    organization = unit.organization
    timeline = (await terms.timeline(unit.client, unit.organization_id)).begun_by(unit.at)
    offered = await rows.on_offer(unit.client, plan_key, organization.currency, at=effective_at)
    refused = await _refusal(unit.client, organization, timeline, offered, plan_key, effective_at)
    if refused is not None or offered is None:
        return refused or not_found(f"plan {plan_key!r}", "planKey")
    before = await drafts.month_total(unit.client, organization, at=effective_at)
    subscription_id = unit.new_id("subscription")
    await _replace(unit, effective_at)
    await rows.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=subscription_id,
        plan_key=offered.key,
        plan_version=offered.version,
        document=offered.document,
        starts_at=effective_at,
        ends_at=None,
    )
    after = await drafts.month_total(unit.client, organization, at=effective_at)
    facts = {"planKey": offered.key, "planVersion": offered.version, "startsAt": effective_at.isoformat()}
    running = timeline.at(unit.at)
    was = {"planKey": running.plan.key, "planVersion": running.plan.version} if running else None
    unit.emit("PlanChanged" if effective_at <= unit.at else "PlanChangeScheduled", facts, before=was)
    return PlanChanged(subscription_id, offered.key, offered.version, effective_at, before, after)


async def _replace(unit: Unit, effective_at: datetime) -> None:
    """End what runs at `effective_at`, and take back what was scheduled and has not begun."""
    for subscription in reversed(await rows.history(unit.client, unit.organization_id)):
        if subscription.starts_at > unit.at:
            await rows.forget_scheduled(unit.client, subscription, at=unit.at)
        else:
            await rows.end(unit.client, subscription, at=effective_at)
            return


async def _refusal(
    client: Client,
    organization: Organization,
    timeline: Timeline,
    offered: rows.CatalogPlan | None,
    plan_key: str,
    effective_at: datetime,
) -> Refused | None:
    current = timeline.at(effective_at)
    if current is None:
        message = f"the organization has no plan at {effective_at.isoformat()}"
        return Refused(RefusalCode.PLAN_MISSING, message, ("organizationId",))
    if offered is None:
        return not_found(f"plan {plan_key!r} in {organization.currency}", "planKey")
    if (current.plan.key, current.plan.version) == (offered.key, offered.version):
        message = f"{offered.key}, version {offered.version}, is the plan in force then"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ("planKey",))
    if effective_at <= current.since:
        message = f"the plan in force then began at {current.since.isoformat()}; change it after that"
        return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, ("effectiveAt",))
    billed_to = await invoices.last_boundary_microseconds(client, organization.organization_id)
    if billed_to is not None and effective_at < from_microseconds(billed_to):
        message = f"everything up to {from_microseconds(billed_to).isoformat()} is billed"
        return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, ("effectiveAt",))
    wanted = _terms(offered, effective_at, "supposed")
    if wanted.plan.tax.mode is not current.plan.tax.mode:
        message = f"prices of {offered.key} are {wanted.plan.tax.mode} of tax, those of the plan in force then are not"
        return Refused(RefusalCode.PLAN_INVALID, message, ("planKey",))
    return await _seating_refusal(client, organization, wanted, effective_at)


async def _unbilled(client: Client, organization_id: str, at: datetime) -> datetime:
    """Return `at`, or the next instant where a month was closed at `at`: what begins there was billed by the old plan.

    The old plan is settled then like one that is replaced at any other instant, so that nothing is billed by neither.
    """
    billed_to = await invoices.last_boundary_microseconds(client, organization_id)
    return at + INSTANT if billed_to is not None and at == from_microseconds(billed_to) else at


def _ahead_refusal(effective_at: datetime, at: datetime) -> Refused | None:
    if effective_at - at <= AHEAD_MAX:
        return None
    message = f"effectiveAt {effective_at.isoformat()} is more than {AHEAD_MAX.days} days ahead"
    return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, ("effectiveAt",))


async def _seating_refusal(
    client: Client, organization: Organization, wanted: Terms, effective_at: datetime
) -> Refused | None:
    """Refuse a plan that has no place for seats that are held: they would be billed by nobody's price."""
    period = month_containing(effective_at, organization.time_zone)
    held = [row for row in await seats.overlapping(client, organization.organization_id, period) if row.ends_at is None]
    homeless = sorted({row.tier for row in held if row.tier and row.tier not in wanted.tiers})
    if not homeless:
        return None
    message = f"the plan has no seat tier {homeless[0]!r}, which members hold; move them to another tier first"
    return Refused(RefusalCode.PLAN_INVALID, message, ("planKey",))


def _terms(offered: rows.CatalogPlan, since: datetime, subscription_id: str) -> Terms:
    return Terms(from_document(offered.document), since, None, None, subscription_id)
