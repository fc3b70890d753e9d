"""Keep the groups of a directory, and who is in them, and give what membership gives.

A change names who comes and who goes, not everybody inside, so that a group of any size changes in one small command.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from billing.roles import Permission
from models import directory_groups as rows
from models import members
from services import group_mappings
from services.dispatch import verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

NAME_LENGTH_MAX = 256
EXTERNAL_ID_LENGTH_MAX = 256
CHANGES_MAX = 1_000
GROUPS_MAX = 10_000
MEMBERS = "members"


@dataclass(frozen=True, slots=True)
class CreateGroup:
    """A group the directory has not told of before, with the first of its members."""

    organization_id: str
    idempotency_key: str
    name: str
    external_id: str | None
    joining: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """How a group should be called, who comes and who goes; `version` None changes it whatever it is now."""

    organization_id: str
    idempotency_key: str
    group_id: str
    version: int | None
    name: str
    external_id: str | None
    joining: tuple[str, ...]
    leaving: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeleteGroup:
    """A group that is no more; the people in it stay."""

    organization_id: str
    idempotency_key: str
    group_id: str
    version: int | None


@dataclass(frozen=True, slots=True)
class GroupKept:
    """The group is as the directory says."""

    group_id: str


@verb(Permission.MEMBERS_WRITE)
async def create(unit: Unit, command: CreateGroup) -> GroupKept | Refused:
    """Keep a new group. It gives nothing until an owner says what."""
    refused = _text_refusal(command.name, command.external_id) or await _people_refusal(unit, command.joining)
    if refused is not None:
        return refused
    if await rows.find_by_name(unit.client, unit.organization_id, command.name.lower()) is not None:
        return Refused(RefusalCode.ALREADY_EXISTS, f"there is a group {command.name!r} already", ("displayName",))
    if await rows.count(unit.client, unit.organization_id) >= GROUPS_MAX:
        return Refused(RefusalCode.STATUS_CONFLICT, f"there are {GROUPS_MAX} groups, the most there can be", ())
    group = await rows.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("directory_group"),
        name=command.name,
        name_key=command.name.lower(),
        external_id=command.external_id,
        version=1,
        created_at=unit.at,
        updated_at=unit.at,
    )
    await rows.join(unit.client, unit.organization_id, group.id, command.joining)
    unit.emit("DirectoryGroupCreated", {"groupId": group.id, "name": group.name, "joined": list(command.joining)})
    return GroupKept(group.id)


@verb(Permission.MEMBERS_WRITE)
async def change(unit: Unit, command: ChangeGroup) -> GroupKept | Refused:
    """Make a group what the directory says, and give its people what their groups give now."""
    group = await _current(unit, command.group_id, command.version)
    if isinstance(group, Refused):
        return group
    refused = _text_refusal(command.name, command.external_id) or await _people_refusal(
        unit, command.joining, command.leaving
    )
    if refused is not None:
        return refused
    namesake = await rows.find_by_name(unit.client, unit.organization_id, command.name.lower())
    if namesake is not None and namesake.id != group.id:
        return Refused(RefusalCode.ALREADY_EXISTS, f"there is a group {command.name!r} already", ("displayName",))
    await rows.update(
        unit.client,
        unit.organization_id,
        group.id,
        name=command.name,
        name_key=command.name.lower(),
        external_id=command.external_id,
        version=group.version + 1,
        updated_at=unit.at,
    )
    await rows.join(unit.client, unit.organization_id, group.id, command.joining)
    await rows.leave(unit.client, unit.organization_id, group.id, command.leaving)
    facts = {
        "groupId": group.id,
        "name": command.name,
        "joined": list(command.joining),
        "left": list(command.leaving),
    }
    unit.emit("DirectoryGroupChanged", facts, before={"name": group.name, "externalId": group.external_id})
    if await group_mappings.concerns(unit, group.id):
        await group_mappings.apply(unit, [*command.joining, *command.leaving])
    return GroupKept(group.id)


@verb(Permission.MEMBERS_WRITE)
async def delete(unit: Unit, command: DeleteGroup) -> GroupKept | Refused:
    """Forget a group and the rule about it: its people have from then on what their other groups give."""
    group = await _current(unit, command.group_id, command.version)
    if isinstance(group, Refused):
        return group
    await rows.delete(unit.client, unit.organization_id, group.id)
    unit.emit("DirectoryGroupDeleted", {"groupId": group.id}, before={"name": group.name})
    await group_mappings.forget_group(unit, group.id)
    return GroupKept(group.id)


async def _current(unit: Unit, group_id: str, version: int | None) -> rows.DirectoryGroup | Refused:
    group = await rows.find(unit.client, unit.organization_id, group_id)
    if group is None:
        return not_found("group", "id")
    if version not in (None, group.version):
        return Refused(RefusalCode.VERSION_CONFLICT, "the group was changed since it was read", ("version",))
    return group


async def _people_refusal(unit: Unit, joining: Sequence[str], leaving: Sequence[str] = ()) -> Refused | None:
    """Return why these people cannot come or go; who goes may be nobody any more."""
    if len(joining) + len(leaving) > CHANGES_MAX:
        message = f"{len(joining) + len(leaving)} people come or go: at most {CHANGES_MAX} at once"
        return Refused(RefusalCode.INPUT_INVALID, message, (MEMBERS,))
    there = {member.id for member in await members.find_many(unit.client, unit.organization_id, joining)}
    missing = [member_id for member_id in joining if member_id not in there]
    return not_found("user", MEMBERS, missing[0]) if missing else None


def _text_refusal(name: str, external_id: str | None) -> Refused | None:
    if not 1 <= len(name.strip()) <= NAME_LENGTH_MAX:
        message = f"displayName has {len(name.strip())} characters: give 1 to {NAME_LENGTH_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("displayName",))
    if external_id is not None and not 1 <= len(external_id) <= EXTERNAL_ID_LENGTH_MAX:
        message = f"externalId has {len(external_id)} characters: give 1 to {EXTERNAL_ID_LENGTH_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("externalId",))
    return None
