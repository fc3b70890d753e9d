"""Define an organization's own roles."""

import re
from dataclasses import dataclass

from billing import roles as rules
from billing.roles import Permission
from models import roles as rows
from services.dispatch import verb
from services.outcomes import RefusalCode, Refused
from services.unit import Unit

_KEY = re.compile(r"[a-z][a-z0-9_]{1,62}")
NAME_LENGTH_MAX = 100


@dataclass(frozen=True, slots=True)
class CreateRole:
    """A role of the organization's own, with chosen permissions and its own answer to "is it paid?"."""

    organization_id: str
    idempotency_key: str
    key: str
    name: str
    billable: bool
    permissions: tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class RoleCreated:
    """The role can be given from now on."""

    key: str


@verb(Permission.MEMBERS_WRITE)
async def create(unit: Unit, command: CreateRole) -> RoleCreated | Refused:
    """Define a role; nobody can put more into it than they may do themselves."""
    if not _KEY.fullmatch(command.key):
        message = f"{command.key[:80]!r} is not a key: 2 to 63 of a-z, 0-9 and _, a letter first"
        return Refused(RefusalCode.INPUT_INVALID, message, ("key",))
    if not 1 <= len(command.name.strip()) <= NAME_LENGTH_MAX:
        message = f"name has {len(command.name.strip())} characters: give 1 to {NAME_LENGTH_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("name",))
    own = unit.actor.membership(unit.organization_id)
    surplus = sorted(set(command.permissions) - (own.permissions if own else frozenset()))
    if surplus:
        message = f"your own role does not include {', '.join(surplus)}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("permissions",))
    if await rows.find(unit.client, unit.organization_id, command.key) is not None:
        return Refused(RefusalCode.ALREADY_EXISTS, f"the role {command.key!r} exists already", ("key",))
    role = rules.Role(command.key, command.name.strip(), command.billable, frozenset(command.permissions))
    await rows.insert(unit.client, unit.organization_id, [role], built_in=0, at=unit.at)
    unit.emit("RoleCreated", {"key": role.key, "billable": role.billable, "permissions": sorted(role.permissions)})
    return RoleCreated(role.key)
