"""What must be known to draw an invoice?

Everything a draft is made of, and nothing else: two drafts of equal facts are equal. What the facts leave out has no
say, so a preview is the draft of the facts as they would be.

>>> [boundary.value for boundary in Boundary]
['CLOSING', 'OPENING']
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from billing.advances import Advance
from billing.contracts import Contract
from billing.corrections import Adjustment
from billing.periods import Period
from billing.plan_items import Cycle, PlanItem, Timing
from billing.plans import Plan
from billing.quantities import Seats
from billing.seats import SeatInterval
from billing.usage import UsageTotal
from billing.usage_events import UsageEvent


class Boundary(StrEnum):
    """Which bound of time the invoice is made at."""

    CLOSING = "CLOSING"  # a month ends and another begins
    OPENING = "OPENING"  # the service begins: only what is billed in advance


@dataclass(frozen=True, slots=True)
class Stretch:
    """A plan that another one replaced within an interval: in force from `since`, when that is within it, to `until`.

    `usage` is what was used while it was in force. What was billed of it in advance is settled at `until`.
    """

    plan: Plan
    until: datetime
    since: datetime | None = None
    usage: tuple[UsageTotal, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a draft is made of.

    `period` is the month that ends and `following` the one that begins; at an OPENING boundary `following` is the
    month that contains `service_start`. `seats` are all intervals that overlap [period.start, following.end), or start
    earlier, at `seats_needed_from`, when an item is billed by the quarter or year. `service_start` is the first
    instant of paid access: an OPENING invoice is made only where it is the first instant of a month, for a service
    that begins within a month is billed from there by that month's closing. `next_plan` is given when the plan changes
    at the boundary: it bills what is in advance. `next_contract` is given when another contract, or another version of
    it, is in force from the boundary on. `adjustments` are what changed about months that were billed before.

    `earlier` are the plans that were replaced within an interval still billed here, the last one at `plan_since`;
    `usage` is then only what was used from that instant on. `events` are those of the meters that `event_meters`
    names. `tax_exemption` is the reason why this customer owes no tax. `advances` is what earlier boundaries billed of
    what is settled here; None where it is not known: then it counts as billed at the list price.
    """

    plan: Plan
    period: Period
    following: Period
    time_zone: str
    locale: str
    seats: tuple[SeatInterval, ...]
    usage: tuple[UsageTotal, ...]
    contract: Contract | None
    service_start: datetime
    boundary: Boundary = Boundary.CLOSING
    next_plan: Plan | None = None
    next_contract: Contract | None = None
    adjustments: tuple[Adjustment, ...] = ()
    earlier: tuple[Stretch, ...] = ()
    plan_since: datetime | None = None
    events: tuple[UsageEvent, ...] | None = None
    tax_exemption: str | None = None
    advances: tuple[Advance, ...] | None = None


def cycle_start(item: PlanItem, *, service: datetime, plan: datetime | None) -> datetime:
    """Return the instant from whose month the item's intervals run; `plan` is None for one in force from the start."""
    return service if plan is None or item.cycle is Cycle.WITH_SERVICE else plan


def seats_needed_from(
    plan: Plan, period: Period, service_start: datetime, time_zone: str, *, plan_since: datetime | None = None
) -> datetime:
    """Return the instant from which `draft` must know the seats to close `period`."""
    counted = [item for item in plan.items if isinstance(item.quantity, Seats)]
    return _earliest(counted, period, service_start, time_zone, plan_since)


def advances_needed_from(
    plan: Plan, period: Period, service_start: datetime, time_zone: str, *, plan_since: datetime | None = None
) -> datetime:
    """Return the first boundary that may have billed in advance what `draft` gives back of a replaced plan."""
    ahead = [item for item in plan.items if item.timing is Timing.ADVANCE]
    return _earliest(ahead, period, service_start, time_zone, plan_since)


def _earliest(
    items: Iterable[PlanItem], period: Period, service_start: datetime, time_zone: str, plan_since: datetime | None
) -> datetime:
    """Return where the longest of the items' intervals that are running in `period` began."""
    starts = (
        item.interval.span(period.start, cycle_start(item, service=service_start, plan=plan_since), time_zone).start
        for item in items
    )
    return min((period.start, *starts))


def event_meters(plan: Plan) -> frozenset[str]:
    """Return the meters whose single events `draft` reads, because totals of them are not enough."""
    return frozenset(meter for item in plan.items if item.reads_events for meter in item.meters)
