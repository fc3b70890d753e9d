"""Decide with which identity providers an organization's people sign in, and what they become.

Nobody lets a provider give what they could not give themselves: every role in the rules is checked as if the person
who writes them gave it. A provider vouches for this organization alone.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from billing.roles import Permission
from models import identity_providers as rows
from models import roles, sessions
from services import authority, seats
from services.dispatch import verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
RULES_MAX = 200
TEXT_MAX = 200
SECRET_MAX = 500
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}( [\x21\x23-\x5b\x5d-\x7e]{1,100}){0,19}")
_TEMPLATES = ("/common/", "/organizations/", "/consumers/", "{tenantid}")
_EVERYBODYS = frozenset(
    {
        "account",  # Keycloak: of whoever has a role in the realm's account console, so of everybody
        "https://graph.microsoft.com",  # Entra: of any program that reads a profile
        "00000003-0000-0000-c000-000000000000",  # the same by its id
    }
)
PROVIDER_ID = "identity_provider_id"


@dataclass(frozen=True, slots=True)
class SealedSecret:
    """A client secret: sealed, and by what tells it from another. Only the latter is part of the command's digest."""

    fingerprint: str
    text: Annotated[str, Field(exclude=True)] = ""


@dataclass(frozen=True, slots=True)
class GroupRule:
    """Whoever is in the group gets the role, and the tier where the plan has tiers."""

    group: str
    role: str
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class Provisioning:
    """What becomes of people who sign in: whether they may be new, and what their groups make of them.

    `trusts_unverified_email` is for a directory that is the organization's own and never says `email_verified`.
    """

    just_in_time: bool = False
    default_role: str | None = None
    default_tier: str | None = None
    groups_claim: str = "groups"
    rules: tuple[GroupRule, ...] = ()
    trusts_unverified_email: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """A provider, and who we are to it. With a sealed secret we prove it so, with none we may sign, or are public."""

    name: str
    issuer: str
    client_id: str
    client_authentication: str
    client_secret: SealedSecret | None
    algorithms: tuple[str, ...]
    scopes: str
    api_audience: str | None
    provisioning: Provisioning
    is_enforced: bool


@dataclass(frozen=True, slots=True)
class Create:
    """A new provider."""

    organization_id: str
    idempotency_key: str
    settings: Settings


@dataclass(frozen=True, slots=True)
class Update:
    """A provider as it shall be; a client secret that is None stays as it is."""

    organization_id: str
    idempotency_key: str
    identity_provider_id: str
    settings: Settings


@dataclass(frozen=True, slots=True)
class Delete:
    """A provider with which nobody signs in any more."""

    organization_id: str
    idempotency_key: str
    identity_provider_id: str


@dataclass(frozen=True, slots=True)
class Configured:
    """The provider is as asked from now on."""

    identity_provider_id: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """The provider is gone, with its domains and the sessions that came through it."""

    identity_provider_id: str


@verb(Permission.ACCESS_WRITE)
async def create(unit: Unit, command: Create) -> Configured | Refused:
    """Let people sign in with another provider."""
    wanted = command.settings
    refused = await _refusal(unit, wanted)
    if refused is not None:
        return refused
    if await rows.find_by_client(unit.client, unit.organization_id, wanted.issuer, wanted.client_id) is not None:
        message = f"there is a provider for client {wanted.client_id!r} of {wanted.issuer} already"
        return Refused(RefusalCode.ALREADY_EXISTS, message, ("client_id",))
    if len(await rows.list_all(unit.client, unit.organization_id)) >= rows.PROVIDERS_MAX:
        message = f"there are {rows.PROVIDERS_MAX} identity providers already, which is the most there can be"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ())
    if (wanted.client_authentication == "CLIENT_SECRET") != (wanted.client_secret is not None):
        message = "give clientSecret exactly where clientAuthentication is CLIENT_SECRET"
        return Refused(RefusalCode.INPUT_INVALID, message, ("client_secret",))
    row = await rows.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("identity-provider"),
        client_secret=wanted.client_secret.text if wanted.client_secret else None,
        created_at=unit.at,
        deleted_at=None,
        **_columns(unit, wanted),
    )
    unit.emit("IdentityProviderCreated", {"identityProviderId": row.id, **_facts(wanted)})
    return Configured(row.id)


@verb(Permission.ACCESS_WRITE)
async def update(unit: Unit, command: Update) -> Configured | Refused:
    """Change a provider; the next sign-in goes by it."""
    current = await rows.find(unit.client, unit.organization_id, command.identity_provider_id)
    if current is None:
        return not_found("identity provider", PROVIDER_ID)
    wanted = command.settings
    refused = await _refusal(unit, wanted)
    if refused is not None:
        return refused
    other = await rows.find_by_client(unit.client, unit.organization_id, wanted.issuer, wanted.client_id)
    if other is not None and other.id != current.id:
        message = f"there is a provider for client {wanted.client_id!r} of {wanted.issuer} already"
        return Refused(RefusalCode.ALREADY_EXISTS, message, ("client_id",))
    secret = wanted.client_secret.text if wanted.client_secret else None
    if wanted.client_authentication == "CLIENT_SECRET" and secret is None and wanted.issuer == current.issuer:
        secret = current.client_secret
    if (wanted.client_authentication == "CLIENT_SECRET") != (secret is not None):
        message = "give clientSecret exactly where clientAuthentication is CLIENT_SECRET; a new issuer needs a new one"
        return Refused(RefusalCode.INPUT_INVALID, message, ("client_secret",))
    columns = _columns(unit, wanted)
    await rows.update(unit.client, unit.organization_id, current.id, client_secret=secret, **columns)
    unit.emit("IdentityProviderUpdated", {"identityProviderId": current.id, **_facts(wanted)})
    return Configured(current.id)


@verb(Permission.ACCESS_WRITE)
async def delete(unit: Unit, command: Delete) -> Deleted | Refused:
    """Let nobody sign in with a provider any more."""
    current = await rows.find(unit.client, unit.organization_id, command.identity_provider_id)
    if current is None:
        return not_found("identity provider", PROVIDER_ID)
    await rows.update(unit.client, unit.organization_id, current.id, deleted_at=unit.at)
    ended = await sessions.revoke_of_provider(unit.client, unit.organization_id, current.id, at=unit.at)
    await rows.delete_domains_of(unit.client, unit.organization_id, current.id)
    unit.emit(
        "IdentityProviderDeleted", {"identityProviderId": current.id, "issuer": current.issuer, "sessionsEnded": ended}
    )
    return Deleted(current.id)


def text_refusal(wanted: Settings) -> Refused | None:
    """Return why these settings cannot be, as far as they tell without asking anybody, or None."""
    for field, text, length_max in (
        ("name", wanted.name.strip(), 100),
        ("client_id", wanted.client_id, TEXT_MAX),
        ("groups_claim", wanted.provisioning.groups_claim, TEXT_MAX),
        ("issuer", wanted.issuer, TEXT_MAX),
        ("api_audience", "unset" if wanted.api_audience is None else wanted.api_audience, TEXT_MAX),
    ):
        if not 1 <= len(text) <= length_max or not text.isprintable():
            message = f"{field} has {len(text)} characters: give 1 to {length_max} printable ones"
            return Refused(RefusalCode.INPUT_INVALID, message, (field,))
    if any(part in f"{wanted.issuer}/" for part in _TEMPLATES):
        message = "this issuer speaks for many directories; give the one of your own, with its tenant id"
        return Refused(RefusalCode.INPUT_INVALID, message, ("issuer",))
    unknown = sorted(set(wanted.algorithms) - set(ALGORITHMS))
    if unknown or not wanted.algorithms:
        message = f"algorithms {', '.join(unknown)[:80] or '(none)'} must be some of {', '.join(ALGORITHMS)}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("algorithms",))
    refused = _audience_refusal(wanted)
    if refused is not None:
        return refused
    if not _SCOPE.fullmatch(wanted.scopes) or "openid" not in wanted.scopes.split():
        message = f"scopes {wanted.scopes[:80]!r} must be a list with spaces that contains openid"
        return Refused(RefusalCode.INPUT_INVALID, message, ("scopes",))
    if len(wanted.provisioning.rules) > RULES_MAX:
        message = f"{len(wanted.provisioning.rules)} rules: give at most {RULES_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("rules",))
    if wanted.provisioning.just_in_time and wanted.provisioning.default_role is None and not wanted.provisioning.rules:
        message = "who is let in needs a role: give defaultRole or rules"
        return Refused(RefusalCode.INPUT_INVALID, message, ("default_role",))
    return None


def _audience_refusal(wanted: Settings) -> Refused | None:
    """Return why this audience would let tokens in that were made for something else, or None."""
    if wanted.api_audience == wanted.client_id:
        message = (
            "apiAudience is the clientId: id tokens would do as access tokens; give the API an audience of its own"
        )
    elif wanted.api_audience in _EVERYBODYS or wanted.api_audience == f"{wanted.issuer.rstrip('/')}/userinfo":
        message = (
            f"apiAudience {wanted.api_audience} is in tokens of every client of the provider; give one of the API's"
        )
    else:
        return None
    return Refused(RefusalCode.INPUT_INVALID, message, ("api_audience",))


async def _refusal(unit: Unit, wanted: Settings) -> Refused | None:
    refused = text_refusal(wanted)
    if refused is not None:
        return refused
    provisioning = wanted.provisioning
    given: list[tuple[str, str | None, tuple[str, ...]]] = [
        (rule.role, rule.tier, ("rules", str(index))) for index, rule in enumerate(provisioning.rules)
    ]
    if provisioning.default_role is not None:
        given.append((provisioning.default_role, provisioning.default_tier, ("default_role",)))
    for role_key, tier, field in given:
        role = await roles.find(unit.client, unit.organization_id, role_key)
        if role is None:
            return not_found(f"role {role_key[:80]!r}", *field)
        refused = authority.giving_refusal(unit, role, *field)
        if refused is None and tier is not None:
            refused = await seats.tier_refusal(unit, tier, ())
        if refused is not None:
            return Refused(refused.code, refused.message, field)
    return None


def _columns(unit: Unit, wanted: Settings) -> dict[str, Any]:
    provisioning = wanted.provisioning
    return {
        "name": wanted.name.strip(),
        "issuer": wanted.issuer,
        "client_id": wanted.client_id,
        "client_authentication": wanted.client_authentication,
        "algorithms": sorted(set(wanted.algorithms)),
        "scopes": wanted.scopes,
        "api_audience": wanted.api_audience,
        "provisioning": {
            "just_in_time": provisioning.just_in_time,
            "default_role": provisioning.default_role,
            "default_tier": provisioning.default_tier,
            "groups_claim": provisioning.groups_claim,
            "rules": [{"group": rule.group, "role": rule.role, "tier": rule.tier} for rule in provisioning.rules],
            "trusts_unverified_email": provisioning.trusts_unverified_email,
        },
        "is_enforced": int(wanted.is_enforced),
        "updated_at": unit.at,
    }


def _facts(wanted: Settings) -> dict[str, Any]:
    """Return what the log keeps: everything that decides who gets in, and no secret."""
    return {
        "name": wanted.name.strip(),
        "issuer": wanted.issuer,
        "clientId": wanted.client_id,
        "algorithms": sorted(set(wanted.algorithms)),
        "apiAudience": wanted.api_audience,
        "isEnforced": wanted.is_enforced,
        "justInTime": wanted.provisioning.just_in_time,
        "defaultRole": wanted.provisioning.default_role,
        "rules": [[rule.group, rule.role, rule.tier] for rule in wanted.provisioning.rules],
    }
