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

from datetime import datetime, timedelta

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


class StepUpRequired(Exception):
    """The organization asks for a younger sign-in before something this sensitive."""

    def __init__(self, seconds_max: int) -> None:
        super().__init__(
            f"the organization asks for a sign-in of the last {seconds_max // 60} minutes before this: "
            "sign in again at /login?step_up=1 and repeat the command"
        )
        self.seconds_max = seconds_max


# What moves money or changes who may do or hear what. Reporting usage is neither: programs do it all day.
SENSITIVE = frozenset(
    {
        Permission.ORGANIZATION_WRITE,
        Permission.MEMBERS_WRITE,
        Permission.SEATS_WRITE,
        Permission.PLAN_WRITE,
        Permission.SPEND_LIMITS_WRITE,
        Permission.INVOICES_WRITE,
        Permission.WEBHOOKS_WRITE,
        Permission.ACCESS_WRITE,
    }
)


def require_fresh(principal: Principal, seconds_max: int | None, *, at: datetime) -> None:
    """Raise `StepUpRequired` for a person whose sign-in is older than the organization allows."""
    if seconds_max is None or not principal.is_person:
        return
    if not principal.is_login_known or at - principal.authenticated_at > timedelta(seconds=seconds_max):
        raise StepUpRequired(seconds_max)


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
