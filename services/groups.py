"""Keep groups, and put members into them.

A group is the cost centre a member's spend counts for. Moving somebody takes effect at this instant: what was spent
before stays with the group it was spent for. A group that still has members cannot be archived, because their spend
would slip from under its limits unseen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from billing.periods import to_microseconds
from billing.roles import Permission
from models import groups as rows
from models import members
from services.dispatch import verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

KEY_LENGTH_MAX = 80
NAME_LENGTH_MAX = 200
MEMBERS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class CreateGroup:
    """A new group under the customer's own key, which is never used again."""

    organization_id: str
    idempotency_key: str
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class RenameGroup:
    """Another name for a group."""

    organization_id: str
    idempotency_key: str
    group_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ArchiveGroup:
    """A group that takes nobody in any more."""

    organization_id: str
    idempotency_key: str
    group_id: str


@dataclass(frozen=True, slots=True)
class GroupKept:
    """The group is as asked for from now on."""

    group_id: str


@dataclass(frozen=True, slots=True)
class AssignGroup:
    """The members to put into a group; no group takes them out of theirs."""

    organization_id: str
    idempotency_key: str
    member_ids: tuple[str, ...]
    group_id: str | None


@dataclass(frozen=True, slots=True)
class GroupAssigned:
    """All of the members are in the group from now on; `moved` were not before."""

    member_ids: tuple[str, ...]
    group_id: str | None
    moved: int


@verb(Permission.MEMBERS_WRITE)
async def create(unit: Unit, command: CreateGroup) -> GroupKept | Refused:
    """Keep a new group, with nobody in it."""
    if not 1 <= len(command.key) <= KEY_LENGTH_MAX or not command.key.isprintable():
        message = f"key has {len(command.key)} characters: give 1 to {KEY_LENGTH_MAX} printable ones"
        return Refused(RefusalCode.INPUT_INVALID, message, ("key",))
    refused = _name_refusal(command.name)
    if refused is not None:
        return refused
    if await rows.find_by_key(unit.client, unit.organization_id, command.key) is not None:
        return Refused(RefusalCode.ALREADY_EXISTS, f"a group has the key {command.key!r} already", ("key",))
    group = await rows.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("group"),
        key=command.key,
        name=command.name.strip(),
        created_at=unit.at,
        archived_at=None,
    )
    unit.emit("GroupCreated", {"groupId": group.id, "key": group.key, "name": group.name})
    return GroupKept(group.id)


@verb(Permission.MEMBERS_WRITE)
async def rename(unit: Unit, command: RenameGroup) -> GroupKept | Refused:
    """Give a group another name; its key stays."""
    group = await rows.find(unit.client, unit.organization_id, command.group_id)
    if group is None:
        return not_found("group", "groupId")
    refused = _name_refusal(command.name)
    if refused is not None:
        return refused
    name = command.name.strip()
    await rows.update(unit.client, unit.organization_id, group.id, name=name)
    unit.emit("GroupRenamed", {"groupId": group.id, "previousName": group.name, "name": name})
    return GroupKept(group.id)


@verb(Permission.MEMBERS_WRITE)
async def archive(unit: Unit, command: ArchiveGroup) -> GroupKept | Refused:
    """Close a group that nobody is in."""
    group = await rows.find(unit.client, unit.organization_id, command.group_id)
    if group is None:
        return not_found("group", "groupId")
    if group.archived_at is not None:
        return Refused(RefusalCode.STATUS_CONFLICT, f"the group {group.key!r} is archived already", ("groupId",))
    left = await rows.count_members(unit.client, unit.organization_id, group.id)
    if left:
        message = f"the group {group.key!r} has {left} members; move them first"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ("groupId",))
    await rows.update(unit.client, unit.organization_id, group.id, archived_at=unit.at)
    unit.emit("GroupArchived", {"groupId": group.id, "key": group.key})
    return GroupKept(group.id)


@verb(Permission.MEMBERS_WRITE)
async def assign(unit: Unit, command: AssignGroup) -> GroupAssigned | Refused:
    """Move members to a group, all of them or none."""
    wanted = tuple(dict.fromkeys(command.member_ids))
    refused = await _assign_refusal(unit, command.group_id, wanted)
    if refused is not None:
        return refused
    current = {each.member_id: each for each in await rows.open_memberships(unit.client, unit.organization_id, wanted)}
    moving = [member_id for member_id in wanted if _group_of(current.get(member_id)) != command.group_id]
    await rows.leave(unit.client, unit.organization_id, moving, at=to_microseconds(unit.at))
    if command.group_id is not None:
        await rows.join(unit.client, [_membership(unit, member_id, command.group_id) for member_id in moving])
    for member_id in moving:
        previous = _group_of(current.get(member_id))
        facts = {"memberId": member_id, "previousGroupId": previous, "groupId": command.group_id}
        unit.emit("MemberGroupChanged", facts, member_id=member_id)
    return GroupAssigned(wanted, command.group_id, len(moving))


async def _assign_refusal(unit: Unit, group_id: str | None, member_ids: Sequence[str]) -> Refused | None:
    if not 1 <= len(member_ids) <= MEMBERS_MAX:
        return Refused(RefusalCode.INPUT_INVALID, f"{len(member_ids)} members: give 1 to {MEMBERS_MAX}", ("memberIds",))
    if group_id is not None:
        group = await rows.find(unit.client, unit.organization_id, group_id)
        if group is None:
            return not_found("group", "groupId")
        if group.archived_at is not None:
            return Refused(RefusalCode.STATUS_CONFLICT, f"the group {group.key!r} is archived", ("groupId",))
    known = {member.id for member in await members.find_many(unit.client, unit.organization_id, member_ids)}
    for index, member_id in enumerate(member_ids):
        if member_id not in known:
            return not_found("member", "memberIds", str(index))
    return None


def _membership(unit: Unit, member_id: str, group_id: str) -> rows.GroupMembership:
    return rows.GroupMembership(
        organization_id=unit.organization_id,
        id=unit.new_id("group_membership"),
        member_id=member_id,
        group_id=group_id,
        starts_at=unit.at,
        ends_at=None,
    )


def _group_of(membership: rows.GroupMembership | None) -> str | None:
    return membership.group_id if membership else None


def _name_refusal(name: str) -> Refused | None:
    if 1 <= len(name.strip()) <= NAME_LENGTH_MAX:
        return None
    message = f"name has {len(name.strip())} characters: give 1 to {NAME_LENGTH_MAX}"
    return Refused(RefusalCode.INPUT_INVALID, message, ("name",))
