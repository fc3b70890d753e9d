"""Say how closely unusual spend is watched for."""

import strawberry

from billing.anomalies import Sensitivity
from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.anomalies import SpendWatch
from schema.context import Info
from schema.inputs import Input
from schema.money import MoneyInput
from services import anomalies
from services.outcomes import Refused


@strawberry.input(description="How closely unusual spend is watched for.")
class SetSpendWatchInput(Command):
    sensitivity: Sensitivity = strawberry.field(description="How far from usual is unusual; OFF tells of nothing.")
    floor: MoneyInput | None = strawberry.field(
        default=None, description="A day that costs no more than this is never unusual; left out: as before."
    )


@strawberry.type(description="What saying how closely to watch answers.")
class SetSpendWatchPayload(Payload):
    watch: SpendWatch | None = strawberry.field(default=None, description="How it is watched from now on.")


@strawberry.type
class AnomalyMutations:
    """What clients do about unusual spend."""

    @mutation(
        anomalies.set_watch,
        SetSpendWatchPayload,
        description="Say how closely unusual spend is watched for. Days that were told of are not told of again.",
    )
    async def set_spend_watch(self, info: Info, given: Input[SetSpendWatchInput]) -> SetSpendWatchPayload:
        context, organization_id = info.context, inputs.organization_id(given.organization_id)
        command = anomalies.SetWatch(
            organization_id,
            given.idempotency_key,
            given.sensitivity,
            given.floor.read("floor") if given.floor else None,
        )
        match await context.execute(anomalies.set_watch, command):
            case Refused() as refused:
                return SetSpendWatchPayload.refused(refused)
            case anomalies.WatchSet():
                owner = await owner_of(context, organization_id)
                return SetSpendWatchPayload(watch=await SpendWatch.load(context, owner))
