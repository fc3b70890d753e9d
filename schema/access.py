"""Who may see this field?

Every edge that leads into an organization's data says so where it is declared, and the answer is part of the schema:
clients read `@requires` and know beforehand. A field is written with `field`, which has no default for `requires`:
whoever adds one must decide. Mutations are checked here before anything is read, and again by the dispatcher.
"""

from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any, Protocol

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver, SyncExtensionResolver
from strawberry.schema_directive import Location
from strawberry.types.field import StrawberryField

from auth import policy
from auth.principal import Principal
from billing.roles import Permission
from models.organizations import Organization
from schema.context import Info
from schema.errors import ErrorCode, GraphError


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="requires",
    description=(
        "The permission this takes in the organization. With `orOwn`, a member who may read what is their own gets "
        "their part of it without the permission."
    ),
)
class Requires:
    """The declaration as clients see it."""

    or_own: bool = strawberry.directive_field(name="orOwn", default=False)
    permission: Permission


class Own(Enum):
    """What members may do about a guarded field without the permission."""

    NOTHING = auto()  # the permission or nothing
    SUBJECT = auto()  # see it, where `member_id` of the thing is themself
    NARROWED = auto()  # ask, and the resolver keeps to what concerns them


def declare(field: StrawberryField, permission: Permission, own: Own) -> None:
    """Show in the schema what a field takes; saying it twice says it once."""
    shown = Requires(permission=permission, or_own=own is not Own.NOTHING)
    if shown not in field.directives:
        field.directives = [*field.directives, shown]


class Owned(Protocol):
    """A thing of one organization."""

    owner: Organization


class Guard(FieldExtension):
    """Lets a field through only with a permission in the organization that owns the thing it is a field of."""

    def __init__(self, permission: Permission, own: Own) -> None:
        self.permission = permission
        self.own = own

    def apply(self, field: StrawberryField) -> None:
        """Show the guard in the schema."""
        declare(field, self.permission, self.own)

    def resolve(self, next_: SyncExtensionResolver, source: Any, info: Info, **kwargs: Any) -> Any:
        """Check, then resolve."""
        self.check(info.context.principal, source)
        return next_(source, info, **kwargs)

    async def resolve_async(self, next_: AsyncExtensionResolver, source: Any, info: Info, **kwargs: Any) -> Any:
        """Check, then resolve."""
        self.check(info.context.principal, source)
        return await next_(source, info, **kwargs)

    def check(self, principal: Principal | None, source: Owned) -> None:
        """Raise the coded fault of whoever may not see the field of this thing."""
        member_id = getattr(source, "member_id", None) if self.own is Own.SUBJECT else None
        require(principal, source.owner.organization_id, self.permission, self.own, member_id=member_id)

    def opens_all(self, principal: Principal | None, organization_id: str) -> bool:
        """Return whether `check` lets the caller at this field of everything in the organization, whoever it is of."""
        return principal is not None and policy.may(principal, organization_id, self.permission)


def require(
    principal: Principal | None,
    organization_id: str,
    permission: Permission,
    own: Own = Own.NOTHING,
    *,
    member_id: str | None = None,
) -> None:
    """Raise the coded fault of whoever may not pass."""
    caller = policy.authenticated(principal)
    try:
        if own is Own.SUBJECT and member_id is not None:
            policy.require_self_or(caller, organization_id, member_id, permission)
        elif own is not Own.NARROWED or not policy.may(caller, organization_id, Permission.SELF_READ):
            policy.require(caller, organization_id, permission)
    except policy.Forbidden as forbidden:
        raise named(forbidden) from forbidden


def seen_by(principal: Principal | None, organization_id: str, permission: Permission) -> str | None:
    """Return the member to whom a narrowed list is narrowed, or None for those who have the permission.

    Somebody who is no member and lacks the permission has nothing of their own: the list is empty.
    """
    membership = policy.authenticated(principal).membership(organization_id)
    if membership is not None and membership.may(permission):
        return None
    return (membership.member_id if membership else None) or ""


def named(forbidden: policy.Forbidden) -> GraphError:
    """Return the fault that names the missing permission as the graph calls it."""
    return GraphError(ErrorCode.FORBIDDEN, str(forbidden), permission=forbidden.permission.name)


def field(
    *,
    description: str,
    requires: Permission | None,
    own: Own = Own.NOTHING,
    name: str | None = None,
    extensions: Sequence[FieldExtension] = (),
) -> Callable[[Callable[..., Any]], Any]:
    """Declare a resolved field. `requires=None` means: whoever sees the thing sees this."""
    guards = [] if requires is None else [Guard(requires, own)]
    declared: Callable[[Callable[..., Any]], Any] = strawberry.field(
        description=description, name=name, extensions=[*guards, *extensions]
    )
    return declared
