"""Tell those concerned that a limit is near, once per threshold, window and version of the limit.

A threshold counts as reached whenever use stands at or above it and no alert says so yet. That also covers a limit
that is set below what was spent already, and leaves no gap that a crash could fall into. Of thresholds that repeat,
only those above the highest one told of are news.
"""

from collections.abc import Iterable, Mapping, Sequence

from billing import limits as rules
from billing.alert_marks import Mark, dedup_id, marks
from billing.money import nanos_amount
from billing.periods import Period, to_microseconds
from models import alerts as rows
from services.unit import Unit

KIND = "SpendLimitThresholdReached"
_Reached = tuple[rules.Gate, Mark, Period]
Reached = Mapping[str, _Reached]
"""The thresholds that counters stand at or above, by the name under which each is told of once."""


async def raise_reached(unit: Unit, met: Iterable[tuple[rules.Gate, Period]]) -> None:
    """Raise an alert for each threshold that the counters behind the gates have reached and nobody was told of."""
    await raise_all([(unit, reached(met))])


def reached(met: Iterable[tuple[rules.Gate, Period]]) -> Reached:
    """Return the thresholds that the counters behind the gates have reached."""
    return {
        _dedup_id(gate, mark, period): (gate, mark, period)
        for gate, period in met
        for mark in marks(gate.limit.alerts, gate.limit.cap_nanos, gate.counter.used_nanos)
    }


async def raise_all(commands: Sequence[tuple[Unit, Reached]]) -> None:
    """Raise an alert for each threshold that nobody was told of, by the first of several commands that reached it."""
    everything = {name: found for _, reached in commands for name, found in reached.items()}
    if not everything:
        return
    unit = commands[0][0]
    told = await rows.raised_before(unit.client, unit.organization_id, sorted(everything))
    highest = await _highest_told(unit, everything)
    raised: list[rows.LimitAlert] = []
    for unit, reached in commands:
        known = told | {name for name, found in reached.items() if _is_overtaken(found, highest)}
        fresh = [_alert(unit, name, *found) for name, found in sorted(reached.items(), key=_order) if name not in known]
        for alert in fresh:
            unit.emit(KIND, _facts(unit, alert), member_id=alert.member_id)
            told.add(alert.dedup_id)
            place = (alert.limit_id, alert.member_id, to_microseconds(alert.period_start))
            highest[place] = max(highest.get(place, -1), alert.reached_nanos)
        raised += fresh
    await rows.insert_many(unit.client, raised)


async def _highest_told(unit: Unit, reached: Reached) -> dict[tuple[str, str | None, int], int]:
    """Return the highest amount told of so far at each limit of which a threshold repeats."""
    repeated = [found for found in reached.values() if found[1].repeated]
    if not repeated:
        return {}
    return await rows.highest_told(
        unit.client,
        unit.organization_id,
        limit_ids=sorted({gate.limit.id for gate, _, _ in repeated}),
        starts=sorted({to_microseconds(period.start) for _, _, period in repeated}),
    )


def _is_overtaken(found: _Reached, highest: Mapping[tuple[str, str | None, int], int]) -> bool:
    """Return whether a repeated threshold is below one that was told of: use went back since, and comes by again."""
    gate, mark, period = found
    place = (gate.limit.id, _concerned(gate), to_microseconds(period.start))
    return mark.repeated and mark.nanos <= highest.get(place, -1)


def _order(item: tuple[str, _Reached]) -> tuple[int, int, str]:
    name, (_, mark, _) = item
    return mark.nanos, mark.percent or 0, name


def _dedup_id(gate: rules.Gate, mark: Mark, period: Period) -> str:
    """Name the alert; a limit held against each member of a tier gives each member an alert of their own."""
    limit = gate.limit
    name = limit.id if limit.counted_at is limit.level else f"{limit.id}.{gate.counter.subject}"
    return dedup_id(name, period.start, mark, limit.version)


def _concerned(gate: rules.Gate) -> str | None:
    return gate.counter.subject if gate.limit.counted_at is rules.SpendLevel.MEMBER else None


def _alert(unit: Unit, name: str, gate: rules.Gate, mark: Mark, period: Period) -> rows.LimitAlert:
    limit = gate.limit
    return rows.LimitAlert(
        organization_id=unit.organization_id,
        id=unit.new_id("alert"),
        dedup_id=name,
        limit_id=limit.id,
        limit_version=limit.version,
        level=limit.level.value,
        subject=limit.subject,
        scope=limit.scope.value,
        kind=limit.kind.value,
        interval=limit.interval.value,
        member_id=_concerned(gate),
        threshold=mark.percent_of(limit.cap_nanos),
        threshold_nanos=mark.nanos if mark.percent is None else None,
        reached_nanos=mark.nanos,
        cap_nanos=limit.cap_nanos,
        spent_nanos=gate.counter.used_nanos,
        period_start=period.start,
        period_end=period.end,
        raised_at=unit.at,
    )


def _facts(unit: Unit, alert: rows.LimitAlert) -> dict[str, object]:
    return {
        "alertId": alert.id,
        "dedupId": alert.dedup_id,
        "level": alert.level,
        "subject": alert.subject,
        "memberId": alert.member_id,
        "kind": alert.kind,
        "interval": alert.interval,
        "threshold": alert.threshold,
        "thresholdAmount": None if alert.threshold_nanos is None else nanos_amount(alert.threshold_nanos),
        "currency": unit.organization.currency,
        "cap": None if alert.cap_nanos is None else nanos_amount(alert.cap_nanos),
        "spent": nanos_amount(alert.spent_nanos),
    }
