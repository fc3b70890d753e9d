"""Do what a directory says of a person: bring in, change, let go, bring back.

The directory tells how a person should be, not what to do. What is asked for is compared with what is, under the
organization's lock, and only the difference is carried out, by the same verbs as everybody's. A person the directory
removes is deactivated: seat and access end at once, name and history stay.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from billing.roles import Permission
from models import directory_groups, roles
from models import directory_users as rows
from models import members as people
from models import seats as seat_rows
from models.fields import dump
from services import authority, group_mappings, members, seats
from services.dispatch import verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

EXTERNAL_ID_LENGTH_MAX = 200
USER_NAME = "userName"


@dataclass(frozen=True, slots=True)
class Person:
    """How a person should be. `document` is what of the directory's own words is kept to be read back."""

    email: str
    name: str
    external_id: str | None
    active: bool
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bring:
    """A person the directory has not told of before, or had removed."""

    organization_id: str
    idempotency_key: str
    person: Person


@dataclass(frozen=True, slots=True)
class Change:
    """How a member should be from now on; refused where the member is not as of `version` any more."""

    organization_id: str
    idempotency_key: str
    member_id: str
    version: str
    person: Person


@dataclass(frozen=True, slots=True)
class Remove:
    """A member who is not there for the directory any more."""

    organization_id: str
    idempotency_key: str
    member_id: str
    version: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The member is as the directory says."""

    member_id: str


@verb(Permission.MEMBERS_WRITE)
async def bring(unit: Unit, command: Bring) -> Kept | Refused:
    """Add a person with the role and tier of new people, or bring back one whom the directory had removed."""
    person = command.person
    refused = _person_refusal(person)
    if refused is not None:
        return refused
    found = await _namesakes(unit, person)
    if not found:
        return await _add(unit, person)
    member = found[0]
    row = await rows.find(unit.client, unit.organization_id, member.id)
    if len(found) > 1 or member.status == "ACTIVE" or row is None or row.removed_at is None:
        return _taken(person, member)
    refused = await _difference(unit, member, person)
    if refused is not None:
        return refused
    await rows.keep(unit.client, unit.organization_id, member.id, document=person.document, at=unit.at)
    return Kept(member.id)


@verb(Permission.MEMBERS_WRITE)
async def change(unit: Unit, command: Change) -> Kept | Refused:
    """Make a member what the directory says; what is so already stays untouched."""
    member = await _current(unit, command.member_id, command.version)
    if isinstance(member, Refused):
        return member
    person = command.person
    others = [other for other in await _namesakes(unit, person) if other.id != member.id]
    refused = _person_refusal(person) or (_taken(person, others[0]) if others else None)
    refused = refused or await _difference(unit, member, person)
    if refused is not None:
        return refused
    await rows.keep(unit.client, unit.organization_id, member.id, document=person.document, at=unit.at)
    return Kept(member.id)


@verb(Permission.MEMBERS_WRITE)
async def remove(unit: Unit, command: Remove) -> Kept | Refused:
    """Deactivate a member and take them out of every group of the directory."""
    member = await _current(unit, command.member_id, command.version)
    if isinstance(member, Refused):
        return member
    if member.status == "ACTIVE":
        refused = await authority.change_refusal(unit, member, None, "active")
        if refused is not None:
            return refused
        await members.let_go(unit, member)
    await directory_groups.leave_all(unit.client, unit.organization_id, member.id)
    await rows.remove(unit.client, unit.organization_id, member.id, at=unit.at)
    unit.emit("DirectoryUserRemoved", {"memberId": member.id}, member_id=member.id)
    return Kept(member.id)


def version_of(member: people.Member, row: rows.DirectoryUser | None) -> str:
    """Return a text that is another one whenever the member is another one for the directory."""
    said = row.document if row else {}
    whole = [member.id, member.email, member.name, member.external_id, member.status, said]
    return sha256(dump(whole).encode()).hexdigest()[:20]


def is_visible(member: people.Member, row: rows.DirectoryUser | None) -> bool:
    """Return whether a member is there for the directory: whoever it removed is not, unless somebody brought them
    back.
    """
    return member.status == "ACTIVE" or row is None or row.removed_at is None


async def _current(unit: Unit, member_id: str, version: str) -> people.Member | Refused:
    member = await people.find(unit.client, unit.organization_id, member_id)
    row = await rows.find(unit.client, unit.organization_id, member_id)
    if member is None or not is_visible(member, row):
        return not_found("user", "id")
    if version_of(member, row) != version:
        return Refused(RefusalCode.VERSION_CONFLICT, "the user was changed since it was read", ("version",))
    return member


async def _add(unit: Unit, person: Person) -> Kept | Refused:
    given = await group_mappings.default(unit)
    role = await roles.find(unit.client, unit.organization_id, given.role)
    if role is None:
        return not_found(f"role {given.role!r}", "role")
    refused = authority.giving_refusal(unit, role, "role") or await seats.tier_refusal(unit, given.tier, ())
    if refused is not None:
        return refused
    member = await members.bring_in(unit, person.email, person.name, role.key, external_id=person.external_id)
    await rows.keep(unit.client, unit.organization_id, member.id, document=person.document, at=unit.at)
    if person.active:
        await seats.grant(unit, member.id, seats.Seat(role.key, bool(role.billable), given.tier, ()))
    else:
        await members.mark_deactivated(unit, member)
    return Kept(member.id)


async def _difference(unit: Unit, member: people.Member, person: Person) -> Refused | None:
    """Carry out what is otherwise about a member; a refusal comes before anything was done."""
    columns = {
        name: value
        for name, value in (
            ("email", person.email.lower()),
            ("name", person.name),
            ("external_id", person.external_id),
        )
        if value != getattr(member, name)
    }
    is_turned = person.active != (member.status == "ACTIVE")
    if is_turned or "email" in columns:
        # Whose address or access is changed is somebody the token's authority must reach.
        refused = await _reach_refusal(unit, member, leaves=is_turned and not person.active)
        if refused is not None:
            return refused
    if columns:
        await people.update(unit.client, unit.organization_id, member.id, **columns)
        before = {name: getattr(member, name) for name in columns}
        unit.emit(
            "MemberProfileChanged",
            {"memberId": member.id, "changed": sorted(columns)},
            member_id=member.id,
            before=before,
        )
    if is_turned and person.active:
        await _bring_back(unit, member)
    elif is_turned:
        await members.let_go(unit, member)
    return None


async def _reach_refusal(unit: Unit, member: people.Member, *, leaves: bool) -> Refused | None:
    if leaves:
        return await authority.change_refusal(unit, member, None, "active")
    role = await roles.find(unit.client, unit.organization_id, member.role)
    assert role is not None, "a member's role exists"
    return authority.giving_refusal(unit, role, "active")


async def _bring_back(unit: Unit, member: people.Member) -> None:
    """Give a member access again, with the seat they held last as far as the plan still has it, then what groups
    give.
    """
    last = await seat_rows.last_seat(unit.client, unit.organization_id, member.id)
    role = await roles.find(unit.client, unit.organization_id, member.role)
    assert role is not None, "a member's role exists"
    tier, add_ons = (last.tier, tuple(last.add_ons)) if last else ((await group_mappings.default(unit)).tier, ())
    if await seats.tier_refusal(unit, tier, add_ons) is not None:
        tier, add_ons = None, ()
    await members.mark_active(unit, member)
    await seats.grant(unit, member.id, seats.Seat(role.key, bool(role.billable), tier, add_ons))
    await group_mappings.apply(unit, [member.id])


async def _namesakes(unit: Unit, person: Person) -> list[people.Member]:
    external_ids = [person.external_id] if person.external_id else []
    return await people.find_many_by(
        unit.client, unit.organization_id, external_ids=external_ids, emails=[person.email.lower()]
    )


def _taken(person: Person, member: people.Member) -> Refused:
    if member.email == person.email.lower():
        return Refused(RefusalCode.ALREADY_EXISTS, f"{person.email} is a member already", (USER_NAME,))
    message = f"external id {person.external_id!r} is taken"
    return Refused(RefusalCode.ALREADY_EXISTS, message, ("externalId",))


def _person_refusal(person: Person) -> Refused | None:
    refused = members.person_refusal(person.email, person.name)
    if refused is not None:
        return Refused(refused.code, refused.message, (USER_NAME if refused.field == ("email",) else "displayName",))
    if person.external_id is not None and not 1 <= len(person.external_id) <= EXTERNAL_ID_LENGTH_MAX:
        message = f"externalId has {len(person.external_id)} characters: give 1 to {EXTERNAL_ID_LENGTH_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("externalId",))
    return None


def described(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a directory said, without what it left out: an empty value and none are the same."""
    return {name: value for name, value in document.items() if value not in (None, "", [], {})}
