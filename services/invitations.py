"""Ask people to come, with a role and a seat tier, and let them in when they do.

Whoever invites gets a token to send, in the one answer that makes it; sending it is somebody else's job. It can be
accepted once, by an account whose address is the invited one. What is given was decided when the person was asked: who
may not give it any more revokes it.
"""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from auth.sessions import hash_of
from billing.roles import Permission
from models import identities, roles
from models import invitations as rows
from models import members as people
from services import authority, members, seats
from services.audit import SECRET
from services.dispatch import ANY_STATUS, verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

HOURS_MAX = 30 * 24
HOURS_DEFAULT = 7 * 24
OPEN_MAX = 1_000
PREFIX = "bgi_"
_TOKEN = ("token",)


@dataclass(frozen=True, slots=True)
class Invite:
    """Somebody who is asked to come; asked again, the earlier invitation is void."""

    organization_id: str
    idempotency_key: str
    email: str
    role: str
    tier: str | None
    hours: int


@dataclass(frozen=True, slots=True)
class Revoke:
    """An invitation that shall not be accepted any more."""

    organization_id: str
    idempotency_key: str
    invitation_id: str


@dataclass(frozen=True, slots=True)
class Accept:
    """An invitation, by its token, that the account who acts accepts."""

    organization_id: str
    idempotency_key: str
    token: str = field(metadata={SECRET: True})


@dataclass(frozen=True, slots=True)
class Invited:
    """The person can come. `token` is only there the first time."""

    invitation_id: str
    token: Annotated[str | None, Field(exclude=True)] = None


@dataclass(frozen=True, slots=True)
class Revoked:
    """The person cannot come by this invitation."""

    invitation_id: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The account is a member."""

    invitation_id: str
    member_id: str


@verb(Permission.MEMBERS_WRITE)
async def invite(unit: Unit, command: Invite) -> Invited | Refused:
    """Ask somebody to come, as what the caller may give."""
    refused = await _invite_refusal(unit, command)
    if refused is not None:
        return refused
    email = command.email.lower()
    await _revoke_earlier(unit, email)
    token, expires_at = f"{PREFIX}{secrets.token_urlsafe(32)}", unit.at + timedelta(hours=command.hours)
    invitation = await rows.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("invitation"),
        email=email,
        role=command.role,
        tier=command.tier,
        token_hash=hash_of(token),
        invited_by=unit.actor_id,
        created_at=unit.at,
        expires_at=expires_at,
    )
    facts = {"role": command.role, "tier": command.tier, "expiresAt": expires_at.isoformat()}
    unit.emit("InvitationCreated", {"invitationId": invitation.id, **facts})
    return Invited(invitation.id, token)


@verb(Permission.MEMBERS_WRITE, statuses=ANY_STATUS)
async def revoke(unit: Unit, command: Revoke) -> Revoked | Refused:
    """Make an invitation void."""
    invitation = await rows.find(unit.client, unit.organization_id, command.invitation_id)
    if invitation is None:
        return not_found("invitation", "invitation_id")
    if invitation.is_settled:
        message = "the invitation was accepted or revoked already"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ("invitation_id",))
    await _revoke(unit, invitation)
    return Revoked(invitation.id)


@verb(Permission.SELF_READ)
async def accept(unit: Unit, command: Accept) -> Accepted | Refused:
    """Let the account that acts in, as the member it was asked to be."""
    invitation = await rows.find_by_token(unit.client, hash_of(command.token))
    if invitation is None or invitation.organization_id != unit.organization_id or invitation.revoked_at is not None:
        return Refused(RefusalCode.NOT_FOUND, "there is no such invitation, or it is void", _TOKEN)
    refused = await _accept_refusal(unit, invitation)
    if refused is not None:
        return refused
    name = unit.actor.name.strip()[: members.NAME_LENGTH_MAX] or invitation.email
    member_id = await bring_in(unit, invitation, name)
    await identities.insert(
        unit.client,
        organization_id=unit.organization_id,
        issuer=unit.actor.issuer,
        subject=unit.actor.subject,
        member_id=member_id,
        linked_at=unit.at,
    )
    unit.emit("IdentityLinked", {"memberId": member_id, "issuer": unit.actor.issuer}, member_id=member_id)
    return Accepted(invitation.id, member_id)


async def open_for(unit: Unit, email: str) -> rows.Invitation | None:
    """Return the invitation an address can come by, unless what it gives is not there any more."""
    invitation = await rows.find_open(unit.client, unit.organization_id, email.lower(), at=unit.at)
    if invitation is None or await seats.tier_refusal(unit, invitation.tier, ()) is not None:
        return None
    return invitation


async def bring_in(unit: Unit, invitation: rows.Invitation, name: str) -> str:
    """Make whoever accepts a member, as they were asked to be, and return the member."""
    role = await roles.find(unit.client, unit.organization_id, invitation.role)
    assert role is not None, "roles are never deleted"
    member = await members.bring_in(unit, invitation.email, name, role.key, external_id=None)
    await seats.grant(unit, member.id, seats.Seat(role.key, bool(role.billable), invitation.tier, ()))
    await rows.update(unit.client, unit.organization_id, invitation.id, accepted_at=unit.at, member_id=member.id)
    facts = {"invitationId": invitation.id, "memberId": member.id}
    unit.emit("InvitationAccepted", facts, member_id=member.id)
    return member.id


async def _accept_refusal(unit: Unit, invitation: rows.Invitation) -> Refused | None:
    if invitation.accepted_at is not None:
        return Refused(RefusalCode.STATUS_CONFLICT, "the invitation was accepted already", _TOKEN)
    if invitation.expires_at <= unit.at:
        message = f"the invitation expired at {invitation.expires_at.isoformat()}; ask for another"
        return Refused(RefusalCode.STATUS_CONFLICT, message, _TOKEN)
    if unit.actor.email.lower() != invitation.email:
        return Refused(RefusalCode.INPUT_INVALID, "the invitation is for another address than your own", _TOKEN)
    account = (unit.actor.issuer, unit.actor.subject)
    if await identities.find(unit.client, unit.organization_id, *account) is not None:
        return Refused(RefusalCode.ALREADY_EXISTS, "your account is a member of this organization already", _TOKEN)
    taken = await members.taken_refusal(unit, invitation.email, None)
    refused = taken or await seats.tier_refusal(unit, invitation.tier, ())
    return refused and Refused(refused.code, refused.message, _TOKEN)


async def _invite_refusal(unit: Unit, command: Invite) -> Refused | None:
    if not 1 <= command.hours <= HOURS_MAX:
        message = f"expiresInHours is {command.hours}: give 1 to {HOURS_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("expires_in_hours",))
    refused = members.person_refusal(command.email, "a name")
    if refused is not None:
        return refused
    known = await people.find_by_email(unit.client, unit.organization_id, command.email)
    if known is not None:
        state = "a member already" if known.status == "ACTIVE" else "a deactivated member; reactivate instead"
        return Refused(RefusalCode.ALREADY_EXISTS, f"{command.email} is {state}", ("email",))
    role = await roles.find(unit.client, unit.organization_id, command.role)
    if role is None:
        return not_found(f"role {command.role!r}", "role")
    refused = authority.giving_refusal(unit, role, "role") or await seats.tier_refusal(unit, command.tier, ())
    if refused is not None:
        return refused
    if await rows.count_open(unit.client, unit.organization_id, at=unit.at) >= OPEN_MAX:
        message = f"{OPEN_MAX} invitations are open, which is the most there can be; revoke some"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ())
    return None


async def _revoke_earlier(unit: Unit, email: str) -> None:
    """Make an earlier invitation of the address void, whether it can still be accepted or has expired."""
    earlier = await rows.find_unsettled(unit.client, unit.organization_id, email)
    if earlier is not None:
        await _revoke(unit, earlier)


async def _revoke(unit: Unit, invitation: rows.Invitation) -> None:
    await rows.update(unit.client, unit.organization_id, invitation.id, revoked_at=unit.at)
    unit.emit("InvitationRevoked", {"invitationId": invitation.id})
