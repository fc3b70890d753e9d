"""Set, lift and explain spend limits.

A limit has a place: level, subject, scope and interval. Of several set at one place the last is in force. A limit on a
tier means each member of it unless it says POOLED. Setting a limit below what is spent already takes nothing back: it
refuses what is new, and says at once that the threshold is reached.
"""

from dataclasses import dataclass

from billing import limits as rules
from billing.alert_marks import THRESHOLDS, EveryAmount, EveryPercent, InvalidMarks, Plan, Repeat, repeat_document
from billing.money import NANOS_MAX, Money, minor_to_nanos
from billing.roles import Permission
from billing.windows import Interval, window
from models import counters as counter_rows
from models import groups, members, seats
from models import limits as rows
from services import alerts, lapsed_raises, standings, terms
from services.dispatch import verb
from services.expiry import expire_due
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

Level = rules.SpendLevel
Scope = rules.TierScope
Kind = rules.LimitKind
Override = rules.Override


@dataclass(frozen=True, slots=True)
class SetLimit:
    """A cap at one level, or with no `cap` the explicit word that there is none.

    `subject` is a group's id, a tier's key or a member's id, and None for the organization. Without `thresholds` the
    usual ones are told of, where there is a cap to take a percent of. Without `override` a cap of a member's own holds
    WITHIN the tier's, and no cap stands INSTEAD of it.
    """

    organization_id: str
    idempotency_key: str
    level: rules.SpendLevel
    subject: str | None
    scope: rules.TierScope | None
    cap: Money | None
    thresholds: tuple[int, ...] | None = None
    amount_thresholds: tuple[Money, ...] = ()
    repeat_percent: int | None = None
    repeat_amount: Money | None = None
    kind: rules.LimitKind = Kind.HARD
    interval: Interval = Interval.MONTH
    override: rules.Override | None = None


@dataclass(frozen=True, slots=True)
class LimitSet:
    """The limit is in force from now on."""

    limit_id: str
    version: int
    previous_cap: Money | None


@dataclass(frozen=True, slots=True)
class ClearLimit:
    """No limit at one place any more; the other levels still hold."""

    organization_id: str
    idempotency_key: str
    level: rules.SpendLevel
    subject: str | None
    scope: rules.TierScope | None
    interval: Interval = Interval.MONTH


@dataclass(frozen=True, slots=True)
class LimitCleared:
    """The limit is lifted from now on."""

    limit_id: str


@verb(Permission.SPEND_LIMITS_WRITE)
async def set_limit(unit: Unit, command: SetLimit) -> LimitSet | Refused:
    """Put a limit in force at this instant."""
    refused = _scope_refusal(command) or await _subject_refusal(unit, command)
    refused = refused or _money_refusal(unit, command) or _shape_refusal(command)
    if refused is not None:
        return refused
    plan = _plan(command)
    return plan if isinstance(plan, Refused) else await _put(unit, command, plan)


async def put_back(unit: Unit, command: SetLimit) -> LimitSet:
    """Put a limit in force that was in force at its place before, whatever became of its subject since: it is limited
    already, and must not stay limited by another cap than the one that is due."""
    plan = _plan(command)
    assert isinstance(plan, Plan), "it was a limit before"
    return await _put(unit, command, plan)


async def _put(unit: Unit, command: SetLimit, plan: Plan) -> LimitSet:
    place = _place(unit, command)
    current = await rows.find_open(unit.client, unit.organization_id, place)
    version = 1 + await rows.newest_version(unit.client, unit.organization_id, place)
    previous = None
    if current is not None:
        (previous,) = await lapsed_raises.as_of(unit.client, unit.organization_id, [current], at=unit.at) or (None,)
        await rows.end(unit.client, current, at=unit.at)
    override = command.override or (Override.INSTEAD if _is_lifted(command) else Override.WITHIN)
    limit = await rows.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("limit"),
        **place.columns,
        kind=command.kind.value,
        override=override.value,
        cap_nanos=None if command.cap is None else _nanos(command.cap),
        thresholds=list(plan.percents),
        amount_thresholds=list(plan.amounts),
        repeat_every=repeat_document(plan.repeat),
        version=version,
        set_by=unit.actor_id,
        starts_at=unit.at,
        ends_at=None,
    )
    cap = None if command.cap is None else command.cap.amount
    facts = {
        "limitId": limit.id,
        **place.columns,
        "kind": limit.kind,
        "override": limit.override,
        "cap": cap,
        "currency": unit.organization.currency,
        "version": version,
    }
    unit.emit("SpendLimitSet", facts, member_id=_concerns(command))
    await _tell(unit, limit.as_rule())
    return LimitSet(limit.id, version, _money(previous, unit.organization.currency))


@verb(Permission.SPEND_LIMITS_WRITE)
async def clear_limit(unit: Unit, command: ClearLimit) -> LimitCleared | Refused:
    """Lift a limit at this instant, also one whose seat tier has left the plan."""
    refused = _scope_refusal(command)
    if refused is not None:
        return refused
    place = _place(unit, command)
    current = await rows.find_open(unit.client, unit.organization_id, place)
    if current is None or not await lapsed_raises.as_of(unit.client, unit.organization_id, [current], at=unit.at):
        return await _subject_refusal(unit, command) or not_found("spend limit", "level")
    await lift(unit, current, place)
    return LimitCleared(current.id)


async def lift(unit: Unit, current: rows.SpendLimit, place: rows.Place) -> None:
    """Lift a limit that is in force at its place by the rows, also one whose time is over."""
    await rows.end(unit.client, current, at=unit.at)
    concerned = current.subject if place.level is Level.MEMBER else None
    unit.emit("SpendLimitCleared", {"limitId": current.id, **place.columns}, member_id=concerned)
    if concerned is not None:
        await _tell_of_the_others(unit, concerned)


async def _tell(unit: Unit, limit: rules.Limit) -> None:
    """Raise the alerts that a limit just set calls for. What is no longer held is no reason for one."""
    await expire_due(unit)
    period = window(limit.interval, unit.at, unit.organization.time_zone)
    counted_at, subjects = limit.counted_at, [limit.subject]
    if counted_at is not limit.level:
        of_tier = await seats.members_of_tier(unit.client, unit.organization_id, limit.subject)
        spared = await rows.overriding(unit.client, unit.organization_id, limit.interval)
        subjects = [member_id for member_id in of_tier if member_id not in spared]
    counters = await counter_rows.counters(
        unit.client,
        unit.organization_id,
        period_start=period.start,
        interval=limit.interval,
        groups=subjects if counted_at is Level.GROUP else (),
        tiers=subjects if counted_at is Level.SEAT_TIER else (),
        members=subjects if counted_at is Level.MEMBER else (),
    )
    met = [
        (rules.Gate(limit.level, limit.subject, limit, counters[counted_at, subject]), period)
        for subject in subjects
        if (counted_at, subject) in counters
    ]
    await alerts.raise_reached(unit, met)


async def _tell_of_the_others(unit: Unit, member_id: str) -> None:
    """Raise the alerts of the limits that bear on a member now that their own is lifted, which may have stood instead
    of one that is reached long since."""
    found = await standings.standings(unit.client, unit.organization, [member_id], at=unit.at)
    standing = found[member_id]
    await alerts.raise_reached(unit, ((gate, standing.windows[gate.limit.interval]) for gate in standing.gates))


async def _subject_refusal(unit: Unit, command: SetLimit | ClearLimit) -> Refused | None:
    subject = command.subject
    match command.level:
        case Level.ORGANIZATION:
            if subject is not None:
                message = "a limit at the level ORGANIZATION names neither a group, a tier nor a member"
                return Refused(RefusalCode.INPUT_INVALID, message, ("level",))
        case Level.GROUP:
            group = await groups.find(unit.client, unit.organization_id, subject) if subject else None
            if group is None:
                return not_found("group", "groupId")
            if group.archived_at is not None and isinstance(command, SetLimit):
                return Refused(RefusalCode.STATUS_CONFLICT, f"the group {group.key!r} is archived", ("groupId",))
        case Level.SEAT_TIER:
            in_force = await terms.at_instant(unit.client, unit.organization_id, unit.at)
            tiers = in_force.tiers if in_force else ()
            if subject not in tiers:
                message = f"the plan has no seat tier {subject!r}; it has {', '.join(tiers) or 'none'}"
                return Refused(RefusalCode.NOT_FOUND, message, ("tier",))
        case Level.MEMBER:
            if subject is None or await members.find(unit.client, unit.organization_id, subject) is None:
                return not_found("member", "memberId")
    return None


def _scope_refusal(command: SetLimit | ClearLimit) -> Refused | None:
    if command.scope is None or command.level is Level.SEAT_TIER:
        return None
    return Refused(RefusalCode.INPUT_INVALID, "scope belongs to a limit at the level SEAT_TIER", ("scope",))


def _money_refusal(unit: Unit, command: SetLimit) -> Refused | None:
    given = [("amount", command.cap), ("repeatEvery", command.repeat_amount)]
    given += [("amountThresholds", amount) for amount in command.amount_thresholds]
    for field, money in given:
        if money is None:
            continue
        if money.currency != unit.organization.currency:
            message = f"the organization is billed in {unit.organization.currency}, the limit is in {money.currency}"
            return Refused(RefusalCode.CURRENCY_MISMATCH, message, (field, "currency"))
        if money.minor < 0:
            return Refused(RefusalCode.AMOUNT_INVALID, f"the limit {money} is below 0", (field,))
        if _nanos(money) > NANOS_MAX:
            message = f"the limit {money} is above the bound of 9223372036"
            return Refused(RefusalCode.AMOUNT_INVALID, message, (field,))
    return None


def _shape_refusal(command: SetLimit) -> Refused | None:
    if command.override is not None and command.level is not Level.MEMBER:
        return Refused(RefusalCode.INPUT_INVALID, "override belongs to a limit at the level MEMBER", ("override",))
    if command.repeat_percent is not None and command.repeat_amount is not None:
        message = "thresholds repeat either by percent or by amount, not by both"
        return Refused(RefusalCode.INPUT_INVALID, message, ("repeatEvery",))
    return None


def _plan(command: SetLimit) -> Plan | Refused:
    usual = THRESHOLDS if command.cap is not None else ()
    percents = usual if command.thresholds is None else command.thresholds
    try:
        plan = Plan(percents, tuple(map(_nanos, command.amount_thresholds)), _repeat(command))
    except InvalidMarks as error:
        return Refused(RefusalCode.INPUT_INVALID, str(error), ("thresholds",))
    if command.cap is None and plan.needs_cap:
        message = "a percent of no limit is nothing: give thresholds as amounts"
        return Refused(RefusalCode.INPUT_INVALID, message, ("thresholds",))
    return plan


def _repeat(command: SetLimit) -> Repeat | None:
    if command.repeat_percent is not None:
        return EveryPercent(command.repeat_percent)
    return None if command.repeat_amount is None else EveryAmount(_nanos(command.repeat_amount))


def _place(unit: Unit, command: SetLimit | ClearLimit) -> rows.Place:
    level, scope = command.level, command.scope
    if level is Level.SEAT_TIER:
        scope = scope or Scope.PER_MEMBER
    else:
        scope = Scope.PER_MEMBER if level is Level.MEMBER else Scope.POOLED
    return rows.Place(level, command.subject or unit.organization_id, scope, command.interval)


def _is_lifted(command: SetLimit) -> bool:
    return command.level is Level.MEMBER and command.cap is None


def _concerns(command: SetLimit) -> str | None:
    return command.subject if command.level is Level.MEMBER else None


def _nanos(money: Money) -> int:
    return minor_to_nanos(money.minor, money.currency)


def _money(limit: rows.SpendLimit | None, currency: str) -> Money | None:
    if limit is None or limit.cap_nanos is None:
        return None
    return Money(limit.cap_nanos // minor_to_nanos(1, currency), currency)
