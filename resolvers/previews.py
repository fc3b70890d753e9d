"""Ask what a change would do to the bill, without doing it.

A preview takes the permission of the change, refuses what the change would refuse, and is drawn by the code that draws
the invoice.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver
from strawberry.types.field import StrawberryField

from billing.roles import Permission
from models.organizations import Organization
from resolvers.commands import owner_of
from schema import access, ids, inputs
from schema.access import Own
from schema.context import Context, Info
from schema.ids import Kind
from schema.inputs import InvalidInput
from schema.previews import ChangePreview
from services import plans, seat_previews, seats
from services.outcomes import RefusalCode, Refused

OrganizationId = Annotated[strawberry.ID, strawberry.argument(description="The organization it would be for.")]


class Asked(FieldExtension):
    """Lets a question through to whoever may do what it asks about."""

    def __init__(self, permission: Permission) -> None:
        self._permission = permission

    def apply(self, field: StrawberryField) -> None:
        """Show the permission in the schema."""
        access.declare(field, self._permission, Own.NOTHING)

    async def resolve_async(self, next_: AsyncExtensionResolver, source: Any, info: Info, **kwargs: Any) -> Any:
        """Check, then resolve."""
        organization_id = ids.parse(kwargs["organization_id"], Kind.ORGANIZATION).organization_id
        access.require(info.context.principal, organization_id, self._permission)
        return await next_(source, info, **kwargs)


def preview(permission: Permission, *, description: str) -> Callable[[Callable[..., Any]], Any]:
    """Declare a question about an organization that takes a permission there."""
    declared: Callable[[Callable[..., Any]], Any] = strawberry.field(
        description=description, extensions=[Asked(permission)]
    )
    return declared


@strawberry.type
class PreviewQueries:
    """How clients ask before they act."""

    @preview(
        plans.change.requires,
        description="What another plan would do to the month it would begin in, and the next invoice as it would be.",
    )
    async def preview_plan_change(
        self,
        info: Info,
        organization_id: OrganizationId,
        plan_key: Annotated[str, strawberry.argument(description="The key of the plan in the catalogue.")],
        effective_at: Annotated[
            datetime | None, strawberry.argument(description="From when it would be in force; at once if left out.")
        ] = None,
    ) -> ChangePreview:
        owner = await _owner(info.context, organization_id)
        at = info.context.at(owner)
        found = await plans.preview(info.context.reader, owner, plan_key, effective_at=effective_at or at, at=at)
        if isinstance(found, Refused):
            return ChangePreview.refused(found, owner)
        return ChangePreview.of(found.before, found.after, found.upcoming, owner)

    @preview(
        seats.change_tier.requires,
        description="What another seat for a member, or letting them go, would do to the running month, and the next "
        "invoice as it would be. Give either a seat or `deactivate`.",
    )
    async def preview_seat_change(
        self,
        info: Info,
        organization_id: OrganizationId,
        member_id: Annotated[strawberry.ID, strawberry.argument(description="The member.")],
        seat_tier: Annotated[
            str | None, strawberry.argument(description="The key of the tier; null for a seat of no tier.")
        ] = None,
        add_ons: Annotated[
            list[str] | None, strawberry.argument(description="The keys of the add-ons the seat would have.")
        ] = None,
        deactivate: Annotated[
            bool, strawberry.argument(description="Whether the member would be deactivated and hold no seat.")
        ] = False,
    ) -> ChangePreview:
        owner = await _owner(info.context, organization_id)
        try:
            key = inputs.key(member_id, Kind.MEMBER, owner.organization_id, "memberId")
            wish = None if deactivate else seat_previews.Wish(seat_tier, tuple(add_ons or ()))
            if deactivate and (seat_tier is not None or add_ons):
                message = "who is deactivated holds no seat: give either a seat or deactivate"
                raise InvalidInput(RefusalCode.INPUT_INVALID, message, ("deactivate",))
        except InvalidInput as invalid:
            return ChangePreview.refused(invalid, owner)
        at = info.context.at(owner)
        found = await seat_previews.preview_wish(info.context.reader, owner, key, wish, at=at)
        if isinstance(found, Refused):
            return ChangePreview.refused(_named(found), owner)
        return ChangePreview.of(found.before, found.after, found.upcoming, owner)


async def _owner(context: Context, organization_id: str) -> Organization:
    return await owner_of(context, ids.parse(organization_id, Kind.ORGANIZATION).organization_id)


def _named(refused: Refused) -> Refused:
    """Return the refusal with its path as the arguments are called here."""
    path = tuple("seatTier" if part == "tier" else part for part in refused.field)
    return Refused(refused.code, refused.message, path)
