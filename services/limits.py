"""Set, lift and explain spend limits.

A limit on a tier means each member of it unless it says POOLED. Setting a limit below what is spent already takes
nothing back: it refuses what is new, and says at once that the threshold is reached.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from billing import limits as rules
from billing.money import NANOS_MAX, Money, minor_to_nanos
from billing.periods import Period, month_containing
from billing.roles import Permission
from models import limits as rows
from models import members, seats
from models.organizations import Organization
from models.sql import Client
from services import alerts, terms
from services.dispatch import verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

Level = rules.SpendLevel
Scope = rules.TierScope


@dataclass(frozen=True, slots=True)
class SetLimit:
    """A monthly cap at one level. `subject` is a tier's key or a member's id, and None for the organization."""

    organization_id: str
    idempotency_key: str
    level: rules.SpendLevel
    subject: str | None
    scope: rules.TierScope | None
    cap: Money
    thresholds: tuple[int, ...] = rules.THRESHOLDS


@dataclass(frozen=True, slots=True)
class LimitSet:
    """The cap is in force from now on."""

    limit_id: str
    version: int
    previous_cap: Money | None


@dataclass(frozen=True, slots=True)
class ClearLimit:
    """No cap of its own at one level any more; the other levels still hold."""

    organization_id: str
    idempotency_key: str
    level: rules.SpendLevel
    subject: str | None
    scope: rules.TierScope | None


@dataclass(frozen=True, slots=True)
class LimitCleared:
    """The cap is lifted from now on."""

    limit_id: str


@verb(Permission.SPEND_LIMITS_WRITE)
async def set_limit(unit: Unit, command: SetLimit) -> LimitSet | Refused:
    """Put a cap in force at this instant."""
    scope = _scope(command.level, command.scope)
    refused = await _subject_refusal(unit, command.level, command.subject, command.scope)
    refused = refused or _cap_refusal(unit, command.cap) or _threshold_refusal(command.thresholds)
    if refused is not None:
        return refused
    subject = command.subject or unit.organization_id
    where = {"level": command.level.value, "subject": subject, "scope": scope.value}
    current = await rows.find_open(unit.client, unit.organization_id, **where)
    version = 1 + await rows.newest_version(unit.client, unit.organization_id, **where)
    if current is not None:
        await rows.end(unit.client, current, at=unit.at)
    limit = await rows.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("limit"),
        **where,
        cap_nanos=minor_to_nanos(command.cap.minor, command.cap.currency),
        thresholds=list(command.thresholds),
        version=version,
        set_by=unit.actor_id,
        starts_at=unit.at,
        ends_at=None,
    )
    facts = {"limitId": limit.id, **where, "cap": command.cap.amount, "currency": command.cap.currency}
    unit.emit("SpendLimitSet", {**facts, "version": version}, member_id=_concerns(command.level, command.subject))
    await _tell(unit, limit.as_rule())
    return LimitSet(limit.id, version, _money(current, unit.organization.currency))


@verb(Permission.SPEND_LIMITS_WRITE)
async def clear_limit(unit: Unit, command: ClearLimit) -> LimitCleared | Refused:
    """Lift a cap at this instant."""
    refused = await _subject_refusal(unit, command.level, command.subject, command.scope)
    if refused is not None:
        return refused
    where = {
        "level": command.level.value,
        "subject": command.subject or unit.organization_id,
        "scope": _scope(command.level, command.scope).value,
    }
    current = await rows.find_open(unit.client, unit.organization_id, **where)
    if current is None:
        return not_found("spend limit", "level")
    await rows.end(unit.client, current, at=unit.at)
    facts = {"limitId": current.id, **where}
    unit.emit("SpendLimitCleared", facts, member_id=_concerns(command.level, command.subject))
    return LimitCleared(current.id)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one member stands: the gates their spend must pass, and the month these count in."""

    member_id: str
    tier: str | None
    gates: tuple[rules.Gate, ...]
    counter: rules.Counter
    period: Period

    @property
    def effective(self) -> rules.Effective:
        """The limit that binds now."""
        return rules.effective(self.gates)


async def standings(
    client: Client, organization: Organization, member_ids: Sequence[str], *, at: datetime
) -> dict[str, Standing]:
    """Return where each of the given members stands in the month of `at`, in three statements."""
    period = month_containing(at, organization.time_zone)
    organization_id = organization.organization_id
    held = await seats.open_seats(client, organization_id, member_ids)
    tiers = {seat.member_id: seat.tier for seat in held}
    named = sorted({tier for tier in tiers.values() if tier})
    in_force = await rows.in_force_for(client, organization_id, tiers=named, members=member_ids)
    limits = [limit.as_rule() for limit in in_force]
    counters = await rows.counters(client, organization_id, period_start=period.start, tiers=named, members=member_ids)
    return {
        member_id: Standing(
            member_id,
            tiers.get(member_id),
            rules.gates(
                limits,
                counters.values(),
                organization_id=organization_id,
                tier=tiers.get(member_id),
                member_id=member_id,
            ),
            counters.get((Level.MEMBER, member_id), rules.Counter(Level.MEMBER, member_id)),
            period,
        )
        for member_id in member_ids
    }


async def _tell(unit: Unit, limit: rules.Limit) -> None:
    """Raise the alerts that a limit just set calls for."""
    period = month_containing(unit.at, unit.organization.time_zone)
    subjects = [limit.subject]
    if limit.counted_at is not limit.level:
        subjects = await seats.members_of_tier(unit.client, unit.organization_id, limit.subject)
    counters = await rows.counters(
        unit.client,
        unit.organization_id,
        period_start=period.start,
        tiers=subjects if limit.counted_at is Level.SEAT_TIER else (),
        members=subjects if limit.counted_at is Level.MEMBER else (),
    )
    gates = [
        rules.Gate(limit.level, limit.subject, limit, counters[limit.counted_at, subject])
        for subject in subjects
        if (limit.counted_at, subject) in counters
    ]
    await alerts.raise_reached(unit, gates, period)


async def _subject_refusal(
    unit: Unit, level: rules.SpendLevel, subject: str | None, scope: rules.TierScope | None
) -> Refused | None:
    if scope is not None and level is not Level.SEAT_TIER:
        return Refused(RefusalCode.INPUT_INVALID, "scope belongs to a limit at the level SEAT_TIER", ("scope",))
    match level:
        case Level.ORGANIZATION:
            if subject is not None:
                message = "a limit at the level ORGANIZATION names neither a tier nor a member"
                return Refused(RefusalCode.INPUT_INVALID, message, ("level",))
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


def _cap_refusal(unit: Unit, cap: Money) -> Refused | None:
    if cap.currency != unit.organization.currency:
        message = f"the organization is billed in {unit.organization.currency}, the limit is in {cap.currency}"
        return Refused(RefusalCode.CURRENCY_MISMATCH, message, ("amount", "currency"))
    if cap.minor < 0:
        return Refused(RefusalCode.AMOUNT_INVALID, f"the limit {cap} is below 0", ("amount",))
    if minor_to_nanos(cap.minor, cap.currency) > NANOS_MAX:
        return Refused(RefusalCode.AMOUNT_INVALID, f"the limit {cap} is above the bound of 9223372036", ("amount",))
    return None


def _threshold_refusal(thresholds: tuple[int, ...]) -> Refused | None:
    if len(thresholds) > 20:
        message = f"{len(thresholds)} thresholds: give at most 20"
        return Refused(RefusalCode.INPUT_INVALID, message, ("thresholds",))
    if list(thresholds) != sorted(set(thresholds)) or any(not 1 <= each <= rules.THRESHOLD_MAX for each in thresholds):
        message = f"thresholds {list(thresholds)} must rise and lie between 1 and {rules.THRESHOLD_MAX} percent"
        return Refused(RefusalCode.INPUT_INVALID, message, ("thresholds",))
    return None


def _scope(level: rules.SpendLevel, scope: rules.TierScope | None) -> rules.TierScope:
    if level is Level.SEAT_TIER:
        return scope or Scope.PER_MEMBER
    return Scope.POOLED if level is Level.ORGANIZATION else Scope.PER_MEMBER


def _concerns(level: rules.SpendLevel, subject: str | None) -> str | None:
    return subject if level is Level.MEMBER else None


def _money(limit: rows.SpendLimit | None, currency: str) -> Money | None:
    if limit is None:
        return None
    return Money(limit.cap_nanos // minor_to_nanos(1, currency), currency)
