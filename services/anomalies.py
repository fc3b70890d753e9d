"""Notice a day on which a member spends far more than usual, and tell the member and those who manage.

Looked at in the transaction that records the usage, so an alert is as certain as the usage. What a day is compared
with is worked out once for each member and day; from then on a batch costs one look at these notes, however many
events and members it has. Only today and the two days before are looked at: usage reported later is no news.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from billing import anomalies as rules
from billing.anomalies import Baseline, Sensitivity, Watch
from billing.limits import Counter, SpendLevel
from billing.money import NANOS_MAX, Money, minor_to_nanos, nanos_amount
from billing.periods import local_date
from billing.roles import Permission
from billing.windows import Interval
from models import anomalies as rows
from models import daily_spend
from models.counters import WindowKey
from models.sql import Client
from services.dispatch import verb
from services.outcomes import RefusalCode, Refused
from services.unit import Unit

KIND = "UnusualSpendDetected"
SENSITIVITY = Sensitivity.NORMAL
FLOOR_MINOR = 10_00
DAYS_BACK = 2


@dataclass(frozen=True, slots=True)
class SetWatch:
    """How closely to watch, and up to which day's total nothing is unusual."""

    organization_id: str
    idempotency_key: str
    sensitivity: Sensitivity
    floor: Money | None


@dataclass(frozen=True, slots=True)
class WatchSet:
    """It is watched like this from now on."""

    sensitivity: Sensitivity
    floor_minor: int


@verb(Permission.SPEND_LIMITS_WRITE)
async def set_watch(unit: Unit, command: SetWatch) -> WatchSet | Refused:
    """Say how closely unusual spend is watched for; without a floor it stays as it is."""
    currency, floor = unit.organization.currency, command.floor
    before, floor_minor = await watch_of(unit.client, unit.organization_id)
    if floor is None:
        floor = Money(floor_minor, currency)
    if floor.currency != currency:
        message = f"the organization is billed in {currency}, the floor is in {floor.currency}"
        return Refused(RefusalCode.CURRENCY_MISMATCH, message, ("floor", "currency"))
    if not 0 <= minor_to_nanos(floor.minor, currency) <= NANOS_MAX:
        return Refused(RefusalCode.AMOUNT_INVALID, f"the floor {floor} is outside 0 to 9223372036", ("floor",))
    sensitivity = command.sensitivity
    await rows.set_watch(unit.client, unit.organization_id, sensitivity=sensitivity.value, floor_minor=floor.minor)
    facts = {"sensitivity": sensitivity.value, "floor": floor.amount, "currency": currency}
    was = {"sensitivity": before.value, "floor": Money(floor_minor, currency).amount}
    unit.emit("SpendWatchSet", facts, before=was)
    return WatchSet(sensitivity, floor.minor)


async def watch_of(client: Client, organization_id: str) -> tuple[Sensitivity, int]:
    """Return how closely an organization watches, and its floor in minor units."""
    row = await rows.find_watch(client, organization_id)
    return (Sensitivity(row.sensitivity), row.floor_minor) if row else (SENSITIVITY, FLOOR_MINOR)


Spent = Mapping[rows.MemberDay, int]
"""What members have spent in days that are recent enough to be news."""


async def look(unit: Unit, counters: Mapping[WindowKey, Counter]) -> None:
    """Notice what is unusual among the members' days in these counters, as they stand after a batch."""
    await look_at_all([(unit, spent(unit, counters))])


def spent(unit: Unit, counters: Mapping[WindowKey, Counter]) -> Spent:
    """Return what these counters say of members' recent days."""
    zone = unit.organization.time_zone
    since = _since(unit)
    return {
        (subject, day): counter.spent_nanos
        for (interval, start, level, subject), counter in counters.items()
        if interval is Interval.DAY and level is SpendLevel.MEMBER and counter.spent_nanos
        if (day := local_date(start, zone)) >= since
    }


async def look_at_all(commands: Sequence[tuple[Unit, Spent]]) -> None:
    """Notice what is unusual after each of several commands, and let the first that made it so tell of it."""
    looking = [(unit, days) for unit, days in commands if days]
    if not looking:
        return
    unit = looking[0][0]
    since = min(_since(each) for each, _ in looking)
    met = {key for _, days in looking for key in days}
    noted = await rows.noted(unit.client, unit.organization_id, sorted({name for name, _ in met}), since=since)
    usual = {key: each.usual for key, each in noted.items() if not each.told}
    usual |= await _compared(unit, met - noted.keys(), since)
    raised: list[rows.SpendAnomaly] = []
    for unit, days in looking:
        fresh = [
            _anomaly(unit, key, nanos, found)
            for key, nanos in sorted(days.items())
            if (found := usual.get(key)) is not None and rules.is_unusual(nanos, found)
        ]
        for anomaly in fresh:
            unit.emit(KIND, _facts(unit, anomaly), member_id=anomaly.member_id)
            del usual[anomaly.member_id, date.fromisoformat(anomaly.day)]
        raised += fresh
    if raised:
        await rows.insert_many(unit.client, unit.organization_id, raised)


def _since(unit: Unit) -> date:
    return local_date(unit.at, unit.organization.time_zone) - timedelta(days=DAYS_BACK)


async def _compared(unit: Unit, days: Collection[rows.MemberDay], since: date) -> dict[rows.MemberDay, Baseline | None]:
    """Work out, and note, what days that nobody looked at before are compared with."""
    if not days:
        return {}
    sensitivity, floor_minor = await watch_of(unit.client, unit.organization_id)
    watch = Watch(sensitivity, minor_to_nanos(floor_minor, unit.organization.currency))
    last = max(day for _, day in days)
    reach = (last - min(day for _, day in days)).days + rules.HISTORY_DAYS
    history = await daily_spend.of_subjects(
        unit.client,
        unit.organization_id,
        level=SpendLevel.MEMBER,
        subjects=sorted({member_id for member_id, _ in days}),
        days=[last - timedelta(days=count) for count in range(1, reach + 1)],
        time_zone=unit.organization.time_zone,
    )
    found = {
        (member_id, day): rules.baseline(history[member_id], day=day, watch=watch) for member_id, day in sorted(days)
    }
    await rows.note(unit.client, unit.organization_id, found, since=since)
    return found


def _anomaly(unit: Unit, key: rows.MemberDay, nanos: int, usual: Baseline) -> rows.SpendAnomaly:
    member_id, day = key
    return rows.SpendAnomaly(
        organization_id=unit.organization_id,
        id=unit.new_id("spend_anomaly"),
        dedup_id=rules.dedup_id(member_id, day),
        member_id=member_id,
        day=day.isoformat(),
        spent_nanos=nanos,
        median_nanos=usual.median,
        distance_nanos=usual.distance,
        threshold_nanos=usual.threshold,
        history_days=usual.days,
        detected_at=unit.at,
    )


def _facts(unit: Unit, anomaly: rows.SpendAnomaly) -> dict[str, object]:
    return {
        "anomalyId": anomaly.id,
        "dedupId": anomaly.dedup_id,
        "memberId": anomaly.member_id,
        "day": anomaly.day,
        "currency": unit.organization.currency,
        "spent": nanos_amount(anomaly.spent_nanos),
        "usual": nanos_amount(anomaly.median_nanos),
        "threshold": nanos_amount(anomaly.threshold_nanos),
    }
