"""Who may give which role, and who may change whom?

Nobody gives a role that allows more than their own, and nobody changes or deactivates a member whose role does: else a
billing admin would only have to make themself an owner. The role of primary owner passes between primary owners, and
the last one stays.
"""

from models import members, roles
from services.outcomes import RefusalCode, Refused
from services.unit import Unit

PRIMARY_OWNER = "primary_owner"


def giving_refusal(unit: Unit, role: roles.Role, *field: str) -> Refused | None:
    """Return why the actor may not give this role, or None."""
    if role.key == PRIMARY_OWNER and not _is_primary_owner(unit):
        message = "only a primary owner gives or takes the role of primary owner"
        return Refused(RefusalCode.ROLE_ABOVE_OWN, message, field)
    surplus = _surplus(unit, role)
    if not surplus:
        return None
    message = f"the role {role.key!r} allows {', '.join(surplus)}, which your own role does not"
    return Refused(RefusalCode.ROLE_ABOVE_OWN, message, field)


async def change_refusal(unit: Unit, member: members.Member, wanted: roles.Role | None, *field: str) -> Refused | None:
    """Return why the actor may not change this member; `wanted` is the role afterwards, None for one who leaves."""
    current = await roles.find(unit.client, unit.organization_id, member.role)
    assert current is not None, "a member's role exists"
    if wanted is not None and wanted.key == current.key:
        return None
    refused = giving_refusal(unit, current, *field)
    if refused is None and wanted is not None:
        refused = giving_refusal(unit, wanted, *field)
    if refused is not None or current.key != PRIMARY_OWNER:
        return refused
    if await members.count_role(unit.client, unit.organization_id, PRIMARY_OWNER) > 1:
        return None
    message = "this is the last primary owner; make another member primary owner first"
    return Refused(RefusalCode.LAST_PRIMARY_OWNER, message, field)


def _is_primary_owner(unit: Unit) -> bool:
    membership = unit.actor.membership(unit.organization_id)
    return membership is not None and membership.role_key in {PRIMARY_OWNER, "system"}


def _surplus(unit: Unit, role: roles.Role) -> list[str]:
    own = unit.actor.membership(unit.organization_id)
    return sorted(role.as_rule().permissions - (own.permissions if own else frozenset()))
