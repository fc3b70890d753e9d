"""Move people between seat tiers, and say what that changes on the bill."""

from datetime import datetime

import strawberry

from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.context import Info
from schema.ids import Kind
from schema.inputs import Input
from schema.members import Member
from schema.previews import SeatChangePreview
from services import seats
from services.outcomes import Refused


@strawberry.input(description="Another seat tier for a member.")
class ChangeSeatTierInput(Command):
    member_id: strawberry.ID = strawberry.field(description="The member it is about, by global id.")
    tier: str | None = strawberry.field(description="The key of the tier; null for a seat of no tier.")
    add_ons: list[str] = strawberry.field(
        default_factory=list, description="The keys of the add-ons the seat has from now on; none given: none."
    )


@strawberry.type(description="What moving a member to another seat tier answers.")
class ChangeSeatTierPayload(Payload):
    member: Member | None = strawberry.field(
        default=None, description="The member, in the new seat, or in the old one with the new one pending."
    )
    effective_at: datetime | None = strawberry.field(
        default=None,
        description="From when the new seat is held: at once, or when the old one, paid for and kept by the plan's "
        "policy NEXT_PERIOD, is used up.",
    )
    preview: SeatChangePreview | None = strawberry.field(default=None, description="What it changes on the bill.")


@strawberry.type
class SeatMutations:
    """What clients do to seats."""

    @mutation(
        seats.change_tier,
        ChangeSeatTierPayload,
        description="Move a member to another seat tier. Both sides of the instant are prorated by the plan; one that "
        "only takes away waits for the next period where the plan says NEXT_PERIOD.",
    )
    async def change_seat_tier(self, info: Info, given: Input[ChangeSeatTierInput]) -> ChangeSeatTierPayload:
        organization_id = inputs.organization_id(given.organization_id)
        member_id = inputs.key(given.member_id, Kind.MEMBER, organization_id, "memberId")
        command = seats.ChangeTier(organization_id, given.idempotency_key, member_id, given.tier, tuple(given.add_ons))
        match await info.context.execute(seats.change_tier, command):
            case Refused() as refused:
                return ChangeSeatTierPayload.refused(refused)
            case seats.TierChanged(begins_at=begins_at, before=before, after=after):
                owner = await owner_of(info.context, organization_id)
                preview = SeatChangePreview.of(before, after, owner)
                member = await Member.load(info.context, owner, member_id)
                return ChangeSeatTierPayload(member=member, effective_at=begins_at, preview=preview)
