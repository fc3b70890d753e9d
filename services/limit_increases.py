"""Ask for a higher limit, and answer.

Members ask about the limits that bear on themselves; those who manage people ask for anybody. One question stands for
each member and place. Whoever may set limits decides, also about themself: they could set the limit just as well, and
the log names both. A decision never gives more than was asked, neither in amount nor in time, and sets the limit
through the very service that sets any other, in the same transaction.
"""

from dataclasses import dataclass
from datetime import datetime

from auth import policy
from billing import limit_increases as rules
from billing import limits as limit_rules
from billing.limit_increases import Decision, Status
from billing.money import NANOS_MAX, Money, minor_to_nanos
from billing.roles import Permission
from models import limit_increases as rows
from models import limits as limit_rows
from models import members
from services import raises, standings
from services.dispatch import verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

KINDS = (
    "LimitIncreaseRequested",
    "LimitIncreaseDecided",
    "LimitIncreaseWithdrawn",
    "LimitIncreaseExpired",
    "LimitIncreaseEnded",
)


@dataclass(frozen=True, slots=True)
class Ask:
    """More of one limit for a member. Without `limit_id` it is the limit that binds the member now."""

    organization_id: str
    idempotency_key: str
    member_id: str
    limit_id: str | None
    amount: Money
    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """The request waits for an answer."""

    request_id: str


@dataclass(frozen=True, slots=True)
class AlreadyAsked:
    """A request of the member about this limit waits for an answer already."""

    request_id: str


@dataclass(frozen=True, slots=True)
class Decide:
    """The answer to a request. What is left out of an approval is as asked."""

    organization_id: str
    idempotency_key: str
    request_id: str
    decision: Decision
    amount: Money | None
    until: datetime | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Decided:
    """The request is answered; `limit_id` is the limit in force from now on, None for a request that was declined."""

    request_id: str
    limit_id: str | None


@dataclass(frozen=True, slots=True)
class Withdraw:
    """A request that nobody need answer any more."""

    organization_id: str
    idempotency_key: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The request is taken back."""

    request_id: str


@verb(Permission.SELF_WRITE)
async def ask(unit: Unit, command: Ask) -> Asked | AlreadyAsked | Refused:
    """Ask for a higher limit, for oneself or, for those who manage people, for somebody else."""
    policy.require_self_or(unit.actor, unit.organization_id, command.member_id, Permission.MEMBERS_WRITE)
    refused = _text_refusal(command.reason, "reason") or _until_refusal(unit, command.until, None)
    refused = refused or await _member_refusal(unit, command.member_id, "memberId")
    if refused is not None:
        return refused
    limit = await _bearing(unit, command.member_id, command.limit_id)
    if isinstance(limit, Refused):
        return limit
    refused = _amount_refusal(unit, command.amount, limit, asked=None)
    if refused is not None:
        return refused
    nanos = minor_to_nanos(command.amount.minor, command.amount.currency)
    place = rules.place(rules.raised(limit, command.member_id, nanos))
    earlier = await rows.find_open(unit.client, unit.organization_id, member_id=command.member_id, place=place)
    if earlier is not None and unit.at < earlier.expires_at:
        return AlreadyAsked(earlier.id)
    if earlier is not None:
        await expire(unit, earlier)
    row = await rows.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("limit_increase"),
        member_id=command.member_id,
        limit_id=limit.id,
        place=place,
        asked_minor=command.amount.minor,
        reason=command.reason.strip(),
        until_at=command.until,
        status=Status.PENDING.value,
        requested_by=unit.actor_id,
        requested_at=unit.at,
        expires_at=rules.expires_at(unit.at, command.until),
    )
    facts = {"amount": command.amount.amount, "currency": command.amount.currency, "until": _text(command.until)}
    unit.emit("LimitIncreaseRequested", {**facts_of(row), **facts}, member_id=row.member_id)
    return Asked(row.id)


@verb(Permission.SPEND_LIMITS_WRITE)
async def decide(unit: Unit, command: Decide) -> Decided | Refused:
    """Answer a request: raise the limit at this instant, or say why not."""
    row = await rows.find(unit.client, unit.organization_id, command.request_id)
    if row is None:
        return not_found("request", "requestId")
    refused = _open_refusal(unit, row)
    if refused is None and command.note is not None:
        refused = _text_refusal(command.note, "note")
    if refused is not None:
        return refused
    if command.decision is Decision.APPROVE:
        return await _approve(unit, command, row)
    if command.amount is not None or command.until is not None:
        field = "amount" if command.amount is not None else "until"
        return Refused(RefusalCode.INPUT_INVALID, f"{field} belongs to the decision APPROVE", (field,))
    await _close(unit, row, Status.DECLINED, command.note)
    facts = {**facts_of(row), "status": Status.DECLINED.value, "note": command.note}
    unit.emit("LimitIncreaseDecided", facts, member_id=row.member_id, before={"status": row.status})
    return Decided(row.id, None)


@verb(Permission.SELF_WRITE)
async def withdraw(unit: Unit, command: Withdraw) -> Withdrawn | Refused:
    """Take back a request of one's own."""
    row = await rows.find(unit.client, unit.organization_id, command.request_id)
    if row is None or row.requested_by != unit.actor_id:
        return Refused(RefusalCode.NOT_FOUND, "there is no such request among your own", ("requestId",))
    refused = _open_refusal(unit, row)
    if refused is not None:
        return refused
    await _close(unit, row, Status.WITHDRAWN, None)
    unit.emit("LimitIncreaseWithdrawn", facts_of(row), member_id=row.member_id, before={"status": row.status})
    return Withdrawn(row.id)


async def expire(unit: Unit, row: rows.LimitIncrease) -> None:
    """Close a request that nobody answered in time."""
    await rows.update(unit.client, row, status=Status.EXPIRED.value)
    unit.emit("LimitIncreaseExpired", facts_of(row), member_id=row.member_id, before={"status": row.status})


def facts_of(row: rows.LimitIncrease) -> dict[str, object]:
    """Return what every event about a request says."""
    return {"requestId": row.id, "limitId": row.limit_id, "memberId": row.member_id}


async def _approve(unit: Unit, command: Decide, row: rows.LimitIncrease) -> Decided | Refused:
    asked, until = Money(row.asked_minor, unit.organization.currency), command.until or row.until_at
    amount = command.amount or asked
    refused = _until_refusal(unit, until, row.until_at) or await _member_refusal(unit, row.member_id, "requestId")
    if refused is not None:
        return refused
    limit = await _asked_about(unit, row)
    if isinstance(limit, Refused):
        return limit
    refused = _amount_refusal(unit, amount, limit, asked=asked)
    if refused is not None:
        return refused
    raised = rules.raised(limit, row.member_id, minor_to_nanos(amount.minor, amount.currency))
    made = await raises.put(unit, raised, until)
    if isinstance(made, Refused):
        return made
    await _close(
        unit,
        row,
        Status.APPROVED,
        command.note,
        granted_minor=amount.minor,
        granted_until_at=until,
        granted_limit_id=made.limit_id,
        former_limit_id=made.former_limit_id,
    )
    facts = {"status": Status.APPROVED.value, "note": command.note, "grantedLimitId": made.limit_id}
    money = {"amount": amount.amount, "currency": amount.currency, "until": _text(until)}
    unit.emit(
        "LimitIncreaseDecided",
        {**facts_of(row), **facts, **money},
        member_id=row.member_id,
        before={"status": row.status},
    )
    return Decided(row.id, made.limit_id)


async def _close(
    unit: Unit, row: rows.LimitIncrease, status: Status, note: str | None, **granted: int | str | datetime | None
) -> None:
    await rows.update(
        unit.client,
        row,
        status=status.value,
        note=note,
        decided_by=unit.actor_id,
        decided_at=unit.at,
        **granted,
    )


async def _bearing(unit: Unit, member_id: str, limit_id: str | None) -> limit_rules.Limit | Refused:
    """Return the limit a request is about, among those that bear on the member."""
    if limit_id is not None:
        message = "no such limit bears on this member now"
        found = await _at_place_of(unit, member_id, limit_id)
        return found or Refused(RefusalCode.NOT_FOUND, message, ("limitId",))
    standing = await _standing(unit, member_id)
    binding = standing.effective.binding
    message = "nothing stops this member's spend; name the limit to raise"
    return binding.limit if binding else Refused(RefusalCode.STATUS_CONFLICT, message, ("limitId",))


async def _asked_about(unit: Unit, row: rows.LimitIncrease) -> limit_rules.Limit | Refused:
    """Return the limit that is in force now where the one was that the request names."""
    message = "the limit was lifted, or bears on this member no longer"
    found = await _at_place_of(unit, row.member_id, row.limit_id)
    return found or Refused(RefusalCode.STATUS_CONFLICT, message, ("requestId",))


async def _at_place_of(unit: Unit, member_id: str, limit_id: str) -> limit_rules.Limit | None:
    """Return the limit that bears on a member where one limit is or was: it may have been set anew since."""
    named = await limit_rows.find_many(unit.client, unit.organization_id, [limit_id])
    places, standing = {rules.place(limit.as_rule()) for limit in named}, await _standing(unit, member_id)
    return next((gate.limit for gate in standing.gates if rules.place(gate.limit) in places), None)


async def _standing(unit: Unit, member_id: str) -> standings.Standing:
    found = await standings.standings(unit.client, unit.organization, [member_id], at=unit.at)
    return found[member_id]


async def _member_refusal(unit: Unit, member_id: str, field: str) -> Refused | None:
    member = await members.find(unit.client, unit.organization_id, member_id)
    if member is None:
        return not_found("member", field)
    if member.status != "ACTIVE":
        return Refused(RefusalCode.MEMBER_DEACTIVATED, "the member is deactivated and spends nothing", (field,))
    return None


def _open_refusal(unit: Unit, row: rows.LimitIncrease) -> Refused | None:
    status = row.status_at(unit.at)
    if status is Status.PENDING:
        return None
    return Refused(RefusalCode.STATUS_CONFLICT, f"the request is {status} already", ("requestId",))


def _amount_refusal(unit: Unit, amount: Money, limit: limit_rules.Limit, *, asked: Money | None) -> Refused | None:
    currency = unit.organization.currency
    if amount.currency != currency:
        message = f"the organization is billed in {currency}, the amount is in {amount.currency}"
        return Refused(RefusalCode.CURRENCY_MISMATCH, message, ("amount", "currency"))
    if limit.cap_nanos is None:
        message = "the limit says that there is none, so there is nothing to raise"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ("limitId",))
    cap, message = raises.money(limit.cap_nanos, currency), ""
    if amount <= cap:
        message = f"{amount} is no raise: the limit is {cap} now"
    elif asked is not None and amount > asked:
        message = f"{amount} is more than the {asked} that was asked for; to give more, set the limit"
    elif minor_to_nanos(amount.minor, currency) > NANOS_MAX:
        message = f"{amount} is above the bound of 9223372036"
    return Refused(RefusalCode.AMOUNT_INVALID, message, ("amount",)) if message else None


def _until_refusal(unit: Unit, until: datetime | None, asked: datetime | None) -> Refused | None:
    if until is None:
        return None
    message = ""
    if until <= unit.at:
        message = f"{until.isoformat()} is over: it is {unit.at.isoformat()}"
    elif until - unit.at > rules.UNTIL_MAX:
        message = f"{until.isoformat()} is more than {rules.UNTIL_MAX.days} days ahead; ask for a raise for good"
    elif asked is not None and until > asked:
        message = f"{until.isoformat()} is later than {asked.isoformat()}, which was asked for; set the limit instead"
    return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, ("until",)) if message else None


def _text_refusal(text: str, field: str) -> Refused | None:
    if 1 <= len(text.strip()) <= rules.TEXT_LENGTH_MAX:
        return None
    message = f"{field} has {len(text.strip())} characters: give 1 to {rules.TEXT_LENGTH_MAX}"
    return Refused(RefusalCode.INPUT_INVALID, message, (field,))


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
