"""Let a directory in, and keep it out again.

A token acts with the authority of whoever made it, as it was then: nothing that comes through it can do more. To
change a token without a pause, make a second one, give it to the directory and revoke the first.
"""

import secrets
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from auth.sessions import hash_of
from billing.roles import Permission
from models import scim_tokens as rows
from services.dispatch import ANY_STATUS, verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

NAME_LENGTH_MAX = 100
LIVE_MAX = 10
PREFIX = "bgd_"


@dataclass(frozen=True, slots=True)
class Create:
    """A directory that shall push people."""

    organization_id: str
    idempotency_key: str
    name: str


@dataclass(frozen=True, slots=True)
class Revoke:
    """A token that shall not do any more."""

    organization_id: str
    idempotency_key: str
    scim_token_id: str


@dataclass(frozen=True, slots=True)
class Created:
    """The directory may come in. `secret` is only there the first time."""

    scim_token_id: str
    secret: Annotated[str | None, Field(exclude=True)] = None


@dataclass(frozen=True, slots=True)
class Revoked:
    """The directory is kept out from this instant."""

    scim_token_id: str


@verb(Permission.ACCESS_WRITE)
async def create(unit: Unit, command: Create) -> Created | Refused:
    """Make a token; what it may do is what the caller may do."""
    name = command.name.strip()
    if not 1 <= len(name) <= NAME_LENGTH_MAX or not name.isprintable():
        message = f"name has {len(name)} characters: give 1 to {NAME_LENGTH_MAX} printable ones"
        return Refused(RefusalCode.INPUT_INVALID, message, ("name",))
    if await rows.count_live(unit.client, unit.organization_id) >= LIVE_MAX:
        message = f"there are {LIVE_MAX} tokens already, which is the most there can be; revoke one"
        return Refused(RefusalCode.STATUS_CONFLICT, message, ())
    own = unit.actor.membership(unit.organization_id)
    assert own is not None, "whoever has a permission belongs to the organization"
    secret = f"{PREFIX}{secrets.token_urlsafe(32)}"
    token = await rows.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("scim-token"),
        name=name,
        token_hash=hash_of(secret),
        ending=secret[-4:],
        role=own.role_key,
        permissions=sorted(own.permissions),
        created_by=unit.actor_id,
        created_at=unit.at,
    )
    unit.emit("ScimTokenCreated", {"scimTokenId": token.id, "name": name})
    return Created(token.id, secret)


@verb(Permission.ACCESS_WRITE, statuses=ANY_STATUS)
async def revoke(unit: Unit, command: Revoke) -> Revoked | Refused:
    """End a token at this instant, for good; the people it brought in stay."""
    token = await rows.find(unit.client, unit.organization_id, command.scim_token_id)
    if token is None:
        return not_found("SCIM token", "scim_token_id")
    if token.revoked_at is not None:
        return Refused(RefusalCode.STATUS_CONFLICT, "the token was revoked already", ("scim_token_id",))
    await rows.revoke(unit.client, unit.organization_id, token.id, at=unit.at)
    unit.emit("ScimTokenRevoked", {"scimTokenId": token.id})
    return Revoked(token.id)
