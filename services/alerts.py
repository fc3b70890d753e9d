"""Tell those concerned that a limit is near, once per threshold, window and version of the limit.

A threshold counts as reached whenever use stands at or above it and no alert says so yet. That also covers a limit
that is set below what was spent already, and leaves no gap that a crash could fall into. Of thresholds that repeat,
only those above the highest one told of are news.
"""

from collections.abc import Iterable

from billing import limits as rules
from billing.alert_marks import Mark, dedup_id, marks
from billing.money import nanos_amount
from billing.periods import Period, to_microseconds
from models import alerts as rows
from services.unit import Unit

KIND = "SpendLimitThresholdReached"
_Reached = tuple[rules.Gate, Mark, Period]


async def raise_reached(unit: Unit, met: Iterable[tuple[rules.Gate, Period]]) -> None:
    """Raise an alert for each threshold that the counters behind the gates have reached and nobody was told of."""
    reached: dict[str, _Reached] = {
        _dedup_id(gate, mark, period): (gate, mark, period)
        for gate, period in met
        for mark in marks(gate.limit.alerts, gate.limit.cap_nanos, gate.counter.used_nanos)
    }
    if not reached:
        return
    told = await rows.raised_before(unit.client, unit.organization_id, sorted(reached))
    told |= await _overtaken(unit, reached)
    fresh = [
        _alert(unit, name, *found)
        for name, found in sorted(
            reached.items(), key=lambda item: (item[1][1].nanos, item[1][1].percent or 0, item[0])
        )
        if name not in told
    ]
    await rows.insert_many(unit.client, fresh)
    for alert in fresh:
        unit.emit(KIND, _facts(unit, alert), member_id=alert.member_id)


async def _overtaken(unit: Unit, reached: dict[str, _Reached]) -> set[str]:
    """Return the repeated thresholds below one that was told of: use went back since, and comes by again."""
    repeated = {name: found for name, found in reached.items() if found[1].repeated}
    if not repeated:
        return set()
    highest = await rows.highest_told(
        unit.client,
        unit.organization_id,
        limit_ids=sorted({gate.limit.id for gate, _, _ in repeated.values()}),
        starts=sorted({to_microseconds(period.start) for _, _, period in repeated.values()}),
    )
    return {
        name
        for name, (gate, mark, period) in repeated.items()
        if mark.nanos <= highest.get((gate.limit.id, _concerned(gate), to_microseconds(period.start)), -1)
    }


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
