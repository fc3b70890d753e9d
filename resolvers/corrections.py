"""Correct what a source reported wrongly."""

import strawberry

from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.context import Info
from schema.inputs import Input
from schema.money import Money
from schema.scalars import Long
from schema.usage_events import UsageEvent
from services import corrections
from services.outcomes import Refused


@strawberry.input(description="Another quantity for an event that was reported wrongly.")
class CorrectUsageInput(Command):
    event_id: str = strawberry.field(description="The source's own id of the event, or of its last correction.")
    correction_id: str = strawberry.field(description="The source's own id of this correction.")
    quantity: Long = strawberry.field(description="How many units were really used; 0 takes the event back.")


@strawberry.type(description="What correcting usage answers.")
class CorrectUsagePayload(Payload):
    usage_event: UsageEvent | None = strawberry.field(
        default=None, description="The correction, which counts in the place of the event."
    )
    superseded: UsageEvent | None = strawberry.field(default=None, description="The event, which is kept as it was.")
    difference: Money | None = strawberry.field(
        default=None, description="What the correction adds to spend, exact; below zero when it takes away."
    )
    billed_later: bool | None = strawberry.field(
        default=None, description="Whether the month is billed already, so that the next invoice bills the difference."
    )


@strawberry.type
class CorrectionMutations:
    """What clients do about wrong usage."""

    @mutation(
        corrections.correct,
        CorrectUsagePayload,
        description="Let a correction take the place of a usage event. What was reported first stays on record, and "
        "an invoice that billed it stays as it is.",
    )
    async def correct_usage(self, info: Info, given: Input[CorrectUsageInput]) -> CorrectUsagePayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = corrections.Correct(
            organization_id, given.idempotency_key, given.event_id, given.correction_id, given.quantity
        )
        match await info.context.execute(corrections.correct, command):
            case Refused() as refused:
                return CorrectUsagePayload.refused(refused)
            case corrections.Corrected(usage_id, superseded_id, previous_nanos, nanos, billed_later):
                owner = await owner_of(info.context, organization_id)
                return CorrectUsagePayload(
                    usage_event=await UsageEvent.load(info.context, owner, usage_id),
                    superseded=await UsageEvent.load(info.context, owner, superseded_id),
                    difference=Money.of_nanos(nanos - previous_nanos, owner.currency, owner.locale),
                    billed_later=billed_later,
                )
