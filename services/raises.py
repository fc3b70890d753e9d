"""Put a raised limit in force, and give its place back when its time is over.

Both go through the services that set and lift any limit, so every raise is a version like any other, with its event and
its alerts.
"""

from dataclasses import dataclass
from datetime import datetime

from billing import limit_increases as increases
from billing import limits as rules
from billing.alert_marks import EveryAmount, EveryPercent
from billing.limit_increases import Running
from billing.money import Money, minor_to_nanos
from models import limit_increases as increase_rows
from models import limits as rows
from services import limits
from services.outcomes import Refused
from services.unit import Unit

Level = rules.SpendLevel


@dataclass(frozen=True, slots=True)
class Raised:
    """The limit that is in force now, and the one that is due again when the raise ends, None for no limit."""

    limit_id: str
    former_limit_id: str | None


async def put(unit: Unit, raised: rules.Limit, until: datetime | None) -> Raised | Refused:
    """Put a raised limit in force, until an instant or for good."""
    current = await rows.find_open(unit.client, unit.organization_id, _place(raised))
    former = current.id if current else None
    if until is not None:
        running = await increase_rows.running_at(unit.client, unit.organization_id, place=increases.place(raised))
        former = increases.returns_to(former, until, [each.as_running() for each in running])
    answer = await limits.set_limit.service(unit, _setting(unit, raised))
    return answer if isinstance(answer, Refused) else Raised(answer.limit_id, former)


async def take_back(unit: Unit, running: Running) -> tuple[bool, str | None]:
    """Put the former limit in force again; return whether its place is as it was, and the limit there now."""
    named = [each for each in (running.granted_limit_id, running.former_limit_id) if each is not None]
    found = {each.id: each for each in await rows.find_many(unit.client, unit.organization_id, named)}
    granted = found[running.granted_limit_id]
    if granted.ends_at is not None:
        return False, None
    if running.former_limit_id is None:
        await limits.lift(unit, granted, _place(granted.as_rule()))
        return True, None
    former = found[running.former_limit_id].as_rule()
    answer = await limits.put_back(unit, _setting(unit, former))
    await increase_rows.renew_granted(unit.client, unit.organization_id, before=former.id, now=answer.limit_id)
    return True, answer.limit_id


def money(nanos: int, currency: str) -> Money:
    """Return nanos as the money they were set in: a cap has no more decimals than its currency."""
    return Money(nanos // minor_to_nanos(1, currency), currency)


def _setting(unit: Unit, limit: rules.Limit) -> limits.SetLimit:
    """Return the command that puts this very limit in force."""
    level, repeat, currency = limit.level, limit.alerts.repeat, unit.organization.currency
    return limits.SetLimit(
        organization_id=unit.organization_id,
        idempotency_key=unit.idempotency_key,
        level=level,
        subject=None if level is Level.ORGANIZATION else limit.subject,
        scope=limit.scope if level is Level.SEAT_TIER else None,
        cap=None if limit.cap_nanos is None else money(limit.cap_nanos, currency),
        thresholds=limit.alerts.percents,
        amount_thresholds=tuple(money(nanos, currency) for nanos in limit.alerts.amounts),
        repeat_percent=repeat.percent if isinstance(repeat, EveryPercent) else None,
        repeat_amount=money(repeat.nanos, currency) if isinstance(repeat, EveryAmount) else None,
        kind=limit.kind,
        interval=limit.interval,
        override=limit.override if level is Level.MEMBER else None,
    )


def _place(limit: rules.Limit) -> rows.Place:
    return rows.Place(limit.level, limit.subject, limit.scope, limit.interval)
