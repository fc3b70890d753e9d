"""End sessions: one's own, and those of members."""

import strawberry

from resolvers.commands import Command, Payload, mutation
from schema import inputs
from schema.context import Info
from schema.ids import Kind
from schema.inputs import Input
from services import sessions
from services.outcomes import Refused


@strawberry.input(description="One of the caller's own sessions.")
class RevokeSessionInput(Command):
    session_id: strawberry.ID = strawberry.field(description="The session, as `viewer.sessions` names it.")


@strawberry.input(description="Every session of the caller but the one that asks.")
class RevokeOtherSessionsInput(Command):
    pass


@strawberry.input(description="Every session of a member.")
class RevokeMemberSessionsInput(Command):
    member_id: strawberry.ID = strawberry.field(description="The member it is about, by global id.")


@strawberry.type
class RevokedPayload(Payload):
    """What ending sessions answers."""

    count: int = strawberry.field(default=0, description="How many sessions ended.")


@strawberry.type(description="What ending a session answers.")
class RevokeSessionPayload(RevokedPayload):
    pass


@strawberry.type(description="What ending all other sessions answers.")
class RevokeOtherSessionsPayload(RevokedPayload):
    pass


@strawberry.type(description="What ending a member's sessions answers.")
class RevokeMemberSessionsPayload(RevokedPayload):
    pass


@strawberry.type
class SessionMutations:
    """What clients do about sessions."""

    @mutation(
        sessions.revoke,
        RevokeSessionPayload,
        description="End one of the caller's own sessions; streams that were opened with it end within seconds.",
    )
    async def revoke_session(self, info: Info, given: Input[RevokeSessionInput]) -> RevokeSessionPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = sessions.Revoke(organization_id, given.idempotency_key, str(given.session_id)[:100])
        match await info.context.execute(sessions.revoke, command):
            case Refused() as refused:
                return RevokeSessionPayload.refused(refused)
            case sessions.Revoked(count):
                return RevokeSessionPayload(count=count)

    @mutation(
        sessions.revoke_others,
        RevokeOtherSessionsPayload,
        description="End every session of the caller's account but the one that asks.",
    )
    async def revoke_other_sessions(
        self, info: Info, given: Input[RevokeOtherSessionsInput]
    ) -> RevokeOtherSessionsPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = sessions.RevokeOthers(organization_id, given.idempotency_key)
        match await info.context.execute(sessions.revoke_others, command):
            case Refused() as refused:
                return RevokeOtherSessionsPayload.refused(refused)
            case sessions.Revoked(count):
                return RevokeOtherSessionsPayload(count=count)

    @mutation(
        sessions.revoke_of_member,
        RevokeMemberSessionsPayload,
        description="End every session of a member, whose role must not allow more than the caller's own.",
    )
    async def revoke_member_sessions(
        self, info: Info, given: Input[RevokeMemberSessionsInput]
    ) -> RevokeMemberSessionsPayload:
        organization_id = inputs.organization_id(given.organization_id)
        member_id = inputs.key(given.member_id, Kind.MEMBER, organization_id, "memberId")
        command = sessions.RevokeOfMember(organization_id, given.idempotency_key, member_id)
        match await info.context.execute(sessions.revoke_of_member, command):
            case Refused() as refused:
                return RevokeMemberSessionsPayload.refused(refused)
            case sessions.Revoked(count):
                return RevokeMemberSessionsPayload(count=count)
