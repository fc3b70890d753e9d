"""Ask what a change would do to the bill, without doing it.

A preview takes the permission of the change, refuses what the change would refuse, and is drawn by the code that draws
the invoice.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.extensions.field_extension import AsyncExtensionResolver
from strawberry.types.field import StrawberryField

from billing.roles import Permission
from models.organizations import Organization
from resolvers.commands import owner_of
from resolvers.reassignments import SeatRecipientInput
from schema import access, ids, inputs
from schema.access import Own
from schema.context import Context, Info
from schema.ids import Kind
from schema.inputs import InvalidInput
from schema.previews import ChangePreview
from services import members, plans, reassignments, seat_previews, seats
from services.outcomes import RefusalCode, Refused
from services.reassignments import FormerHolder
from services.unit import Unit

OrganizationId = Annotated[strawberry.ID, strawberry.argument(description="The organization it would be for.")]
MemberId = Annotated[strawberry.ID, strawberry.argument(description="The member who holds the seat.")]
Found = seat_previews.SeatPreview | Refused


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
        return ChangePreview.of(found.before, found.after, found.upcoming, owner, effective_at=effective_at or at)

    @preview(
        seats.change_tier.requires,
        description="What another seat for a member, or letting them go, would do to the running month, and the next "
        "invoice as it would be. Give either a seat or `deactivate`.",
    )
    async def preview_seat_change(
        self,
        info: Info,
        organization_id: OrganizationId,
        member_id: MemberId,
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
        async def ask(unit: Unit) -> Found:
            key = inputs.key(member_id, Kind.MEMBER, unit.organization_id, "memberId")
            if not deactivate:
                change = seats.ChangeTier(unit.organization_id, "", key, seat_tier, tuple(add_ons or ()))
                return _named(await seat_previews.of_tier(unit, change))
            if seat_tier is not None or add_ons:
                message = "who is deactivated holds no seat: give either a seat or deactivate"
                raise InvalidInput(RefusalCode.INPUT_INVALID, message, ("deactivate",))
            return await seat_previews.of_leaving(unit, members.Deactivate(unit.organization_id, "", key))

        return await _previewed(info.context, organization_id, ask)

    @preview(
        members.change_role.requires,
        description="What another role would do to the running month, where it makes a paid seat free or a free one "
        "paid, and the next invoice as it would be.",
    )
    async def preview_role_change(
        self,
        info: Info,
        organization_id: OrganizationId,
        member_id: MemberId,
        role: Annotated[str, strawberry.argument(description="The key of the role the member would have.")],
    ) -> ChangePreview:
        async def ask(unit: Unit) -> Found:
            key = inputs.key(member_id, Kind.MEMBER, unit.organization_id, "memberId")
            return await seat_previews.of_role(unit, members.ChangeRole(unit.organization_id, "", key, role))

        return await _previewed(info.context, organization_id, ask)

    @preview(
        reassignments.reassign.requires,
        description="What handing a member's seat to another person would do to the running month, and the next "
        "invoice as it would be.",
    )
    async def preview_seat_reassignment(
        self,
        info: Info,
        organization_id: OrganizationId,
        member_id: MemberId,
        to: Annotated[SeatRecipientInput, strawberry.argument(description="Who would get the seat.")],
        former_holder: Annotated[
            FormerHolder, strawberry.argument(description="What would become of the member who held it.")
        ] = FormerHolder.DEACTIVATED,
        free_role: Annotated[
            str, strawberry.argument(description="The key of the role a former holder would stay with.")
        ] = reassignments.FREE_ROLE,
    ) -> ChangePreview:
        async def ask(unit: Unit) -> Found:
            key = inputs.key(member_id, Kind.MEMBER, unit.organization_id, "memberId")
            recipient = to.read(unit.organization_id)
            command = reassignments.Reassign(unit.organization_id, "", key, recipient, former_holder, free_role)
            return await seat_previews.of_reassignment(unit, command)

        return await _previewed(info.context, organization_id, ask)


async def _previewed(context: Context, organization_id: str, ask: Callable[[Unit], Awaitable[Found]]) -> ChangePreview:
    """Return what `ask` finds, asked in the caller's name and changing nothing."""
    owner = await _owner(context, organization_id)
    unit = Unit.of_reading(context.reader, owner, context.caller, at=context.at(owner), request_id=context.request_id)
    try:
        found = await ask(unit)
    except InvalidInput as invalid:
        return ChangePreview.refused(invalid, owner)
    if isinstance(found, Refused):
        return ChangePreview.refused(found, owner)
    return ChangePreview.of(found.before, found.after, found.upcoming, owner, effective_at=found.begins_at)


async def _owner(context: Context, organization_id: str) -> Organization:
    return await owner_of(context, ids.parse(organization_id, Kind.ORGANIZATION).organization_id)


def _named(found: Found) -> Found:
    """Return a refusal with its path as the arguments are called here."""
    if not isinstance(found, Refused):
        return found
    path = tuple("seatTier" if part == "tier" else part for part in found.field)
    return Refused(found.code, found.message, path)
