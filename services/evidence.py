"""Which rows made this line?

The facts in a line's explanation say it: which meter, model and month, or which tiers between which instants. They are
turned back into a question to the rows here, so that an invoice explains itself down to the last event. What a line
was made of is frozen with it; the rows are history and never edited, so the answer stays the same.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from billing.explanations import Explanation, Source, SourceKind
from billing.periods import INSTANT, Period, local_date, month_containing, parse_label
from models.evidence import AdjustedUsage, SeatSelection, UsageOfMonth, UsageSelection, UseKind
from services.terms import Timeline

_RATED = "cost=ROUNDED_TO_NANOS_PER_EVENT"
_UNTIL = re.compile(r"/until-([0-9]{4}-[0-9]{2}-[0-9]{2})(/|$)")


@dataclass(frozen=True, slots=True)
class BilledLine:
    """A line and the boundary it is billed at; what waits to be billed stands on no issued invoice yet."""

    key: str
    item_key: str
    unit: str
    explanation: Explanation
    boundary_at: datetime
    issued: bool


def usage(line: BilledLine, timeline: Timeline, time_zone: str) -> UsageSelection | None:
    """Return the events behind a line, or None for one that bills no usage."""
    source = _source(line.explanation, SourceKind.USAGE)
    if source is None:
        return None
    reason = _policy(line.explanation, "reason")
    if reason is not None:
        return _adjusted(line, reason, dict(source.facts), time_zone)
    month = month_containing(line.boundary_at - INSTANT, time_zone)
    facts = dict(source.facts)
    kind = _use_kind(facts) if _RATED in line.explanation.policy else None
    within = _in_force(line, timeline, month, time_zone)
    return UsageOfMonth(month.start, month.end, within, tuple(facts.get("meter", "").split(", ")), kind)


def seats(line: BilledLine) -> SeatSelection | None:
    """Return the seats behind a line, or None for one that bills no seats."""
    source = _source(line.explanation, SourceKind.SEAT_INTERVALS)
    if source is None:
        return None
    facts = dict(source.facts)
    period = Period(datetime.fromisoformat(facts["from"]), datetime.fromisoformat(facts["to"]))
    tiers = tuple(facts["tiers"].split(", ")) if "tiers" in facts else ()
    at = datetime.fromisoformat(facts["peak_at"]) if "peak_at" in facts else None
    return SeatSelection(period, line.boundary_at, tiers, facts.get("add_on"), at)


def _adjusted(line: BilledLine, reason: str, facts: Mapping[str, str], time_zone: str) -> AdjustedUsage:
    """Return the late or corrected usage of a line, whose key ends in the kind of use."""
    price_version = line.explanation.price_version
    kind = line.key.removeprefix(f"{line.item_key}/{reason.lower()}/{facts['origin']}/")
    model, _, direction = kind.removesuffix(f"/{price_version}").rpartition("/")
    return AdjustedUsage(
        reason,
        parse_label(facts["origin"], time_zone).start,
        line.unit,
        UseKind(model, direction, price_version),
        line.boundary_at if line.issued else None,
    )


def _in_force(line: BilledLine, timeline: Timeline, month: Period, time_zone: str) -> Period:
    """Return the part of a month in which the plan that bills the line was in force."""
    replaced = _UNTIL.match(line.key.removeprefix(line.item_key))
    for stretch in reversed(timeline.stretches):
        until = min(stretch.until or month.end, month.end)
        ended_on = str(local_date(until, time_zone)) if until < month.end else None
        if stretch.since < until and ended_on == (replaced[1] if replaced else None):
            return Period(max(stretch.since, month.start), until)
    return month


def _use_kind(facts: Mapping[str, str]) -> UseKind:
    return UseKind(*(facts.get(name, "") for name in ("models", "directions", "price_versions")))


def _source(explanation: Explanation, kind: SourceKind) -> Source | None:
    return next((source for source in explanation.sources if source.kind is kind), None)


def _policy(explanation: Explanation, name: str) -> str | None:
    found = (policy.removeprefix(f"{name}=") for policy in explanation.policy if policy.startswith(f"{name}="))
    return next(found, None)
