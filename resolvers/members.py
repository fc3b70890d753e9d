"""Bring people in, change what they are, and let them go."""

from typing import Self

import strawberry

from billing.roles import Permission
from models import roles as role_rows
from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.context import Context, Info
from schema.ids import Kind
from schema.inputs import Input
from schema.members import Member
from schema.roles import Role
from services import members, roles
from services.outcomes import Refused


@strawberry.type
class MemberPayload(Payload):
    """What every change of a member answers."""

    member: Member | None = strawberry.field(default=None, description="The member as it is now.")

    @classmethod
    async def showing(cls, context: Context, organization_id: str, member_id: str) -> Self:
        """Return the payload with the member as the command left it."""
        owner = await owner_of(context, organization_id)
        return cls(member=await Member.load(context, owner, member_id))


@strawberry.input(description="A new person.")
class AddMemberInput(Command):
    email: str = strawberry.field(description="The e-mail address, unique in the organization.")
    name: str = strawberry.field(description="The person's name.")
    role: str = strawberry.field(description="The key of the role.")
    tier: str | None = strawberry.field(default=None, description="The key of the seat tier, where the plan has tiers.")
    add_ons: list[str] = strawberry.field(default_factory=list, description="The keys of the seat's add-ons.")
    external_id: str | None = strawberry.field(
        default=None, description="The id by which the customer's directory knows the person."
    )


@strawberry.input(description="Another role for a member.")
class ChangeMemberRoleInput(Command):
    member_id: strawberry.ID = strawberry.field(description="The member it is about, by global id.")
    role: str = strawberry.field(description="The key of the role.")


@strawberry.input(description="A member who leaves.")
class DeactivateMemberInput(Command):
    member_id: strawberry.ID = strawberry.field(description="The member it is about, by global id.")


@strawberry.input(description="A member who comes back.")
class ReactivateMemberInput(Command):
    member_id: strawberry.ID = strawberry.field(description="The member it is about, by global id.")
    tier: str | None = strawberry.field(default=None, description="The key of the seat tier, where the plan has tiers.")
    add_ons: list[str] = strawberry.field(default_factory=list, description="The keys of the seat's add-ons.")


@strawberry.type(description="What adding a person answers.")
class AddMemberPayload(MemberPayload):
    pass


@strawberry.type(description="What giving a member another role answers.")
class ChangeMemberRolePayload(MemberPayload):
    pass


@strawberry.type(description="What deactivating a member answers.")
class DeactivateMemberPayload(MemberPayload):
    pass


@strawberry.type(description="What bringing a member back answers.")
class ReactivateMemberPayload(MemberPayload):
    pass


@strawberry.input(description="A role of the organization's own.")
class CreateRoleInput(Command):
    key: str = strawberry.field(description="The stable name: 2 to 63 of a-z, 0-9 and _, a letter first.")
    name: str = strawberry.field(description="The name people read.")
    billable: bool = strawberry.field(description="Whether a member with this role takes a paid seat.")
    permissions: list[Permission] = strawberry.field(
        description="Everything the role allows: nothing the caller may not do."
    )


@strawberry.type(description="What defining a role answers.")
class CreateRolePayload(Payload):
    role: Role | None = strawberry.field(default=None, description="The new role.")


@strawberry.type
class MemberMutations:
    """What clients do to people and roles."""

    @mutation(members.add, AddMemberPayload, description="Add a person. Role and seat take effect in this very answer.")
    async def add_member(self, info: Info, given: Input[AddMemberInput]) -> AddMemberPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = members.AddMember(
            organization_id=organization_id,
            idempotency_key=given.idempotency_key,
            email=given.email,
            name=given.name,
            role=given.role,
            tier=given.tier,
            add_ons=tuple(given.add_ons),
            external_id=given.external_id,
        )
        match await info.context.execute(members.add, command):
            case Refused() as refused:
                return AddMemberPayload.refused(refused)
            case members.MemberAdded(member_id):
                return await AddMemberPayload.showing(info.context, organization_id, member_id)

    @mutation(
        members.change_role,
        ChangeMemberRolePayload,
        description="Give a member another role. The seat becomes paid or free at this instant.",
    )
    async def change_member_role(self, info: Info, given: Input[ChangeMemberRoleInput]) -> ChangeMemberRolePayload:
        organization_id = inputs.organization_id(given.organization_id)
        member_id = inputs.key(given.member_id, Kind.MEMBER, organization_id, "memberId")
        command = members.ChangeRole(organization_id, given.idempotency_key, member_id, given.role)
        match await info.context.execute(members.change_role, command):
            case Refused() as refused:
                return ChangeMemberRolePayload.refused(refused)
            case members.RoleChanged():
                return await ChangeMemberRolePayload.showing(info.context, organization_id, member_id)

    @mutation(
        members.deactivate,
        DeactivateMemberPayload,
        description="Take a member's access and seat away at this instant. Name, usage and history are kept.",
    )
    async def deactivate_member(self, info: Info, given: Input[DeactivateMemberInput]) -> DeactivateMemberPayload:
        organization_id = inputs.organization_id(given.organization_id)
        member_id = inputs.key(given.member_id, Kind.MEMBER, organization_id, "memberId")
        command = members.Deactivate(organization_id, given.idempotency_key, member_id)
        match await info.context.execute(members.deactivate, command):
            case Refused() as refused:
                return DeactivateMemberPayload.refused(refused)
            case members.StatusChanged():
                return await DeactivateMemberPayload.showing(info.context, organization_id, member_id)

    @mutation(
        members.reactivate,
        ReactivateMemberPayload,
        description="Bring a member back with the same role and a new seat.",
    )
    async def reactivate_member(self, info: Info, given: Input[ReactivateMemberInput]) -> ReactivateMemberPayload:
        organization_id = inputs.organization_id(given.organization_id)
        member_id = inputs.key(given.member_id, Kind.MEMBER, organization_id, "memberId")
        command = members.Reactivate(
            organization_id, given.idempotency_key, member_id, given.tier, tuple(given.add_ons)
        )
        match await info.context.execute(members.reactivate, command):
            case Refused() as refused:
                return ReactivateMemberPayload.refused(refused)
            case members.StatusChanged():
                return await ReactivateMemberPayload.showing(info.context, organization_id, member_id)

    @mutation(
        roles.create,
        CreateRolePayload,
        description="Define a role with chosen permissions. Nobody can put more into it than they may do themselves.",
    )
    async def create_role(self, info: Info, given: Input[CreateRoleInput]) -> CreateRolePayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = roles.CreateRole(
            organization_id=organization_id,
            idempotency_key=given.idempotency_key,
            key=given.key,
            name=given.name,
            billable=given.billable,
            permissions=tuple(sorted(set(given.permissions))),
        )
        match await info.context.execute(roles.create, command):
            case Refused() as refused:
                return CreateRolePayload.refused(refused)
            case roles.RoleCreated(key):
                row = await role_rows.find(info.context.reader, organization_id, key)
                owner = await owner_of(info.context, organization_id)
                return CreateRolePayload(role=Role.of(owner, row) if row else None)
