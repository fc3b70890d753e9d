"""Bring people in, change what they are, and let them go without losing their history."""

import re
from dataclasses import dataclass, replace

from billing.roles import Permission
from models import members as rows
from models import role_history, roles
from services import authority, seats
from services.dispatch import verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

NAME_LENGTH_MAX = 200
EMAIL_LENGTH_MAX = 254
EXTERNAL_ID_LENGTH_MAX = 200
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


@dataclass(frozen=True, slots=True)
class AddMember:
    """A new person, with a role and, where the plan has tiers, a seat tier."""

    organization_id: str
    idempotency_key: str
    email: str
    name: str
    role: str
    tier: str | None = None
    add_ons: tuple[str, ...] = ()
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class MemberAdded:
    """The person is a member and holds a seat from now on."""

    member_id: str


@dataclass(frozen=True, slots=True)
class ChangeRole:
    """Another role for a member."""

    organization_id: str
    idempotency_key: str
    member_id: str
    role: str


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """The member has another role from now on."""

    member_id: str
    previous_role: str
    role: str


@dataclass(frozen=True, slots=True)
class Deactivate:
    """Take a member's seat and access away; history stays."""

    organization_id: str
    idempotency_key: str
    member_id: str


@dataclass(frozen=True, slots=True)
class Reactivate:
    """Give a deactivated member a seat again."""

    organization_id: str
    idempotency_key: str
    member_id: str
    tier: str | None = None
    add_ons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The member is active or deactivated from now on."""

    member_id: str
    status: str


@verb(Permission.MEMBERS_WRITE)
async def add(unit: Unit, command: AddMember) -> MemberAdded | Refused:
    """Add a person; the seat counts in this very answer."""
    refused = person_refusal(command.email, command.name, command.external_id)
    refused = refused or await taken_refusal(unit, command.email, command.external_id)
    if refused is not None:
        return refused
    role = await roles.find(unit.client, unit.organization_id, command.role)
    if role is None:
        return not_found(f"role {command.role!r}", "role")
    refused = authority.giving_refusal(unit, role, "role")
    if refused is not None:
        return refused
    refused = await seats.tier_refusal(unit, command.tier, command.add_ons)
    if refused is not None:
        return refused
    member = await bring_in(unit, command.email, command.name, role.key, external_id=command.external_id)
    seat = seats.Seat(role.key, bool(role.billable), command.tier, tuple(sorted(command.add_ons)))
    await seats.grant(unit, member.id, seat)
    return MemberAdded(member.id)


@verb(Permission.MEMBERS_WRITE)
async def change_role(unit: Unit, command: ChangeRole) -> RoleChanged | Refused:
    """Give a member another role at this instant; the seat becomes paid now, or free when the plan's policies say."""
    found = await role_move(unit, command)
    if isinstance(found, Refused):
        return found
    member, move = found
    await give_role(unit, member, command.role)
    if move is not None:
        await seats.carry_out(unit, move)
    return RoleChanged(member.id, member.role, command.role)


async def role_move(unit: Unit, command: ChangeRole) -> tuple[rows.Member, seats.Move | None] | Refused:
    """Return the member and what another role makes of their seat, without doing it, or why it cannot be."""
    member = await rows.find(unit.client, unit.organization_id, command.member_id)
    if member is None:
        return not_found("member", seats.MEMBER_ID)
    role = await roles.find(unit.client, unit.organization_id, command.role)
    if role is None:
        return not_found(f"role {command.role!r}", "role")
    refused = await authority.change_refusal(unit, member, role, seats.MEMBER_ID)
    if refused is not None:
        return refused
    intended = await seats.intended_seat(unit, member.id)
    if intended is None:
        return member, None
    wanted = replace(intended, role=role.key, billable=bool(role.billable))
    return member, await seats.by_policy(unit, member.id, wanted)


@verb(Permission.MEMBERS_WRITE)
async def deactivate(unit: Unit, command: Deactivate) -> StatusChanged | Refused:
    """Free a member's seat at this instant, keeping name, usage and history."""
    member = await leaving(unit, command)
    if isinstance(member, Refused):
        return member
    await let_go(unit, member)
    return StatusChanged(member.id, "DEACTIVATED")


async def leaving(unit: Unit, command: Deactivate) -> rows.Member | Refused:
    """Return the member who would be deactivated, or why they cannot be."""
    member = await rows.find(unit.client, unit.organization_id, command.member_id)
    if member is None:
        return not_found("member", seats.MEMBER_ID)
    if member.status != "ACTIVE":
        return Refused(RefusalCode.STATUS_CONFLICT, "the member is deactivated already", (seats.MEMBER_ID,))
    refused = await authority.change_refusal(unit, member, None, seats.MEMBER_ID)
    return refused or member


@verb(Permission.MEMBERS_WRITE)
async def reactivate(unit: Unit, command: Reactivate) -> StatusChanged | Refused:
    """Bring a deactivated member back with the same role and a new seat."""
    member = await rows.find(unit.client, unit.organization_id, command.member_id)
    if member is None:
        return not_found("member", seats.MEMBER_ID)
    if member.status == "ACTIVE":
        return Refused(RefusalCode.STATUS_CONFLICT, "the member is active already", (seats.MEMBER_ID,))
    refused = await seats.tier_refusal(unit, command.tier, command.add_ons)
    if refused is not None:
        return refused
    role = await roles.find(unit.client, unit.organization_id, member.role)
    assert role is not None, "a member's role exists"
    refused = authority.giving_refusal(unit, role, seats.MEMBER_ID)
    if refused is not None:
        return refused
    await mark_active(unit, member)
    seat = seats.Seat(role.key, bool(role.billable), command.tier, tuple(sorted(command.add_ons)))
    await seats.grant(unit, member.id, seat)
    return StatusChanged(member.id, "ACTIVE")


async def bring_in(unit: Unit, email: str, name: str, role: str, *, external_id: str | None) -> rows.Member:
    """Make a person a member, who holds no seat yet, and say so."""
    member = await rows.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("member"),
        external_id=external_id,
        email=email.lower(),
        name=name,
        role=role,
        status="ACTIVE",
        created_at=unit.at,
        deactivated_at=None,
    )
    await role_history.start(unit.client, unit.organization_id, {member.id: role}, at=unit.at)
    unit.emit("MemberAdded", {"memberId": member.id, "role": role}, member_id=member.id)
    return member


async def give_role(unit: Unit, member: rows.Member, role: str) -> None:
    """Give a member another role, without touching the seat, and say so."""
    await rows.update(unit.client, unit.organization_id, member.id, role=role)
    if member.status == "ACTIVE":
        await role_history.end(unit.client, unit.organization_id, member.id, at=unit.at)
        await role_history.start(unit.client, unit.organization_id, {member.id: role}, at=unit.at)
    facts = {"memberId": member.id, "previousRole": member.role, "role": role}
    unit.emit("MemberRoleChanged", facts, member_id=member.id, before={"role": member.role})


async def let_go(unit: Unit, member: rows.Member) -> None:
    """End a member's seat and access, and say so."""
    await seats.carry_out(unit, seats.Move(member.id, None, unit.at))
    await mark_deactivated(unit, member)


async def mark_active(unit: Unit, member: rows.Member) -> None:
    """Make a member active, without a seat yet, and say so."""
    await rows.update(unit.client, unit.organization_id, member.id, status="ACTIVE", deactivated_at=None)
    await role_history.start(unit.client, unit.organization_id, {member.id: member.role}, at=unit.at)
    unit.emit("MemberReactivated", {"memberId": member.id}, member_id=member.id, before={"status": member.status})


async def mark_deactivated(unit: Unit, member: rows.Member) -> None:
    """Make a member who holds no seat a deactivated one, and say so."""
    await rows.update(unit.client, unit.organization_id, member.id, status="DEACTIVATED", deactivated_at=unit.at)
    await role_history.end(unit.client, unit.organization_id, member.id, at=unit.at)
    before = {"status": member.status, "role": member.role}
    unit.emit("MemberDeactivated", {"memberId": member.id}, member_id=member.id, before=before)


def person_refusal(email: str, name: str, external_id: str | None = None) -> Refused | None:
    """Return why nobody can have this address, name or directory id, or None."""
    if not is_email(email):
        message = f"{email[:80]!r} is not an e-mail address of at most {EMAIL_LENGTH_MAX} characters"
        return Refused(RefusalCode.INPUT_INVALID, message, ("email",))
    if not 1 <= len(name.strip()) <= NAME_LENGTH_MAX:
        message = f"name has {len(name.strip())} characters: give 1 to {NAME_LENGTH_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("name",))
    if external_id is not None and not 1 <= len(external_id) <= EXTERNAL_ID_LENGTH_MAX:
        message = f"external id has {len(external_id)} characters: give 1 to {EXTERNAL_ID_LENGTH_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("externalId",))
    return None


def is_email(text: str) -> bool:
    """Return whether a text has the form and length of an e-mail address."""
    return len(text) <= EMAIL_LENGTH_MAX and _EMAIL.fullmatch(text) is not None


async def taken_refusal(unit: Unit, email: str, external_id: str | None) -> Refused | None:
    """Return why another member has this address or directory id, or None."""
    if await rows.find_by_email(unit.client, unit.organization_id, email) is not None:
        return Refused(RefusalCode.ALREADY_EXISTS, f"{email} is a member already", ("email",))
    if external_id and await rows.find_by_external_id(unit.client, unit.organization_id, external_id) is not None:
        return Refused(RefusalCode.ALREADY_EXISTS, f"external id {external_id!r} is taken", ("externalId",))
    return None
