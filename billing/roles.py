"""What may a member do, and does that member's seat cost money?

A role is a set of permissions and a `billable` flag; a member has exactly one. The flag alone decides whether
a seat is counted: administering an account is not using the product, so the four administrative roles are free.

>>> BUILT_IN["team_member"].billable, BUILT_IN["view_only"].billable
(True, False)
>>> Permission.SPEND_LIMITS_WRITE in BUILT_IN["billing_admin"].permissions
False
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Permission(StrEnum):
    """One thing a principal may do in one organization. Nothing is allowed that is not listed here."""

    ORGANIZATION_READ = "organization.read"
    ORGANIZATION_WRITE = "organization.write"
    MEMBERS_READ = "members.read"
    MEMBERS_WRITE = "members.write"
    SEATS_READ = "seats.read"
    SEATS_WRITE = "seats.write"
    PLAN_READ = "plan.read"
    PLAN_WRITE = "plan.write"
    SPEND_LIMITS_READ = "spend_limits.read"
    SPEND_LIMITS_WRITE = "spend_limits.write"
    USAGE_READ = "usage.read"
    USAGE_WRITE = "usage.write"
    INVOICES_READ = "invoices.read"
    INVOICES_WRITE = "invoices.write"
    AUDIT_READ = "audit.read"
    WEBHOOKS_READ = "webhooks.read"
    WEBHOOKS_WRITE = "webhooks.write"
    ACCESS_READ = "access.read"
    ACCESS_WRITE = "access.write"
    SELF_READ = "self.read"
    SELF_WRITE = "self.write"


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of permissions. `key` is stable, `name` is what people see."""

    key: str
    name: str
    billable: bool
    permissions: frozenset[Permission]


_P = Permission
_EVERYTHING = frozenset(Permission)
_READS = frozenset(permission for permission in Permission if permission.endswith(".read"))
_LOOKS_AROUND = frozenset({_P.ORGANIZATION_READ, _P.SELF_READ})
_TAKES_PART = _LOOKS_AROUND | {_P.SELF_WRITE}
_BILLING_ADMIN = _READS | {
    _P.SELF_WRITE,
    _P.ORGANIZATION_WRITE,
    _P.MEMBERS_WRITE,
    _P.SEATS_WRITE,
    _P.PLAN_WRITE,
    _P.USAGE_WRITE,
    _P.INVOICES_WRITE,
}

BUILT_IN: Mapping[str, Role] = MappingProxyType(
    {
        role.key: role
        for role in (
            Role("primary_owner", "Primary owner", False, _EVERYTHING),
            Role("owner", "Owner", False, _EVERYTHING),
            Role("billing_admin", "Billing admin", False, _BILLING_ADMIN),
            Role("auditor", "Auditor", False, _READS),
            Role("member", "Member", True, _TAKES_PART),
            Role("project_administrator", "Project administrator", True, _TAKES_PART | {_P.MEMBERS_READ}),
            Role("team_member", "Team member", True, _TAKES_PART),
            Role("client", "Client", False, _LOOKS_AROUND),
            Role("comment_only", "Comment only", False, _LOOKS_AROUND),
            Role("view_only", "View only", False, _LOOKS_AROUND),
        )
    }
)

OWNERS = frozenset({"primary_owner", "owner"})
