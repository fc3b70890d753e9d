"""May this account in, and as whom?

An account is `(issuer, subject)`. An address only helps to find the member an account belongs to the first time, and
only where the organization has proved the domain to be its own; afterwards the link decides, whatever the address
becomes. What the provider's groups say of role and tier is done with each sign-in.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from auth.mapping import Given, Mapping, Rule, Unknown
from billing.roles import Permission
from models import identities, members, roles
from models import identity_providers as rows
from services import authority, invitations, seats
from services.dispatch import ANY_STATUS, WRITABLE, verb
from services.members import bring_in, give_role, person_refusal
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit


@dataclass(frozen=True, slots=True)
class Admit:
    """An account that an organization's provider has just vouched for. The claims are no part of the digest."""

    organization_id: str
    idempotency_key: str
    identity_provider_id: str
    issuer: str
    subject: str
    email: str
    email_verified: bool | None
    name: str
    claims: Annotated[Any, Field(exclude=True)]


@dataclass(frozen=True, slots=True)
class Admitted:
    """The account acts as the member."""

    member_id: str
    is_new: bool


@verb(Permission.MEMBERS_WRITE, statuses=ANY_STATUS)
async def admit(unit: Unit, command: Admit) -> Admitted | Refused:
    """Find or make the member an account belongs to, and give it what its groups give."""
    provider = await rows.find(unit.client, unit.organization_id, command.identity_provider_id)
    if provider is None or provider.issuer != command.issuer:
        return not_found("identity provider", "identity_provider_id")
    mapping = _mapping(provider.provisioning)
    given = mapping.of(command.claims)
    link = await identities.find(unit.client, unit.organization_id, command.issuer, command.subject)
    if link is not None:
        return await _welcome_back(unit, command, link.member_id, given)
    refused = await _address_refusal(unit, command, provider.provisioning)
    if refused is not None:
        return refused
    known = await members.find_by_email(unit.client, unit.organization_id, command.email)
    if known is None:
        return await _bring_in(unit, command, provider.provisioning, given)
    if known.status == "ACTIVE":
        if await identities.is_linked(unit.client, unit.organization_id, command.issuer, known.id):
            message = f"{command.email} belongs to another account of this provider"
            return Refused(RefusalCode.ALREADY_EXISTS, message, ("email",))
        await _link(unit, command, known.id)
    return await _welcome_back(unit, command, known.id, given)


async def _welcome_back(unit: Unit, command: Admit, member_id: str, given: Given | Unknown) -> Admitted | Refused:
    member = await members.find(unit.client, unit.organization_id, member_id)
    assert member is not None, "a link leads to a member, and members are never deleted"
    if member.status != "ACTIVE":
        return Refused(RefusalCode.MEMBER_DEACTIVATED, "this account was deactivated", ())
    if isinstance(given, Given) and given.role is not None and unit.organization.status in WRITABLE:
        await _give(unit, member, given.role, given.tier)
    _note(unit, command, member.id)
    return Admitted(member.id, is_new=False)


async def _bring_in(
    unit: Unit, command: Admit, provisioning: dict[str, Any], given: Given | Unknown
) -> Admitted | Refused:
    invitation = await invitations.open_for(unit, command.email)
    if invitation is None and not provisioning["just_in_time"]:
        return Refused(RefusalCode.NOT_FOUND, "nobody with this address is a member; ask an owner to add you", ())
    if unit.organization.status not in WRITABLE:
        message = f"the organization is {unit.organization.status}, so nobody new can come in"
        return Refused(RefusalCode.ORGANIZATION_READ_ONLY, message, ())
    name = command.name.strip()[:200] or command.email
    if invitation is not None:
        # Somebody asked for this very person: that outweighs what the provider says of its groups.
        member_id = await invitations.bring_in(unit, invitation, name)
        return await _brought_in(unit, command, member_id)
    role_key, tier = provisioning["default_role"], provisioning["default_tier"]
    if isinstance(given, Unknown):
        # Who is kept out by rules must not get in because the provider was silent.
        if provisioning["rules"]:
            return Refused(RefusalCode.STATUS_CONFLICT, given.reason, ())
    elif given.role is not None:
        role_key, tier = given.role, given.tier
    role = await roles.find(unit.client, unit.organization_id, role_key) if role_key else None
    if role is None:
        return Refused(RefusalCode.NOT_FOUND, "none of your groups has access; ask an owner", ())
    refused = person_refusal(command.email, name) or await seats.tier_refusal(unit, tier, ())
    if refused is not None:
        return refused
    member = await bring_in(unit, command.email, name, role.key, external_id=None)
    await seats.grant(unit, member.id, seats.Seat(role.key, bool(role.billable), tier, ()))
    return await _brought_in(unit, command, member.id)


async def _brought_in(unit: Unit, command: Admit, member_id: str) -> Admitted:
    await _link(unit, command, member_id)
    _note(unit, command, member_id)
    return Admitted(member_id, is_new=True)


async def _address_refusal(unit: Unit, command: Admit, provisioning: dict[str, Any]) -> Refused | None:
    """Return why this address cannot tell who the account is, or None."""
    believed = command.email_verified is True or (
        command.email_verified is None and provisioning["trusts_unverified_email"]
    )
    if not command.email or not believed:
        return Refused(RefusalCode.INPUT_INVALID, "your provider does not confirm your e-mail address", ("email",))
    domain = command.email.rpartition("@")[2].lower()
    claim = await rows.find_domain(unit.client, unit.organization_id, domain)
    if claim is None or claim.verified_at is None or claim.provider_id != command.identity_provider_id:
        message = f"{domain[:80]} is not a verified domain of this organization and provider"
        return Refused(RefusalCode.NOT_FOUND, message, ("email",))
    return None


async def _give(unit: Unit, member: members.Member, role_key: str, tier: str | None) -> None:
    """Give a member what the groups say, as far as it is possible now.

    Primary owners are left alone: a list of groups must not take away the one role that nobody else can give back.
    """
    if member.role == authority.PRIMARY_OWNER:
        return
    role = await roles.find(unit.client, unit.organization_id, role_key)
    current = await seats.intended_seat(unit, member.id)
    if role is None or current is None or await seats.tier_refusal(unit, tier, ()) is not None:
        return
    if await authority.change_refusal(unit, member, role) is not None:
        return
    if role.key != member.role:
        await give_role(unit, member, role.key)
    add_ons = current.add_ons if tier in (None, current.tier) else ()
    wanted = seats.Seat(role.key, bool(role.billable), tier or current.tier, add_ons)
    if wanted != current:
        await seats.carry_out(unit, await seats.by_policy(unit, member.id, wanted))


async def _link(unit: Unit, command: Admit, member_id: str) -> None:
    await identities.insert(
        unit.client,
        organization_id=unit.organization_id,
        issuer=command.issuer,
        subject=command.subject,
        member_id=member_id,
        linked_at=unit.at,
    )
    unit.emit("IdentityLinked", {"memberId": member_id, "issuer": command.issuer}, member_id=member_id)


def _note(unit: Unit, command: Admit, member_id: str) -> None:
    facts = {"memberId": member_id, "identityProviderId": command.identity_provider_id, "issuer": command.issuer}
    unit.emit("MemberSignedIn", facts, member_id=member_id)


def _mapping(provisioning: dict[str, Any]) -> Mapping:
    rules = tuple(Rule(each["group"], each["role"], each["tier"]) for each in provisioning["rules"])
    return Mapping(provisioning["groups_claim"], rules)
