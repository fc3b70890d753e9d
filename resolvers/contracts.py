"""Agree anew: amend the running contract, or renew it for another term."""

from datetime import datetime
from typing import Self

import strawberry

from models import contracts as rows
from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.context import Context, Info
from schema.contract_inputs import ContractChangesInput, ContractRenewalInput, placed
from schema.contracts import Contract
from schema.inputs import Input
from services import contracts
from services.outcomes import Refused


@strawberry.type
class ContractPayload(Payload):
    """What every change of a contract answers."""

    contract: Contract | None = strawberry.field(default=None, description="The contract as it was agreed.")

    @classmethod
    async def showing(cls, context: Context, organization_id: str, contract_id: str) -> Self:
        """Return the payload with the version that the command put on record."""
        owner = await owner_of(context, organization_id)
        row = await rows.find(context.reader, organization_id, contract_id)
        return cls(contract=Contract.of(owner, row) if row else None)


@strawberry.input(description="What is agreed anew for the rest of the running term.")
class AmendContractInput(Command):
    effective_at: datetime = strawberry.field(description="From when it holds: not past, and within the term.")
    changes: ContractChangesInput = strawberry.field(
        description="The terms that are different from then on; what is left out stays as it was signed."
    )


@strawberry.input(description="Another term after the newest one.")
class RenewContractInput(Command):
    changes: ContractRenewalInput = strawberry.field(
        default_factory=ContractRenewalInput, description="What the next term has otherwise; nothing if left out."
    )


@strawberry.type(description="What amending a contract answers.")
class AmendContractPayload(ContractPayload):
    pass


@strawberry.type(description="What renewing a contract answers.")
class RenewContractPayload(ContractPayload):
    pass


@strawberry.type
class ContractMutations:
    """What clients do about contracts."""

    @mutation(
        contracts.amend,
        AmendContractPayload,
        description="Put another version of the running contract in force from a date. The versions before it stay on "
        "record, and what was invoiced stays invoiced.",
    )
    async def amend_contract(self, info: Info, given: Input[AmendContractInput]) -> AmendContractPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = contracts.Amend(organization_id, given.idempotency_key, given.changes.document(), given.effective_at)
        match await info.context.execute(contracts.amend, command):
            case Refused() as refused:
                return AmendContractPayload.refused(placed(refused, given))
            case contracts.ContractAmended(contract_id=contract_id):
                return await AmendContractPayload.showing(info.context, organization_id, contract_id)

    @mutation(
        contracts.renew,
        RenewContractPayload,
        description="Add a term that starts where the newest one ends, on the same terms but for the changes given.",
    )
    async def renew_contract(self, info: Info, given: Input[RenewContractInput]) -> RenewContractPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = contracts.Renew(organization_id, given.idempotency_key, given.changes.document())
        match await info.context.execute(contracts.renew, command):
            case Refused() as refused:
                return RenewContractPayload.refused(placed(refused, given))
            case contracts.ContractRenewed(contract_id=contract_id):
                return await RenewContractPayload.showing(info.context, organization_id, contract_id)
