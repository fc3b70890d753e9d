"""How does a client say what to reserve, what it came to, or which reservation it means?"""

from datetime import datetime

import strawberry

from billing.rating import Direction
from resolvers.commands import Command
from resolvers.member_names import MemberName
from schema import inputs
from schema.ids import Kind
from schema.inputs import InvalidInput
from schema.money import ExactMoneyInput
from schema.scalars import Long
from services import reservation_facts as facts
from services.outcomes import RefusalCode
from services.usage_facts import Overage


@strawberry.input(description="What a call is expected to use of one meter.")
class EstimatedQuantityInput:
    meter: str = strawberry.field(default="tokens", description="The meter of the plan.")
    model: str = strawberry.field(description="Which model is used, as the rate card calls it.")
    direction: Direction = strawberry.field(description="Which side of the call is metered.")
    quantity: Long = strawberry.field(description="How many units are expected.")


@strawberry.input(
    description="What to reserve: an amount, or what estimated quantities cost. Name the member in one of three ways."
)
class SpendReservationInput(MemberName):
    external_id: str = strawberry.field(description="The caller's own id of it; it makes a repeat harmless.")
    amount: ExactMoneyInput | None = strawberry.field(default=None, description="The amount to hold.")
    quantities: list[EstimatedQuantityInput] = strawberry.field(
        default_factory=list,
        description=f"What is expected to be used, at most {facts.QUANTITIES_MAX}: its price now is what is held.",
    )
    ttl_seconds: int = strawberry.field(
        default=facts.TTL_SECONDS_DEFAULT,
        description=f"After how many seconds it ends by itself: {facts.TTL_SECONDS_MIN} to {facts.TTL_SECONDS_MAX}.",
    )

    def ask(self, organization_id: str, *path: str) -> facts.Ask:
        """Return the ask as the service takes it; `path` is its place in the input."""
        named_by, name = self.named(organization_id, *path)
        return facts.Ask(
            external_id=self.external_id,
            member_id=name,
            amount_nanos=self.amount.nanos(*path, "amount") if self.amount else None,
            currency=self.amount.currency if self.amount else None,
            estimates=tuple(
                facts.Estimate(each.meter, each.model, each.direction, each.quantity) for each in self.quantities
            ),
            ttl_seconds=self.ttl_seconds,
            named_by=named_by,
        )


@strawberry.input(description="One reservation.")
class ReserveSpendInput(SpendReservationInput, Command):
    pass


@strawberry.input(description="Up to 1,000 reservations.")
class ReserveSpendBatchInput(Command):
    reservations: list[SpendReservationInput] = strawberry.field(
        description="The reservations, each decided on its own, in this order."
    )


@strawberry.input
class ReservationName:
    """The fields by which an input names a reservation."""

    reservation_id: strawberry.ID | None = strawberry.field(default=None, description="The reservation, by our id.")
    external_id: str | None = strawberry.field(default=None, description="The reservation, by the caller's id.")

    def which(self, organization_id: str, *path: str) -> facts.Which:
        """Return which reservation is meant; `path` is the place in the input."""
        if (self.reservation_id is None) is (self.external_id is None):
            message = "name the reservation by exactly one of reservationId, externalId"
            raise InvalidInput(RefusalCode.INPUT_INVALID, message, (*path, "reservationId"))
        if self.reservation_id is None:
            return facts.Which(None, self.external_id)
        return facts.Which(
            inputs.key(self.reservation_id, Kind.RESERVATION, organization_id, *path, "reservationId"), None
        )

    def blamed(self, field: tuple[str, ...]) -> tuple[str, ...]:
        """Return the path of a refusal with the field by which the reservation was really named."""
        name = "externalId" if self.reservation_id is None else "reservationId"
        return tuple(name if part == "reservationId" else part for part in field)


@strawberry.input(description="One measured use that a reservation was made for.")
class CapturedUseInput:
    id: str = strawberry.field(description="The source's own id of the usage event.")
    meter: str = strawberry.field(default="tokens", description="The meter of the plan that it counts on.")
    model: str = strawberry.field(description="The model that was used.")
    direction: Direction = strawberry.field(description="Which side of the call was metered.")
    quantity: Long = strawberry.field(description="How many units were used.")
    occurred_at: datetime | None = strawberry.field(
        default=None, description="When it was used; left out, when it was reserved."
    )


@strawberry.input(description="What a reservation came to: what was used, or an amount of a meter sold by the unit.")
class SettlementInput(ReservationName):
    usage: list[CapturedUseInput] = strawberry.field(
        default_factory=list,
        description=f"What was used, at most {facts.USES_MAX}; each becomes a usage event like any other.",
    )
    amount: ExactMoneyInput | None = strawberry.field(
        default=None, description="Instead of usage: what it cost, a whole number of units of `meter`."
    )
    meter: str | None = strawberry.field(default=None, description="The meter that `amount` is billed on.")

    def actual(self, organization_id: str, *path: str) -> facts.Actual:
        """Return the settlement as the service takes it; `path` is its place in the input."""
        return facts.Actual(
            which=self.which(organization_id, *path),
            uses=tuple(
                facts.Use(each.id, each.meter, each.model, each.direction, each.quantity, each.occurred_at)
                for each in self.usage
            ),
            amount_nanos=self.amount.nanos(*path, "amount") if self.amount else None,
            currency=self.amount.currency if self.amount else None,
            meter=self.meter,
        )


@strawberry.input
class Settling(Command):
    """What is asked of every settlement."""

    overage: Overage = strawberry.field(
        default=Overage.REFUSE,
        description="What happens to the usage of an expired reservation where it no longer fits a spend limit; "
        "what is above one that has not is always recorded, and flagged.",
    )


@strawberry.input(description="What one reservation came to.")
class SettleReservationInput(SettlementInput, Settling):
    pass


@strawberry.input(description="What up to 1,000 reservations came to, with at most 1,000 uses in all.")
class SettleReservationsInput(Settling):
    settlements: list[SettlementInput] = strawberry.field(
        description="The settlements, each of which happens as a whole or not at all."
    )


@strawberry.input(description="A reservation that came to nothing.")
class ReleaseReservationInput(ReservationName, Command):
    pass


@strawberry.input(description="One reservation, by our id or by the caller's.")
class ReservationNameInput(ReservationName):
    pass


@strawberry.input(description="Up to 1,000 reservations that came to nothing.")
class ReleaseReservationsInput(Command):
    reservations: list[ReservationNameInput] = strawberry.field(
        description="Which ones to give back: up to 1,000, each with an outcome of its own."
    )
