"""Let programs in, change their secrets, and let partners' programs see an organization.

Nobody gives a program more than they may do themselves. A secret is shown in the one answer that makes it and kept
only as its SHA-256, so the kept answer of a repeated command has none.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from auth.clients import public_id
from auth.sessions import hash_of
from billing.roles import Permission
from models import api_clients as rows
from services.dispatch import ANY_STATUS, verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

NAME_LENGTH_MAX = 100
KEYS_MAX = 5
CLIENTS_MAX = 500
OVERLAP_HOURS_MAX = 30 * 24
CLIENT_ID = "api_client_id"


@dataclass(frozen=True, slots=True)
class Create:
    """A program: with a secret of ours, or with public keys of its own, as a JWKS."""

    organization_id: str
    idempotency_key: str
    name: str
    scopes: tuple[Permission, ...]
    is_partner: bool
    jwks: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Rotate:
    """A program that shall have a new secret, and for how many hours the old one still does."""

    organization_id: str
    idempotency_key: str
    api_client_id: str
    overlap_hours: int


@dataclass(frozen=True, slots=True)
class Revoke:
    """A program that may not come in any more."""

    organization_id: str
    idempotency_key: str
    api_client_id: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What a partner's program may do in this organization, instead of what it was granted before."""

    organization_id: str
    idempotency_key: str
    client_organization_id: str
    api_client_id: str
    scopes: tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class RevokeGrant:
    """A partner's program that shall not see this organization any more."""

    organization_id: str
    idempotency_key: str
    client_organization_id: str
    api_client_id: str


@dataclass(frozen=True, slots=True)
class Let:
    """The program is as asked from now on. `secret` is only there the first time."""

    api_client_id: str
    secret: Annotated[str | None, Field(exclude=True)] = None


@dataclass(frozen=True, slots=True)
class Granted:
    """The organization sees the partner's program, or no longer does."""

    api_client_id: str


@verb(Permission.ACCESS_WRITE)
async def create(unit: Unit, command: Create) -> Let | Refused:
    """Let a program in, with at most what the caller may do."""
    refused = _name_refusal(command.name) or _scopes_refusal(unit, command.scopes) or _jwks_refusal(command.jwks)
    if refused is not None:
        return refused
    if await rows.count(unit.client, unit.organization_id) >= CLIENTS_MAX:
        message = f"there are {CLIENTS_MAX} API clients already, which is the most there can be"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ())
    client = await rows.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("api-client"),
        name=command.name.strip(),
        is_partner=int(command.is_partner),
        scopes=sorted(set(command.scopes)),
        jwks=command.jwks,
        created_by=unit.actor_id,
        created_at=unit.at,
    )
    secret = await _new_secret(unit, client.id) if command.jwks is None else None
    facts = {"apiClientId": client.id, "name": client.name, "scopes": client.scopes, "isPartner": command.is_partner}
    unit.emit("ApiClientCreated", facts)
    return Let(client.id, secret)


@verb(Permission.ACCESS_WRITE)
async def rotate(unit: Unit, command: Rotate) -> Let | Refused:
    """Give a program a new secret; the newest of the old ones still does for a while, others end at once."""
    client = await _live(unit, command.api_client_id)
    if isinstance(client, Refused):
        return client
    if client.jwks is not None:
        return Refused(RefusalCode.STATUS_CONFLICT, "this client has keys of its own and no secret", (CLIENT_ID,))
    if not 0 <= command.overlap_hours <= OVERLAP_HOURS_MAX:
        message = f"{command.overlap_hours} hours are outside 0 to {OVERLAP_HOURS_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("overlap_hours",))
    *older, newest = await rows.secrets_of(unit.client, unit.organization_id, [client.id])
    for secret in older if command.overlap_hours else (*older, newest):
        await rows.delete_secret(unit.client, unit.organization_id, secret.id)
    if command.overlap_hours:
        ends_at = unit.at + timedelta(hours=command.overlap_hours)
        await rows.expire_secret(unit.client, unit.organization_id, newest.id, at=ends_at)
    fresh = await _new_secret(unit, client.id)
    unit.emit("ApiClientSecretRotated", {"apiClientId": client.id, "overlapHours": command.overlap_hours})
    return Let(client.id, fresh)


@verb(Permission.ACCESS_WRITE, statuses=ANY_STATUS)
async def revoke(unit: Unit, command: Revoke) -> Let | Refused:
    """Keep a program out from this instant; its tokens end with it."""
    client = await _live(unit, command.api_client_id)
    if isinstance(client, Refused):
        return client
    await rows.update(unit.client, unit.organization_id, client.id, revoked_at=unit.at)
    unit.emit("ApiClientRevoked", {"apiClientId": client.id})
    return Let(client.id)


@verb(Permission.ACCESS_WRITE)
async def grant(unit: Unit, command: Grant) -> Granted | Refused:
    """Let a partner's program see this organization, with at most what the caller may do."""
    client = await rows.find(unit.client, command.client_organization_id, command.api_client_id)
    if client is None or client.revoked_at is not None or not client.is_partner:
        # Whether it exists somewhere is not for strangers to know.
        return Refused(RefusalCode.NOT_FOUND, "there is no such client of a partner", (CLIENT_ID,))
    refused = _scopes_refusal(unit, command.scopes)
    if refused is not None:
        return refused
    whose = (command.client_organization_id, command.api_client_id)
    if await rows.count_grants(unit.client, unit.organization_id) >= rows.GRANTS_MAX:
        message = f"there are {rows.GRANTS_MAX} grants already, which is the most there can be"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ())
    await rows.delete_grant(unit.client, unit.organization_id, *whose)
    await rows.insert_grant(
        unit.client,
        organization_id=unit.organization_id,
        client_organization_id=command.client_organization_id,
        client_id=command.api_client_id,
        scopes=sorted(set(command.scopes)),
        granted_by=unit.actor_id,
        granted_at=unit.at,
    )
    facts = {"apiClientId": public_id(*whose), "name": client.name, "scopes": sorted(set(command.scopes))}
    unit.emit("ApiClientGranted", facts)
    return Granted(client.id)


@verb(Permission.ACCESS_WRITE, statuses=ANY_STATUS)
async def revoke_grant(unit: Unit, command: RevokeGrant) -> Granted | Refused:
    """Keep a partner's program out of this organization from this instant."""
    whose = (command.client_organization_id, command.api_client_id)
    if not await rows.delete_grant(unit.client, unit.organization_id, *whose):
        return not_found("grant", CLIENT_ID)
    unit.emit("ApiClientGrantRevoked", {"apiClientId": public_id(*whose)})
    return Granted(command.api_client_id)


async def _live(unit: Unit, client_id: str) -> rows.ApiClient | Refused:
    client = await rows.find(unit.client, unit.organization_id, client_id)
    if client is None:
        return not_found("API client", CLIENT_ID)
    if client.revoked_at is not None:
        return Refused(RefusalCode.STATUS_CONFLICT, "the client was revoked, which is for good", (CLIENT_ID,))
    return client


async def _new_secret(unit: Unit, client_id: str) -> str:
    secret = f"bgs_{secrets.token_urlsafe(32)}"
    await rows.insert_secret(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("api-client-secret"),
        client_id=client_id,
        secret_hash=hash_of(secret),
        ending=secret[-4:],
        created_at=unit.at,
        expires_at=None,
    )
    return secret


def _name_refusal(name: str) -> Refused | None:
    if 1 <= len(name.strip()) <= NAME_LENGTH_MAX and name.isprintable():
        return None
    message = f"name has {len(name.strip())} characters: give 1 to {NAME_LENGTH_MAX} printable ones"
    return Refused(RefusalCode.INPUT_INVALID, message, ("name",))


def _scopes_refusal(unit: Unit, scopes: Iterable[Permission]) -> Refused | None:
    own = unit.actor.membership(unit.organization_id)
    surplus = sorted(set(scopes) - (own.permissions if own else frozenset()))
    if surplus:
        message = f"your own role does not include {', '.join(surplus)}"
        return Refused(RefusalCode.ROLE_ABOVE_OWN, message, ("scopes",))
    if not set(scopes):
        return Refused(RefusalCode.INPUT_INVALID, "a client without a scope could do nothing", ("scopes",))
    return None


def _jwks_refusal(jwks: dict[str, Any] | None) -> Refused | None:
    """Return why these are no public keys that a client could sign with, or None."""
    if jwks is None:
        return None
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not 1 <= len(keys) <= KEYS_MAX or not all(isinstance(key, dict) for key in keys):
        return Refused(RefusalCode.INPUT_INVALID, f"a JWKS is an object with 1 to {KEYS_MAX} keys", ("jwks",))
    for key in keys:
        if key.get("kty") not in {"RSA", "EC"} or not isinstance(key.get("kid"), str) or {"d", "k"} & key.keys():
            message = "each key is a public one, RSA or EC, with a kid: never send us a private key"
            return Refused(RefusalCode.INPUT_INVALID, message, ("jwks",))
    if len({key["kid"] for key in keys}) != len(keys):
        return Refused(RefusalCode.INPUT_INVALID, "two keys have the same kid", ("jwks",))
    return None
