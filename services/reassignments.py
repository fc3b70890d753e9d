"""Hand one person's seat to another at one instant.

What moves is the licence: the tier, the add-ons, and the role where that is what makes the seat paid. The seat is
revoked before it is granted, and both at the same instant, so there is never a moment at which it counts twice.
"""

from dataclasses import dataclass
from enum import StrEnum

from billing.money import Money
from billing.roles import Permission
from models import members as rows
from models import roles
from models import seats as seat_rows
from services import authority, drafts, members, seats
from services.dispatch import verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

FREE_ROLE = "view_only"
_TO_MEMBER = ("to", "memberId")
_TO_ROLE = ("to", "person", "role")


class FormerHolder(StrEnum):
    """What becomes of whoever held the seat before."""

    DEACTIVATED = "DEACTIVATED"
    WITHOUT_SEAT = "WITHOUT_SEAT"


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody who becomes a member by getting the seat; `role` is needed where the seat's own does not move."""

    email: str
    name: str
    role: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class Reassign:
    """Whose seat goes to whom: a member by id, or a new person.

    A former holder who stays without a seat keeps the role where it is free, and has `free_role` from then on where it
    is paid.
    """

    organization_id: str
    idempotency_key: str
    member_id: str
    to: str | NewPerson
    former: FormerHolder = FormerHolder.DEACTIVATED
    free_role: str = FREE_ROLE


@dataclass(frozen=True, slots=True)
class Reassigned:
    """The seat is the other person's from now on.

    `before` and `after` are what the invoice at the end of the running month comes to without and with the change.
    """

    member_id: str
    former_id: str
    before: Money
    after: Money


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets the seat, and the role they hold it with."""

    who: rows.Member | NewPerson
    role: roles.Role


@dataclass(frozen=True, slots=True)
class Handover:
    """Who gives what to whom, once it is known that it can be done."""

    former: rows.Member
    leaves: bool
    held: seat_rows.SeatInterval
    left_with: roles.Role
    to: Recipient

    @property
    def given_up(self) -> seats.Seat | None:
        """What the former holder holds afterwards; None for one who leaves."""
        return None if self.leaves else seats.Seat(self.left_with.key, bool(self.left_with.billable), None, ())

    @property
    def taken_over(self) -> seats.Seat:
        """What the recipient holds afterwards."""
        role = self.to.role
        return seats.Seat(role.key, bool(role.billable), self.held.tier, tuple(self.held.add_ons))


@verb(Permission.MEMBERS_WRITE)
async def reassign(unit: Unit, command: Reassign) -> Reassigned | Refused:
    """Move a seat to another person: revoke first, then grant."""
    found = await handover(unit, command)
    if isinstance(found, Refused):
        return found
    before = await drafts.month_total(unit.client, unit.organization, at=unit.at)
    await _revoke(unit, found)
    member_id = await _grant(unit, found)
    after = await drafts.month_total(unit.client, unit.organization, at=unit.at)
    facts = {"from": found.former.id, "to": member_id, "tier": found.held.tier, "addOns": list(found.held.add_ons)}
    unit.emit("SeatReassigned", facts, member_id=member_id)
    return Reassigned(member_id, found.former.id, before, after)


async def handover(unit: Unit, command: Reassign) -> Handover | Refused:
    """Return who would give what to whom, without doing it, or why it cannot be."""
    former = await seats.holder(unit.client, unit.organization_id, command.member_id, seats.MEMBER_ID)
    if isinstance(former, Refused):
        return former
    role = await _role_of(unit, former)
    left_with = await _left_with(unit, command, role)
    if isinstance(left_with, Refused):
        return left_with
    leaves = command.former is FormerHolder.DEACTIVATED
    refused = await authority.change_refusal(unit, former, None if leaves else left_with, seats.MEMBER_ID)
    if refused is not None:
        return refused
    to = await _recipient(unit, command, role)
    if isinstance(to, Refused):
        return to
    held = await seat_rows.open_seat(unit.client, unit.organization_id, former.id)
    assert held is not None, "an active member holds a seat"
    return Handover(former, leaves, held, left_with, to)


async def _left_with(unit: Unit, command: Reassign, held: roles.Role) -> roles.Role | Refused:
    """Return the role that the former holder has afterwards; one who leaves keeps it, to come back with."""
    if command.former is FormerHolder.DEACTIVATED or not held.billable:
        return held
    free = await roles.find(unit.client, unit.organization_id, command.free_role)
    if free is None:
        return not_found(f"role {command.free_role!r}", "freeRole")
    if free.billable:
        message = f"the role {free.key!r} takes a paid seat; name one that is free"
        return Refused(RefusalCode.INPUT_INVALID, message, ("freeRole",))
    return authority.giving_refusal(unit, free, "freeRole") or free


async def _recipient(unit: Unit, command: Reassign, moved: roles.Role) -> Recipient | Refused:
    """Return who gets the seat and with which role, or why they cannot."""
    if isinstance(command.to, NewPerson):
        return await _new_recipient(unit, command.to, moved)
    if command.to == command.member_id:
        return Refused(RefusalCode.INPUT_INVALID, "the seat is this member's already; name another", _TO_MEMBER)
    member = await seats.holder(unit.client, unit.organization_id, command.to, *_TO_MEMBER)
    if isinstance(member, Refused):
        return member
    own = await _role_of(unit, member)
    role = moved if moved.billable and not own.billable else own
    refused = await authority.change_refusal(unit, member, role, *_TO_MEMBER)
    return refused or Recipient(member, role)


async def _new_recipient(unit: Unit, person: NewPerson, moved: roles.Role) -> Recipient | Refused:
    refused = members.person_refusal(person.email, person.name, person.external_id)
    refused = refused or await members.taken_refusal(unit, person.email, person.external_id)
    if refused is not None:
        return Refused(refused.code, refused.message, ("to", "person", *refused.field))
    if moved.billable:
        return Recipient(person, moved)
    if person.role is None:
        message = f"the role {moved.key!r} is free and does not move with the seat; name the new person's role"
        return Refused(RefusalCode.INPUT_INVALID, message, _TO_ROLE)
    role = await roles.find(unit.client, unit.organization_id, person.role)
    if role is None:
        return not_found(f"role {person.role!r}", *_TO_ROLE)
    return authority.giving_refusal(unit, role, *_TO_ROLE) or Recipient(person, role)


async def _role_of(unit: Unit, member: rows.Member) -> roles.Role:
    role = await roles.find(unit.client, unit.organization_id, member.role)
    assert role is not None, "a member's role exists"
    return role


async def _revoke(unit: Unit, found: Handover) -> None:
    if found.leaves:
        await members.let_go(unit, found.former)
        return
    if found.left_with.key != found.former.role:
        await members.give_role(unit, found.former, found.left_with.key)
    await seats.carry_out(unit, seats.Move(found.former.id, found.given_up, unit.at))


async def _grant(unit: Unit, found: Handover) -> str:
    """Give the seat, and return whose it is now."""
    to, role = found.to.who, found.to.role
    if isinstance(to, NewPerson):
        member = await members.bring_in(unit, to.email, to.name, role.key, external_id=to.external_id)
        await seats.grant(unit, member.id, found.taken_over)
        return member.id
    if role.key != to.role:
        await members.give_role(unit, to, role.key)
    await seats.carry_out(unit, seats.Move(to.id, found.taken_over, unit.at))
    return to.id
