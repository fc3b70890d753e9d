"""Whose people have addresses in this domain?

Claiming a domain proves nothing: it gives a text to publish in the domain's DNS. The operator looks it up and
confirms what was found; only then does the domain lead people to a provider, and an address in it say who they are.
"""

import hmac
import re
import secrets
from dataclasses import dataclass

from billing.roles import Permission
from models import identity_providers as rows
from services.dispatch import ANY_STATUS, verb
from services.identity_providers import PROVIDER_ID
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

LENGTH_MAX = 253
RECORD_NAME = "_billgraph"
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])")
PUBLIC_MAIL = frozenset(
    {"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "proton.me"}
    | {"gmx.de", "gmx.net", "web.de", "mail.ru", "yandex.ru", "qq.com", "163.com", "aol.com"}
)


@dataclass(frozen=True, slots=True)
class Add:
    """A domain, and the provider with which its people sign in. Added again, it leads to the other provider."""

    organization_id: str
    idempotency_key: str
    domain: str
    identity_provider_id: str


@dataclass(frozen=True, slots=True)
class Remove:
    """A domain whose people sign in elsewhere."""

    organization_id: str
    idempotency_key: str
    domain: str


@dataclass(frozen=True, slots=True)
class Verify:
    """The text the operator found in the domain's DNS."""

    organization_id: str
    idempotency_key: str
    domain: str
    found: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The domain is known; it counts once it is verified."""

    domain: str


@dataclass(frozen=True, slots=True)
class Removed:
    """The domain leads nowhere any more."""

    domain: str


@verb(Permission.ACCESS_WRITE)
async def add(unit: Unit, command: Add) -> Kept | Refused:
    """Claim a domain, or let it lead to another provider."""
    domain = command.domain.strip().lower()
    if len(domain) > LENGTH_MAX or not _DOMAIN.fullmatch(domain):
        return Refused(RefusalCode.INPUT_INVALID, f"{domain[:80]!r} is not a domain such as acme.example", ("domain",))
    if domain in PUBLIC_MAIL:
        return Refused(RefusalCode.INPUT_INVALID, f"anybody can have an address at {domain}", ("domain",))
    if await rows.find(unit.client, unit.organization_id, command.identity_provider_id) is None:
        return not_found("identity provider", PROVIDER_ID)
    known = await rows.find_domain(unit.client, unit.organization_id, domain)
    if known is not None:
        await rows.move_domain(unit.client, unit.organization_id, domain, provider_id=command.identity_provider_id)
    elif len(await rows.domains(unit.client, unit.organization_id)) >= rows.DOMAINS_MAX:
        message = f"there are {rows.DOMAINS_MAX} domains already, which is the most there can be"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ("domain",))
    else:
        await rows.insert_domain(
            unit.client,
            organization_id=unit.organization_id,
            domain=domain,
            provider_id=command.identity_provider_id,
            token=secrets.token_urlsafe(24),
            added_at=unit.at,
            verified_at=None,
        )
    unit.emit("EmailDomainAdded", {"domain": domain, "identityProviderId": command.identity_provider_id})
    return Kept(domain)


@verb(Permission.ACCESS_WRITE)
async def remove(unit: Unit, command: Remove) -> Removed | Refused:
    """Give a domain up."""
    domain = command.domain.strip().lower()
    if not await rows.delete_domain(unit.client, unit.organization_id, domain):
        return not_found(f"domain {domain[:80]!r}", "domain")
    unit.emit("EmailDomainRemoved", {"domain": domain})
    return Removed(domain)


@verb(Permission.ACCESS_WRITE, statuses=ANY_STATUS)
async def verify(unit: Unit, command: Verify) -> Kept | Refused:
    """Confirm that the domain's owner published what only this organization was told."""
    claim = await rows.find_domain(unit.client, unit.organization_id, command.domain)
    if claim is None:
        return not_found(f"domain {command.domain[:80]!r}", "domain")
    if not hmac.compare_digest(record_value(claim.token).encode(), command.found.strip().encode()):
        message = f"this is not the record that {RECORD_NAME}.{claim.domain} must have"
        return Refused(RefusalCode.INPUT_INVALID, message, ("found",))
    holder = await rows.verified_domain(unit.client, command.domain)
    if holder is not None and holder.organization_id != unit.organization_id:
        message = f"{command.domain} is verified for another organization, which must give it up first"
        return Refused(RefusalCode.ALREADY_EXISTS, message, ("domain",))
    await rows.verify_domain(unit.client, unit.organization_id, command.domain, at=unit.at)
    unit.emit("EmailDomainVerified", {"domain": command.domain})
    return Kept(command.domain)


def record_value(token: str) -> str:
    """Return what the DNS record of type TXT must say.

    >>> record_value("abc")
    'billgraph-verification=abc'
    """
    return f"billgraph-verification={token}"
