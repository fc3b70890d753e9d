"""Reserve spend before a call, and say afterwards what became of it."""

from collections.abc import Sequence

import strawberry

from resolvers.commands import mutation
from resolvers.reservation_answers import (
    ReleaseReservationPayload,
    ReleaseReservationsPayload,
    ReserveSpendBatchPayload,
    ReserveSpendPayload,
    SettleReservationPayload,
    SettleReservationsPayload,
    many,
    one,
)
from resolvers.reservation_inputs import (
    ReleaseReservationInput,
    ReleaseReservationsInput,
    ReserveSpendBatchInput,
    ReserveSpendInput,
    SettleReservationInput,
    SettleReservationsInput,
)
from schema import inputs
from schema.context import Info
from schema.inputs import Input, InvalidInput
from services import reservation_facts as facts
from services import reservations, settling
from services.outcomes import RefusalCode


@strawberry.type
class ReservationMutations:
    """What clients do about spend that has not happened yet."""

    @mutation(
        reservations.reserve,
        ReserveSpendPayload,
        description="Hold an amount of every limit that bears on a member, before it is spent; or learn which limit "
        "says no, how much is left of it and when it starts again.",
    )
    async def reserve_spend(self, info: Info, given: Input[ReserveSpendInput]) -> ReserveSpendPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = facts.Reserve(organization_id, given.idempotency_key, (given.ask(organization_id),))
        answer = await info.context.execute(reservations.reserve, command)
        return await one(ReserveSpendPayload, info.context, organization_id, answer, given)

    @mutation(
        reservations.reserve,
        ReserveSpendBatchPayload,
        description="Hold many amounts at once. Each is decided by what the ones before it left.",
    )
    async def reserve_spend_batch(self, info: Info, given: Input[ReserveSpendBatchInput]) -> ReserveSpendBatchPayload:
        organization_id = inputs.organization_id(given.organization_id)
        _bounded(given.reservations, "reservations")
        asks = tuple(
            each.ask(organization_id, "reservations", str(index)) for index, each in enumerate(given.reservations)
        )
        command = facts.Reserve(organization_id, given.idempotency_key, asks)
        answer = await info.context.execute(reservations.reserve, command)
        return await many(
            ReserveSpendBatchPayload, info.context, organization_id, answer, given.reservations, "reservations"
        )

    @mutation(
        settling.settle,
        SettleReservationPayload,
        description="End a reservation with what was really used, which becomes usage like any other. What is above "
        "it is recorded all the same, flagged where it passes a limit, and told.",
    )
    async def settle_reservation(self, info: Info, given: Input[SettleReservationInput]) -> SettleReservationPayload:
        organization_id = inputs.organization_id(given.organization_id)
        actuals = (given.actual(organization_id),)
        command = facts.Settle(organization_id, given.idempotency_key, actuals, given.overage)
        answer = await info.context.execute(settling.settle, command)
        return await one(SettleReservationPayload, info.context, organization_id, answer, given)

    @mutation(
        settling.settle,
        SettleReservationsPayload,
        description="End many reservations with what was really used. Each happens as a whole or not at all.",
    )
    async def settle_reservations(self, info: Info, given: Input[SettleReservationsInput]) -> SettleReservationsPayload:
        organization_id = inputs.organization_id(given.organization_id)
        _bounded(given.settlements, "settlements")
        actuals = tuple(
            each.actual(organization_id, "settlements", str(index)) for index, each in enumerate(given.settlements)
        )
        command = facts.Settle(organization_id, given.idempotency_key, actuals, given.overage)
        answer = await info.context.execute(settling.settle, command)
        return await many(
            SettleReservationsPayload, info.context, organization_id, answer, given.settlements, "settlements"
        )

    @mutation(
        reservations.release,
        ReleaseReservationPayload,
        description="Give up a reservation that came to nothing. One that is gone already is gone.",
    )
    async def release_reservation(self, info: Info, given: Input[ReleaseReservationInput]) -> ReleaseReservationPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = facts.Release(organization_id, given.idempotency_key, (given.which(organization_id),))
        answer = await info.context.execute(reservations.release, command)
        return await one(ReleaseReservationPayload, info.context, organization_id, answer, given)

    @mutation(
        reservations.release,
        ReleaseReservationsPayload,
        description="Give up many reservations that came to nothing.",
    )
    async def release_reservations(
        self, info: Info, given: Input[ReleaseReservationsInput]
    ) -> ReleaseReservationsPayload:
        organization_id = inputs.organization_id(given.organization_id)
        _bounded(given.reservations, "reservations")
        named = tuple(
            each.which(organization_id, "reservations", str(index)) for index, each in enumerate(given.reservations)
        )
        command = facts.Release(organization_id, given.idempotency_key, named)
        answer = await info.context.execute(reservations.release, command)
        return await many(
            ReleaseReservationsPayload, info.context, organization_id, answer, given.reservations, "reservations"
        )


def _bounded(entries: Sequence[object], field: str) -> None:
    if len(entries) > facts.ITEMS_MAX:
        message = f"{len(entries)} {field}: give 1 to {facts.ITEMS_MAX}"
        raise InvalidInput(RefusalCode.INPUT_INVALID, message, (field,))
