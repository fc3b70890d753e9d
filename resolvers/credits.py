"""Put prepaid credit at an organization's disposal."""

from datetime import datetime

import strawberry

from billing.credits import GrantKind
from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.context import Info
from schema.credits import CreditGrant
from schema.inputs import Input
from schema.money import MoneyInput
from services import credits
from services.outcomes import Refused


@strawberry.input(description="Prepaid credit for an organization.")
class GrantCreditInput(Command):
    amount: MoneyInput = strawberry.field(description="How much: above zero, in the organization's currency.")
    reason: str = strawberry.field(description="Why it is granted.")
    kind: GrantKind = strawberry.field(
        default=GrantKind.PROMOTIONAL, description="Whether the customer paid for it. Gifts are drawn first."
    )
    priority: int = strawberry.field(
        default=50, description=f"The lower, the sooner it is drawn: 0 to {credits.PRIORITY_MAX}."
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="Until when it can be drawn; for ever if left out."
    )


@strawberry.type(description="What granting credit answers.")
class GrantCreditPayload(Payload):
    credit_grant: CreditGrant | None = strawberry.field(default=None, description="The credit, ready to be drawn.")


@strawberry.type
class CreditMutations:
    """What clients do about prepaid credit."""

    @mutation(
        credits.grant,
        GrantCreditPayload,
        description="Grant prepaid credit. Every invoice issued from now on draws it, until it is used up or expires.",
    )
    async def grant_credit(self, info: Info, given: Input[GrantCreditInput]) -> GrantCreditPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = credits.Grant(
            organization_id=organization_id,
            idempotency_key=given.idempotency_key,
            amount=given.amount.read("amount"),
            reason=given.reason,
            priority=given.priority,
            kind=given.kind,
            expires_at=given.expires_at,
        )
        match await info.context.execute(credits.grant, command):
            case Refused() as refused:
                return GrantCreditPayload.refused(refused)
            case credits.CreditGranted(grant_id):
                owner = await owner_of(info.context, organization_id)
                return GrantCreditPayload(credit_grant=await CreditGrant.load(info.context, owner, grant_id))
