"""May this principal do this, here?

Whatever is not granted is denied. An organization to which the principal does not belong is not "forbidden", it is
not there: callers must answer `NotVisible` exactly as they answer for a thing that does not exist, or the
difference tells strangers who our customers are.

>>> from auth.principal import Principal
>>> may(Principal.system("acme"), "acme", Permission.INVOICES_WRITE)
True
>>> may(Principal.system("acme"), "globex", Permission.INVOICES_READ)
False
"""

from auth.principal import Membership, Principal
from billing.roles import Permission


class Unauthenticated(Exception):
    """Nobody is asking: there is no valid token and no live session."""

    def __init__(self) -> None:
        super().__init__("sign in first: this needs a valid access token or a session")


class NotVisible(Exception):
    """The organization does not exist, as far as this principal may know."""

    def __init__(self) -> None:
        super().__init__("there is no such organization")


class Forbidden(Exception):
    """The principal belongs to the organization, but its role lacks a permission."""

    def __init__(self, permission: Permission, role_key: str) -> None:
        super().__init__(f"the role {role_key} does not include the permission {permission}")
        self.permission = permission
        self.role_key = role_key


def authenticated(principal: Principal | None) -> Principal:
    """Return the principal, or raise `Unauthenticated` when nobody is asking."""
    if principal is None:
        raise Unauthenticated
    return principal


def require(principal: Principal, organization_id: str, permission: Permission) -> Membership:
    """Return the membership that grants `permission`, or raise `NotVisible` or `Forbidden`."""
    membership = _belong(principal, organization_id)
    if not membership.may(permission):
        raise Forbidden(permission, membership.role_key)
    return membership


def require_self_or(principal: Principal, organization_id: str, member_id: str, permission: Permission) -> Membership:
    """Let members at what is their own, and everybody else only with `permission`."""
    membership = _belong(principal, organization_id)
    if membership.member_id == member_id and membership.may(Permission.SELF_READ):
        return membership
    return require(principal, organization_id, permission)


def may(principal: Principal, organization_id: str, permission: Permission) -> bool:
    """Return whether `require` would let this pass."""
    membership = principal.membership(organization_id)
    return membership is not None and membership.may(permission)


def _belong(principal: Principal, organization_id: str) -> Membership:
    membership = principal.membership(organization_id)
    if membership is None:
        raise NotVisible
    return membership
