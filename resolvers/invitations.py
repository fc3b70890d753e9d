"""Ask people to come, and let them in."""

from dataclasses import replace
from types import MappingProxyType

import strawberry

from auth.principal import Membership, Principal
from auth.sessions import hash_of
from billing.roles import Permission
from models import invitations as rows
from models import roles
from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.access import field
from schema.context import Context, Info
from schema.ids import Kind
from schema.inputs import Input
from schema.invitations import Invitation
from schema.members import Member
from schema.organizations import Organization
from services import invitations
from services.dispatch import Request
from services.outcomes import RefusalCode, Refused

TOKEN_LENGTH_MAX = 200


@strawberry.input(description="Somebody who is asked to come.")
class InviteMemberInput(Command):
    email: str = strawberry.field(description="The address; the account that accepts must have the same.")
    role: str = strawberry.field(description="The key of the role: none that allows more than your own.")
    tier: str | None = strawberry.field(default=None, description="The key of the seat tier, where the plan has tiers.")
    expires_in_hours: int = strawberry.field(
        default=invitations.HOURS_DEFAULT,
        description=f"For how many hours it can be accepted: 1 to {invitations.HOURS_MAX}.",
    )


@strawberry.type(description="What asking somebody to come answers.")
class InviteMemberPayload(Payload):
    invitation: Invitation | None = strawberry.field(
        default=None, description="What was sent, and until when it can be accepted."
    )
    token: str | None = strawberry.field(
        default=None,
        description="The token to send to the person, shown this once: it is what `acceptInvitation` takes.",
    )


@strawberry.input(description="An invitation that shall not be accepted any more.")
class RevokeInvitationInput(Command):
    invitation_id: strawberry.ID = strawberry.field(description="The invitation it is about, by global id.")


@strawberry.type(description="What making an invitation void answers.")
class RevokeInvitationPayload(Payload):
    invitation: Invitation | None = strawberry.field(default=None, description="The invitation as it is now.")


@strawberry.input(description="An invitation that the caller accepts.")
class AcceptInvitationInput:
    token: str = strawberry.field(description="The token that was sent.")
    idempotency_key: str = strawberry.field(
        description="A name for this very command: repeated with it, it happens once and is answered the same."
    )


@strawberry.type(description="What accepting an invitation answers.")
class AcceptInvitationPayload(Payload):
    organization: Organization | None = strawberry.field(
        default=None, description="The organization as it is afterwards."
    )
    member: Member | None = strawberry.field(default=None, description="The member the caller is there.")


@strawberry.type
class InvitationMutations:
    """What clients do about people who are asked to come."""

    @mutation(
        invitations.invite,
        InviteMemberPayload,
        description="Ask somebody to come. The answer has a token to send; an earlier one for the address is void.",
    )
    async def invite_member(self, info: Info, given: Input[InviteMemberInput]) -> InviteMemberPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = invitations.Invite(
            organization_id, given.idempotency_key, given.email, given.role, given.tier, given.expires_in_hours
        )
        match await info.context.execute(invitations.invite, command):
            case Refused() as refused:
                return InviteMemberPayload.refused(refused)
            case invitations.Invited(key, token):
                owner = await owner_of(info.context, organization_id)
                return InviteMemberPayload(invitation=await Invitation.load(info.context, owner, key), token=token)

    @mutation(
        invitations.revoke,
        RevokeInvitationPayload,
        description="Make an invitation void. Whoever accepted one is a member, and can be deactivated.",
    )
    async def revoke_invitation(self, info: Info, given: Input[RevokeInvitationInput]) -> RevokeInvitationPayload:
        organization_id = inputs.organization_id(given.organization_id)
        key = inputs.key(given.invitation_id, Kind.INVITATION, organization_id, "invitationId")
        command = invitations.Revoke(organization_id, given.idempotency_key, key)
        match await info.context.execute(invitations.revoke, command):
            case Refused() as refused:
                return RevokeInvitationPayload.refused(refused)
            case invitations.Revoked():
                owner = await owner_of(info.context, organization_id)
                return RevokeInvitationPayload(invitation=await Invitation.load(info.context, owner, key))

    @field(
        description="Accept an invitation. It takes nothing but being signed in with the invited address.",
        requires=None,
    )
    async def accept_invitation(self, info: Info, given: Input[AcceptInvitationInput]) -> AcceptInvitationPayload:
        context, caller = info.context, info.context.caller
        found = await rows.find_by_token(context.shared, hash_of(given.token[:TOKEN_LENGTH_MAX]))
        if found is None or not caller.is_person:
            message = "there is no such invitation, or it is void"
            return AcceptInvitationPayload.refused(Refused(RefusalCode.NOT_FOUND, message, ("token",)))
        command = invitations.Accept(found.organization_id, given.idempotency_key, given.token)
        request = Request(_as_invited(caller, found.organization_id), context.clock(), context.request_id)
        answer = await context.dispatcher.execute(invitations.accept, command, request)
        context.refresh()
        match answer:
            case Refused():
                return AcceptInvitationPayload.refused(answer)
            case invitations.Accepted(_, member_id):
                return await _joined(context, found.organization_id, member_id)


def _as_invited(caller: Principal, organization_id: str) -> Principal:
    """Return the caller as somebody who may do one thing in the organization: come in."""
    own = caller.membership(organization_id)
    if own is not None:
        return caller
    invited = Membership(organization_id, None, "invited", frozenset({Permission.SELF_READ}))
    return replace(caller, memberships=MappingProxyType({**caller.memberships, organization_id: invited}))


async def _joined(context: Context, organization_id: str, member_id: str) -> AcceptInvitationPayload:
    """Show the caller what they are now, as the member they have become."""
    owner = await owner_of(context, organization_id)
    member = await Member.load(context, owner, member_id)
    assert member is not None, "members are never deleted"
    role = await roles.find(context.reader, organization_id, member.row.role)
    assert role is not None, "roles are never deleted"
    own = Membership(organization_id, member_id, role.key, role.as_rule().permissions)
    caller = context.caller
    context.principal = replace(caller, memberships=MappingProxyType({**caller.memberships, organization_id: own}))
    return AcceptInvitationPayload(organization=Organization.of(owner), member=member)
