"""Choose another plan: at once, or at an instant to come."""

from datetime import datetime
from typing import Self

import strawberry

from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.context import Context, Info
from schema.inputs import Input
from schema.organizations import Organization
from schema.plans import Plan
from schema.previews import PlanChangePreview
from services import plans
from services.outcomes import Refused


@strawberry.type
class PlanPayload(Payload):
    """What every change of plan answers."""

    plan: Plan | None = strawberry.field(default=None, description="The plan from then on.")
    effective_at: datetime | None = strawberry.field(default=None, description="From when it is in force.")
    preview: PlanChangePreview | None = strawberry.field(default=None, description="What it changes on the bill.")
    organization: Organization | None = strawberry.field(
        default=None, description="The organization as it is afterwards."
    )

    @classmethod
    async def showing(cls, context: Context, organization_id: str, changed: plans.PlanChanged) -> Self:
        """Return the payload with the plan as it is agreed."""
        owner = await owner_of(context, organization_id)
        timeline = await context.loaders.timeline.load(organization_id)
        terms = timeline.at(changed.effective_at)
        return cls(
            plan=Plan.of(terms.plan, owner.locale) if terms else None,
            effective_at=changed.effective_at,
            preview=PlanChangePreview.of(changed.before, changed.after, owner),
            organization=Organization.of(owner),
        )


@strawberry.input(description="Another plan of the catalogue, at once.")
class ChangePlanInput(Command):
    plan_key: str = strawberry.field(
        description="The key of the plan in the catalogue; the version on offer then is taken."
    )


@strawberry.input(description="Another plan of the catalogue, from an instant to come.")
class SchedulePlanChangeInput(Command):
    plan_key: str = strawberry.field(
        description="The key of the plan in the catalogue; the version on offer then is taken."
    )
    effective_at: datetime = strawberry.field(description="From when it is in force.")


@strawberry.type(description="What a change of plan answers.")
class ChangePlanPayload(PlanPayload):
    pass


@strawberry.type(description="What scheduling a change of plan answers.")
class SchedulePlanChangePayload(PlanPayload):
    pass


@strawberry.type
class PlanMutations:
    """What clients do about plans."""

    @mutation(
        plans.change,
        ChangePlanPayload,
        description="Put another plan in force at this instant. Both sides of it are billed in one invoice, each for "
        "its own time.",
    )
    async def change_plan(self, info: Info, given: Input[ChangePlanInput]) -> ChangePlanPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = plans.Change(organization_id, given.idempotency_key, given.plan_key)
        match await info.context.execute(plans.change, command):
            case Refused() as refused:
                return ChangePlanPayload.refused(refused)
            case plans.PlanChanged() as changed:
                return await ChangePlanPayload.showing(info.context, organization_id, changed)

    @mutation(
        plans.schedule,
        SchedulePlanChangePayload,
        description="Put another plan in force at an instant to come, in the place of what was scheduled before.",
    )
    async def schedule_plan_change(
        self, info: Info, given: Input[SchedulePlanChangeInput]
    ) -> SchedulePlanChangePayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = plans.Schedule(organization_id, given.idempotency_key, given.plan_key, given.effective_at)
        match await info.context.execute(plans.schedule, command):
            case Refused() as refused:
                return SchedulePlanChangePayload.refused(refused)
            case plans.PlanChanged() as changed:
                return await SchedulePlanChangePayload.showing(info.context, organization_id, changed)
