"""Let time pass in a sandbox."""

from datetime import datetime

import strawberry

from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.clock import TestClock, TestClockHappening
from schema.context import Info
from schema.inputs import Input
from schema.organizations import Organization
from schema.user_errors import user_error
from services import clock
from services.clock import THINGS_MAX
from services.outcomes import Refused


@strawberry.input(description="Where a sandbox's clock should stand.")
class AdvanceTestClockInput(Command):
    to: datetime = strawberry.field(
        description=f"The instant: never before where the clock stands, at most {clock.STEP_MAX.days} days ahead."
    )


@strawberry.type(description="What moving a test clock answers.")
class AdvanceTestClockPayload(Payload):
    clock: TestClock | None = strawberry.field(
        default=None, description="Where the clock stands; it stopped at the first thing that could not be done."
    )
    happened: list[TestClockHappening] = strawberry.field(
        default_factory=list,
        description=f"What fell due on the way and was done, in order, at most {THINGS_MAX} things. A repeat "
        "moves nothing, so nothing happens.",
    )
    organization: Organization | None = strawberry.field(default=None, description="The organization as it is then.")


@strawberry.type
class ClockMutations:
    """What clients do to the time of a sandbox."""

    @mutation(
        clock.set_clock,
        AdvanceTestClockPayload,
        description="Move a sandbox's own clock forward. Everything that falls due on the way happens, in order, each "
        "thing at its own instant: months close, credit expires, contracts renew.",
    )
    async def advance_test_clock(self, info: Info, given: Input[AdvanceTestClockInput]) -> AdvanceTestClockPayload:
        context, organization_id = info.context, inputs.organization_id(given.organization_id)
        command = clock.Advance(organization_id, given.idempotency_key, given.to)
        answer, happened = await clock.advance(context.dispatcher, context.reader, command, context.request())
        context.refresh()
        owner = await owner_of(context, organization_id)
        if isinstance(answer, Refused) and not happened:
            return AdvanceTestClockPayload.refused(answer)
        return AdvanceTestClockPayload(
            clock=TestClock(now=owner.test_clock_at) if owner.test_clock_at else None,
            happened=[TestClockHappening.of(each, owner) for each in happened],
            organization=Organization.of(owner),
            user_errors=[user_error(_stopped(answer))] if isinstance(answer, Refused) else [],
        )


def _stopped(refused: Refused) -> Refused:
    """Return why the clock stopped on the way; the path belongs to what fell due, not to this command."""
    return Refused(refused.code, refused.message, ("to",))
