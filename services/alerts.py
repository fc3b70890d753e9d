"""Tell those concerned that a limit is near, once per threshold, month and version of the limit.

A threshold counts as reached whenever use stands at or above it and no alert says so yet. That also covers a limit
that is set below what was spent already, and leaves no gap that a crash could fall into.
"""

from collections.abc import Iterable

from billing import limits as rules
from billing.money import nanos_amount
from billing.periods import Period
from models import alerts as rows
from services.unit import Unit

KIND = "SpendLimitThresholdReached"


async def raise_reached(unit: Unit, gates: Iterable[rules.Gate], period: Period) -> None:
    """Raise an alert for each threshold that the counters behind `gates` have reached and nobody was told of."""
    reached = {
        _dedup_id(gate, threshold, period): (gate, threshold)
        for gate in gates
        for threshold in rules.crossed(gate.limit, 0, gate.counter.used_nanos)
    }
    if not reached:
        return
    told = await rows.raised_before(unit.client, unit.organization_id, sorted(reached))
    fresh = [
        _alert(unit, dedup_id, gate, threshold, period)
        for dedup_id, (gate, threshold) in sorted(reached.items(), key=lambda item: (item[1][1], item[0]))
        if dedup_id not in told
    ]
    await rows.insert_many(unit.client, fresh)
    for alert in fresh:
        unit.emit(KIND, _facts(unit, alert), member_id=alert.member_id)


def _dedup_id(gate: rules.Gate, threshold: int, period: Period) -> str:
    """Name the alert; a limit held against each member of a tier gives each member an alert of their own."""
    limit = gate.limit
    name = limit.id if limit.counted_at is limit.level else f"{limit.id}.{gate.counter.subject}"
    return rules.dedup_id(name, period.start, threshold, limit.version)


def _alert(unit: Unit, dedup_id: str, gate: rules.Gate, threshold: int, period: Period) -> rows.LimitAlert:
    return rows.LimitAlert(
        organization_id=unit.organization_id,
        id=unit.new_id("alert"),
        dedup_id=dedup_id,
        limit_id=gate.limit.id,
        limit_version=gate.limit.version,
        level=gate.limit.level.value,
        subject=gate.limit.subject,
        scope=gate.limit.scope.value,
        member_id=gate.counter.subject if gate.limit.counted_at is rules.SpendLevel.MEMBER else None,
        threshold=threshold,
        cap_nanos=gate.limit.cap_nanos,
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
        "threshold": alert.threshold,
        "currency": unit.organization.currency,
        "cap": nanos_amount(alert.cap_nanos),
        "spent": nanos_amount(alert.spent_nanos),
    }
