"""By which terms is an organization billed at an instant?

The plan it subscribed to, with the prices that its contract negotiated. Rating, limits, previews and the month close
all ask here, so none of them can see another price than the invoice will. A timeline holds all of it: what was, what
is, and what is scheduled.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from billing import contracts as contract_rules
from billing import plans as plan_rules
from billing.periods import from_microseconds
from billing.plans import Plan, Seats
from models import agreements
from models.agreements import Agreement
from models.sql import Client

TIMELINES_KEPT_MAX = 1_024

Span = tuple[datetime | None, datetime | None]
"""From an instant, None for ever, to another, None for ever; half-open."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A plan with negotiated prices applied, when it is in force, and the contract where there is one."""

    plan: Plan
    since: datetime
    until: datetime | None
    contract: contract_rules.Contract | None
    subscription_id: str

    @property
    def tiers(self) -> tuple[str, ...]:
        """The keys of the seat tiers on offer."""
        return tuple(tier.key for tier in self.plan.tiers)

    def add_ons(self, tier: str | None) -> tuple[str, ...]:
        """Return the keys of the add-ons that are sold with a seat of this tier; one nobody prices is not on offer."""
        seats = (item.quantity for item in self.plan.items if isinstance(item.quantity, Seats))
        return tuple(sorted({each.add_on for each in seats if each.add_on and (not each.tiers or tier in each.tiers)}))


@dataclass(frozen=True, slots=True)
class Agreed:
    """One version of a contract and from when it is in force."""

    contract: contract_rules.Contract
    effective_at: datetime

    def holds(self, at: datetime) -> bool:
        """Return whether this version may be in force at `at`, unless a later one is."""
        return self.effective_at <= at and self.contract.start <= at < self.contract.end


@dataclass(frozen=True, slots=True)
class Timeline:
    """Every subscription, oldest first, and every version of every contract."""

    stretches: tuple[Terms, ...]
    contracts: tuple[Agreed, ...]

    @property
    def begins_at(self) -> datetime | None:
        """When the organization first had a plan."""
        return self.stretches[0].since if self.stretches else None

    def at(self, instant: datetime) -> Terms | None:
        """Return the terms in force at an instant."""
        for stretch in reversed(self.stretches):
            if stretch.since <= instant:
                return self._agreed(stretch, instant) if stretch.until is None or instant < stretch.until else None
        return None

    def unchanged_around(self, instant: datetime) -> Span:
        """Return the span around an instant within which `at` always answers the same; None for no bound."""
        changes = [change for stretch in self.stretches for change in (stretch.since, stretch.until) if change]
        for agreed in self.contracts:
            changes += (agreed.effective_at, agreed.contract.start, agreed.contract.end)
        since = max((change for change in changes if change <= instant), default=None)
        return since, min((change for change in changes if change > instant), default=None)

    def next_after(self, instant: datetime) -> Terms | None:
        """Return the first terms that begin after an instant, as they will be then."""
        coming = [stretch for stretch in self.stretches if stretch.since > instant]
        return self._agreed(coming[0], coming[0].since) if coming else None

    def ended_between(self, start: datetime, end: datetime) -> tuple[Terms, ...]:
        """Return the terms that other ones replaced in [start, end)."""
        gone = ((stretch, stretch.until) for stretch in self.stretches if stretch.until is not None)
        return tuple(self._agreed(stretch, until) for stretch, until in gone if start <= until < end)

    def begun_by(self, instant: datetime) -> "Timeline":
        """Return the timeline without what is scheduled and has not begun by an instant."""
        begun = [stretch for stretch in self.stretches if stretch.since <= instant]
        if len(begun) < len(self.stretches) and begun:
            begun[-1] = replace(begun[-1], until=None)
        return Timeline(tuple(begun), self.contracts)

    def with_change(self, terms: Terms) -> "Timeline":
        """Return the timeline as it would be if `terms` took over when they begin."""
        kept = [stretch for stretch in self.stretches if stretch.since < terms.since]
        if kept and (kept[-1].until is None or kept[-1].until > terms.since):
            kept[-1] = replace(kept[-1], until=terms.since)
        return Timeline((*kept, terms), self.contracts)

    def _agreed(self, stretch: Terms, instant: datetime) -> Terms:
        holding = [agreed for agreed in self.contracts if agreed.holds(instant)]
        if not holding:
            return stretch
        contract = max(holding, key=lambda agreed: (agreed.effective_at, agreed.contract.version)).contract
        return replace(stretch, plan=contract_rules.apply_prices(stretch.plan, contract), contract=contract)


async def timeline(client: Client, organization_id: str) -> Timeline:
    """Return everything an organization agreed to, in one statement."""
    return _timeline(await agreements.of(client, organization_id))


async def at_instant(client: Client, organization_id: str, at: datetime) -> Terms | None:
    """Return the terms in force at `at`, or None where the organization has no plan then."""
    return (await timeline(client, organization_id)).at(at)


@lru_cache(maxsize=TIMELINES_KEPT_MAX)
def _timeline(agreed: tuple[Agreement, ...]) -> Timeline:
    """Read what was agreed. It takes longer than to ask for it, and equal rows always mean the same."""
    stretches: list[Terms] = []
    versions: list[Agreed] = []
    for each in agreed:
        document, since = json.loads(each.document), from_microseconds(each.starts_at)
        if each.kind == agreements.PLAN:
            until = None if each.ends_at is None else from_microseconds(each.ends_at)
            stretches.append(Terms(plan_rules.from_document(document), since, until, None, each.id))
        else:
            versions.append(Agreed(contract_rules.from_document(document), from_microseconds(each.effective_at)))
    return Timeline(tuple(stretches), tuple(versions))
