"""End sessions: one's own, or those of a member whose access one may change.

A session belongs to an account, and an account may be a member of several organizations: ended, it is ended everywhere,
and signing in again is all that it costs.
"""

from dataclasses import dataclass

from billing.roles import Permission
from models import identities, members, roles
from models import sessions as rows
from services import authority
from services.dispatch import ANY_STATUS, verb
from services.outcomes import Refused, not_found
from services.unit import Unit


@dataclass(frozen=True, slots=True)
class Revoke:
    """One of the caller's own sessions, by its name."""

    organization_id: str
    idempotency_key: str
    session: str


@dataclass(frozen=True, slots=True)
class RevokeOthers:
    """Every session of the caller's account but the one that asks."""

    organization_id: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RevokeOfMember:
    """Every session of a member."""

    organization_id: str
    idempotency_key: str
    member_id: str


@dataclass(frozen=True, slots=True)
class Revoked:
    """So many sessions ended."""

    count: int


@verb(Permission.SELF_READ, statuses=ANY_STATUS)
async def revoke(unit: Unit, command: Revoke) -> Revoked | Refused:
    """End one of the caller's own sessions."""
    session = await rows.find(unit.client, command.session)
    is_own = session is not None and (session.issuer, session.subject) == (unit.actor.issuer, unit.actor.subject)
    if not is_own:
        return not_found("session of yours", "session_id")
    count = await rows.revoke(unit.client, command.session, at=unit.at)
    return _done(unit, count, unit.own_member_id)


@verb(Permission.SELF_READ, statuses=ANY_STATUS)
async def revoke_others(unit: Unit, _command: RevokeOthers) -> Revoked | Refused:
    """End every session of the caller's account but the one that asks."""
    kept = (unit.actor.session,) if unit.actor.session else ()
    count = await rows.revoke_account(unit.client, unit.actor.issuer, unit.actor.subject, at=unit.at, but=kept)
    return _done(unit, count, unit.own_member_id)


@verb(Permission.ACCESS_WRITE, statuses=ANY_STATUS)
async def revoke_of_member(unit: Unit, command: RevokeOfMember) -> Revoked | Refused:
    """End every session of a member, whose role must not be above the caller's own."""
    member = await members.find(unit.client, unit.organization_id, command.member_id)
    if member is None:
        return not_found("member", "member_id")
    role = await roles.find(unit.client, unit.organization_id, member.role)
    assert role is not None, "a member's role exists"
    refused = authority.giving_refusal(unit, role, "member_id")
    if refused is not None and member.id != unit.own_member_id:
        return refused
    count = 0
    for link in await identities.of_member(unit.client, unit.organization_id, member.id):
        count += await rows.revoke_account(unit.client, link.issuer, link.subject, at=unit.at)
    return _done(unit, count, member.id)


def _done(unit: Unit, count: int, member_id: str | None) -> Revoked:
    if count:
        unit.emit("SessionsRevoked", {"memberId": member_id, "count": count}, member_id=member_id)
    return Revoked(count)
