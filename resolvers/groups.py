"""Keep groups, and put members into them: whoever manages members may."""

from typing import Self

import strawberry

from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.context import Context, Info
from schema.groups import Group
from schema.ids import Kind
from schema.inputs import Input, InvalidInput
from schema.members import Member
from services import groups
from services.outcomes import RefusalCode, Refused


@strawberry.type
class GroupPayload(Payload):
    """What every change of a group answers."""

    group: Group | None = strawberry.field(default=None, description="The group as it is now.")

    @classmethod
    async def showing(cls, context: Context, organization_id: str, answer: groups.GroupKept | Refused) -> Self:
        """Return the payload with the group as the command left it, or with why it was refused."""
        if isinstance(answer, Refused):
            return cls.refused(answer)
        owner = await owner_of(context, organization_id)
        return cls(group=await Group.load(context, owner, answer.group_id))


@strawberry.input(description="A new cost centre.")
class CreateGroupInput(Command):
    key: str = strawberry.field(
        description=f"The customer's own code of it: 1 to {groups.KEY_LENGTH_MAX} characters, unique for ever."
    )
    name: str = strawberry.field(description="The name people read.")


@strawberry.input(description="Another name for a group.")
class RenameGroupInput(Command):
    group_id: strawberry.ID = strawberry.field(description="The group it is about, by global id.")
    name: str = strawberry.field(description="The name people read.")


@strawberry.input(description="A group that is no longer used.")
class ArchiveGroupInput(Command):
    group_id: strawberry.ID = strawberry.field(description="The group; nobody may be in it.")


@strawberry.input(description="Who goes into which group.")
class AssignToGroupInput(Command):
    member_ids: list[strawberry.ID] = strawberry.field(
        description=f"The members, at most {groups.MEMBERS_MAX}; all of them move, or none."
    )
    group_id: strawberry.ID | None = strawberry.field(
        default=None, description="The group they are in from now on; left out, they are in none."
    )


@strawberry.type(description="What creating a group answers.")
class CreateGroupPayload(GroupPayload):
    pass


@strawberry.type(description="What renaming a group answers.")
class RenameGroupPayload(GroupPayload):
    pass


@strawberry.type(description="What archiving a group answers.")
class ArchiveGroupPayload(GroupPayload):
    pass


@strawberry.type(description="What putting members into a group answers.")
class AssignToGroupPayload(Payload):
    group: Group | None = strawberry.field(default=None, description="The group; null where they are in none.")
    members: list[Member] = strawberry.field(
        default_factory=list, description="The members, as they were given, each once."
    )
    moved: int = strawberry.field(default=0, description="How many of them were somewhere else before.")


@strawberry.type
class GroupMutations:
    """What clients do to groups."""

    @mutation(groups.create, CreateGroupPayload, description="Keep a new cost centre, with nobody in it.")
    async def create_group(self, info: Info, given: Input[CreateGroupInput]) -> CreateGroupPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = groups.CreateGroup(organization_id, given.idempotency_key, given.key, given.name)
        answer = await info.context.execute(groups.create, command)
        return await CreateGroupPayload.showing(info.context, organization_id, answer)

    @mutation(groups.rename, RenameGroupPayload, description="Give a group another name; its key stays.")
    async def rename_group(self, info: Info, given: Input[RenameGroupInput]) -> RenameGroupPayload:
        organization_id = inputs.organization_id(given.organization_id)
        group_id = inputs.key(given.group_id, Kind.GROUP, organization_id, "groupId")
        command = groups.RenameGroup(organization_id, given.idempotency_key, group_id, given.name)
        answer = await info.context.execute(groups.rename, command)
        return await RenameGroupPayload.showing(info.context, organization_id, answer)

    @mutation(
        groups.archive,
        ArchiveGroupPayload,
        description="Close a group that nobody is in. What was spent for it stays with it.",
    )
    async def archive_group(self, info: Info, given: Input[ArchiveGroupInput]) -> ArchiveGroupPayload:
        organization_id = inputs.organization_id(given.organization_id)
        group_id = inputs.key(given.group_id, Kind.GROUP, organization_id, "groupId")
        command = groups.ArchiveGroup(organization_id, given.idempotency_key, group_id)
        answer = await info.context.execute(groups.archive, command)
        return await ArchiveGroupPayload.showing(info.context, organization_id, answer)

    @mutation(
        groups.assign,
        AssignToGroupPayload,
        description="Put members into a group, or take them out of theirs. What they spent before stays where it was.",
    )
    async def assign_to_group(self, info: Info, given: Input[AssignToGroupInput]) -> AssignToGroupPayload:
        organization_id = inputs.organization_id(given.organization_id)
        if len(given.member_ids) > groups.MEMBERS_MAX:
            message = f"{len(given.member_ids)} members: give 1 to {groups.MEMBERS_MAX}"
            raise InvalidInput(RefusalCode.INPUT_INVALID, message, ("memberIds",))
        group_id = given.group_id and inputs.key(given.group_id, Kind.GROUP, organization_id, "groupId")
        member_ids = tuple(
            inputs.key(member_id, Kind.MEMBER, organization_id, "memberIds", str(index))
            for index, member_id in enumerate(given.member_ids)
        )
        command = groups.AssignGroup(organization_id, given.idempotency_key, member_ids, group_id or None)
        match await info.context.execute(groups.assign, command):
            case Refused() as refused:
                return AssignToGroupPayload.refused(refused)
            case groups.GroupAssigned() as assigned:
                return await _assigned(info.context, organization_id, assigned)


async def _assigned(context: Context, organization_id: str, assigned: groups.GroupAssigned) -> AssignToGroupPayload:
    owner = await owner_of(context, organization_id)
    found = await context.loaders.member.load_many([(organization_id, each) for each in assigned.member_ids])
    return AssignToGroupPayload(
        group=await Group.load(context, owner, assigned.group_id),
        members=[Member.of(owner, row) for row in found if row is not None],
        moved=assigned.moved,
    )
