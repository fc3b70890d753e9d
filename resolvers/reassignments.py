"""Hand one person's seat to another."""

from typing import Self

import strawberry
from strawberry.types.unset import UNSET

from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.context import Context, Info
from schema.enums import mirror
from schema.ids import Kind
from schema.inputs import Input
from schema.members import Member
from schema.previews import SeatChangePreview
from services import reassignments
from services.outcomes import Refused
from services.reassignments import FormerHolder, NewPerson

mirror(
    FormerHolder,
    description="What becomes of whoever held a seat before.",
    DEACTIVATED="They lose access and keep name, usage and history.",
    WITHOUT_SEAT="They stay a member, with a free role and without tier and add-ons.",
)


@strawberry.input(description="Somebody who becomes a member by getting the seat.")
class NewHolderInput:
    email: str = strawberry.field(description="The e-mail address, unique in the organization.")
    name: str = strawberry.field(description="The person's name.")
    role: str | None = strawberry.field(
        default=None,
        description="The key of the role. Only needed where the seat's own is free, and so does not move with it.",
    )
    external_id: str | None = strawberry.field(
        default=None, description="The id by which the customer's directory knows the person."
    )


@strawberry.input(description="Who gets the seat: give exactly one.", one_of=True)
class SeatRecipientInput:
    member_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="A member, whose own seat it takes the place of."
    )
    person: NewHolderInput | None = strawberry.field(default=UNSET, description="Somebody new.")

    def read(self, organization_id: str) -> str | NewPerson:
        """Return the recipient as the service takes one."""
        person = self.person
        if person:
            return NewPerson(person.email, person.name, person.role, person.external_id)
        assert isinstance(self.member_id, str), "the schema lets exactly one of both through"
        return inputs.key(self.member_id, Kind.MEMBER, organization_id, "to", "memberId")


@strawberry.input(description="Whose seat goes to whom.")
class ReassignSeatInput(Command):
    member_id: strawberry.ID = strawberry.field(description="The member who holds the seat.")
    to: SeatRecipientInput = strawberry.field(description="Who gets it.")
    former_holder: FormerHolder = strawberry.field(
        default=FormerHolder.DEACTIVATED, description="What becomes of the member who held it."
    )
    free_role: str = strawberry.field(
        default=reassignments.FREE_ROLE,
        description="The key of the role that a former holder who stays has from then on, where theirs was paid.",
    )


@strawberry.type(description="What reassigning a seat answers.")
class ReassignSeatPayload(Payload):
    member: Member | None = strawberry.field(default=None, description="The member who holds the seat now.")
    former: Member | None = strawberry.field(default=None, description="The member who held it before.")
    preview: SeatChangePreview | None = strawberry.field(default=None, description="What it changes on the bill.")

    @classmethod
    async def showing(cls, context: Context, organization_id: str, done: reassignments.Reassigned) -> Self:
        """Return the payload with both members as the command left them."""
        owner = await owner_of(context, organization_id)
        return cls(
            member=await Member.load(context, owner, done.member_id),
            former=await Member.load(context, owner, done.former_id),
            preview=SeatChangePreview.of(done.before, done.after, owner),
        )


@strawberry.type
class ReassignmentMutations:
    """What clients do when a licence changes hands."""

    @mutation(
        reassignments.reassign,
        ReassignSeatPayload,
        description="Hand a member's seat to another person at one instant: tier and add-ons, and the role where that "
        "is what makes the seat paid. It is revoked before it is granted, so it never counts twice.",
    )
    async def reassign_seat(self, info: Info, given: Input[ReassignSeatInput]) -> ReassignSeatPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = reassignments.Reassign(
            organization_id=organization_id,
            idempotency_key=given.idempotency_key,
            member_id=inputs.key(given.member_id, Kind.MEMBER, organization_id, "memberId"),
            to=given.to.read(organization_id),
            former=given.former_holder,
            free_role=given.free_role,
        )
        match await info.context.execute(reassignments.reassign, command):
            case Refused() as refused:
                return ReassignSeatPayload.refused(refused)
            case reassignments.Reassigned() as done:
                return await ReassignSeatPayload.showing(info.context, organization_id, done)
