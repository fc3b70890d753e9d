"""What would the invoice of a boundary say?

The preview and the month close ask this one module: it gathers the facts and lets the rules draw the invoice. There
is no second way to an amount, so what a preview says is what the invoice will say. A what-if is a draft of the facts
as somebody supposes them to be.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from billing import invoices as rules
from billing.advances import Advance
from billing.corrections import Adjustment, Reason
from billing.facts import Boundary, Facts, Stretch, advances_needed_from, event_meters, seats_needed_from
from billing.invoices import Draft
from billing.money import Money
from billing.periods import Period, label, month_containing, next_month
from billing.releases import with_coming
from billing.seats import SeatInterval
from billing.usage_events import UsageEvent
from models import adjustments, exemptions, releases, seats, usage
from models.organizations import Organization
from models.sql import Client, Row
from services import advances, terms
from services.terms import Terms, Timeline

LOOK_AHEAD_MONTHS = 12
_INSTANT = timedelta(microseconds=1)

Seating = tuple[SeatInterval, ...]


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft with the month it closes and the terms it was made by."""

    draft: Draft
    period: Period
    terms: Terms


@dataclass(frozen=True, slots=True)
class Supposition:
    """What is supposed to be otherwise: the terms, the seats, those that wait to take over, or nothing."""

    terms: Callable[[Timeline], Timeline] = lambda timeline: timeline
    seats: Callable[[Seating], Seating] = lambda seating: seating
    coming: Callable[[Seating], Seating] = lambda coming: coming


AS_IT_IS = Supposition()


async def at_end_of(
    client: Client, organization: Organization, period: Period, supposing: Supposition = AS_IT_IS
) -> Drafted | None:
    """Return the draft for the boundary at which `period` ends; None where nothing is sold yet."""
    timeline = supposing.terms(await terms.timeline(client, organization.organization_id))
    before, after = timeline.at(period.end - _INSTANT), timeline.at(period.end)
    in_force = before or after
    begins_at = timeline.begins_at
    if in_force is None or begins_at is None:
        return None
    facts = await _facts(client, organization, period, timeline, supposing)
    return Drafted(rules.draft(facts), period, in_force)


async def upcoming(
    client: Client, organization: Organization, *, at: datetime, supposing: Supposition = AS_IT_IS
) -> Drafted | None:
    """Return the next invoice as it stands at `at`.

    Where the running month bills nothing (a contract between two instalments), look ahead to the month that does,
    for at most a year.
    """
    period = month_containing(at, organization.time_zone)
    for _ in range(LOOK_AHEAD_MONTHS):
        drafted = await at_end_of(client, organization, period, supposing)
        if drafted is not None and (drafted.draft.lines or drafted.draft.quotes):
            return drafted
        period = next_month(period, organization.time_zone)
    return None


async def month_total(
    client: Client, organization: Organization, *, at: datetime, supposing: Supposition = AS_IT_IS
) -> Money:
    """Return what the invoice at the end of the month of `at` comes to as things stand, or would stand."""
    drafted = await at_end_of(client, organization, month_containing(at, organization.time_zone), supposing)
    return drafted.draft.total if drafted is not None else Money.zero(organization.currency)


async def _facts(
    client: Client, organization: Organization, period: Period, timeline: Timeline, supposing: Supposition
) -> Facts:
    before, after = timeline.at(period.end - _INSTANT), timeline.at(period.end)
    in_force, begins_at = before or after, timeline.begins_at
    assert in_force is not None, "the caller looked"
    assert begins_at is not None, "the caller looked"
    time_zone, organization_id = organization.time_zone, organization.organization_id
    following = next_month(period, time_zone)
    since = min(
        seats_needed_from(each.plan, period, begins_at, time_zone, plan_since=each.since) for each in timeline.stretches
    )
    replaced = timeline.ended_between(since, period.end)
    held = await seats.overlapping(client, organization_id, Period(since, following.end))
    waiting = tuple(release.as_rule() for release in await releases.waiting(client, organization_id))
    elsewhere = await adjustments.billed_elsewhere(client, organization_id, period)
    used = await usage.totals(client, organization_id, period_start=period.start, without=elsewhere)
    return Facts(
        plan=in_force.plan,
        period=period,
        following=following,
        time_zone=time_zone,
        locale=organization.locale,
        seats=with_coming(supposing.seats(tuple(seat.as_rule() for seat in held)), supposing.coming(waiting)),
        usage=used.get(in_force.subscription_id, ()),
        contract=in_force.contract,
        service_start=begins_at,
        boundary=Boundary.CLOSING if before else Boundary.OPENING,
        next_plan=after.plan if before and after and after.plan != before.plan else None,
        next_contract=after.contract if before and after and after.contract != before.contract else None,
        adjustments=await _adjustments(client, organization, period),
        events=await _events(client, organization, period, (*replaced, in_force), elsewhere),
        earlier=tuple(
            Stretch(
                each.plan,
                each.until or period.end,
                each.since if each.since > begins_at else None,
                used.get(each.subscription_id, ()),
            )
            for each in replaced
        ),
        plan_since=in_force.since if in_force.since > begins_at else None,
        tax_exemption=await _exemption(client, organization, period.end - _INSTANT if before else period.end),
        advances=await _advances(client, organization, period, begins_at, replaced, supposing),
    )


async def _advances(
    client: Client,
    organization: Organization,
    period: Period,
    begins_at: datetime,
    replaced: Sequence[Terms],
    supposing: Supposition,
) -> tuple[Advance, ...]:
    """Return what was billed in advance of the plans that were replaced; nothing is read where there are none."""
    if not replaced:
        return ()

    async def draw(earlier: Period) -> Drafted | None:
        return await at_end_of(client, organization, earlier, supposing)

    starts = (
        advances_needed_from(each.plan, period, begins_at, organization.time_zone, plan_since=each.since)
        for each in replaced
    )
    return await advances.billed_between(client, organization, min(starts), period.start, draw=draw)


async def _exemption(client: Client, organization: Organization, at: datetime) -> str | None:
    """Return why no tax is owed on what is billed at `at`, the last instant of the month or the service's first."""
    found = await exemptions.in_force(client, organization.organization_id, at)
    return None if found is None else found.said


async def _events(
    client: Client, organization: Organization, period: Period, billing: Sequence[Terms], elsewhere: Sequence[Row]
) -> tuple[UsageEvent, ...] | None:
    """Return the single events of meters whose totals are not enough; None where there is no such meter."""
    meters = frozenset(meter for each in billing for meter in event_meters(each.plan))
    if not meters:
        return None
    found = await usage.events_of(
        client,
        organization.organization_id,
        period_start=period.start,
        meters=sorted(meters),
        without={row["usage_id"] for row in elsewhere},
    )
    return tuple(
        UsageEvent(row.occurred_at, row.id, row.member_id, row.meter, Fraction(row.quantity), row.member_id)
        for row in found
    )


async def _adjustments(client: Client, organization: Organization, period: Period) -> tuple[Adjustment, ...]:
    """Return what changed about months before `period` and stands on no invoice yet."""
    waiting = await adjustments.unbilled(client, organization.organization_id, before=period.start)
    return tuple(
        Adjustment(
            reason=Reason(row["reason"]),
            member_id=row["member_id"],
            meter=row["meter"],
            model=row["model"],
            direction=row["direction"],
            price_version=row["price_version"],
            quantity=row["quantity"],
            cost_nanos=row["cost_nanos"],
            events=row["events"],
            origin=label(month_containing(row["origin_period_start"], organization.time_zone), organization.time_zone),
            invoice=row["origin_invoice"],
        )
        for row in waiting
    )
