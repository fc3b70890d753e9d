"""Change what an organization is called, how it is written to, and who pays."""

import strawberry

from billing.contract_terms import BillTo
from resolvers.commands import Command, Payload, mutation, owner_of
from schema import inputs
from schema.context import Info
from schema.contract_inputs import BillToInput
from schema.inputs import Input
from schema.organizations import Organization
from services import profiles
from services.outcomes import Refused


@strawberry.input(description="What should be otherwise; what is left out stays as it is.")
class UpdateOrganizationInput(Command):
    name: str | None = strawberry.field(default=None, description="The name people read.")
    locale: str | None = strawberry.field(
        default=None, description="The language and region of its invoices, such as en or ru-RU."
    )
    bill_to: BillToInput | None = strawberry.field(
        default=None, description="The legal entity that pays, as a whole, in the place of the one before."
    )
    invoice_grace_hours: int | None = strawberry.field(
        default=None,
        description="How many hours after the end of a month its invoice stays a draft, open for late usage: 0 to "
        f"{profiles.GRACE_HOURS_MAX}.",
    )


@strawberry.type(description="What changing an organization answers.")
class UpdateOrganizationPayload(Payload):
    organization: Organization | None = strawberry.field(default=None, description="The organization as it is now.")


@strawberry.type
class ProfileMutations:
    """What clients do to an organization's own data."""

    @mutation(
        profiles.update,
        UpdateOrganizationPayload,
        description="Change an organization's own data. Currency and time zone never change, and what was issued keeps "
        "the name and the payer it was issued with.",
    )
    async def update_organization(self, info: Info, given: Input[UpdateOrganizationInput]) -> UpdateOrganizationPayload:
        organization_id = inputs.organization_id(given.organization_id)
        hours = given.invoice_grace_hours
        command = profiles.Update(
            organization_id=organization_id,
            idempotency_key=given.idempotency_key,
            name=given.name,
            locale=given.locale,
            bill_to=_bill_to(given.bill_to) if given.bill_to else None,
            invoice_grace_seconds=None if hours is None else hours * profiles.HOUR_SECONDS,
        )
        match await info.context.execute(profiles.update, command):
            case Refused() as refused:
                return UpdateOrganizationPayload.refused(refused)
            case profiles.Updated():
                owner = await owner_of(info.context, organization_id)
                return UpdateOrganizationPayload(organization=Organization.of(owner))


def _bill_to(given: BillToInput) -> BillTo:
    return BillTo(given.legal_name, tuple(given.address_lines), given.tax_id, given.country, given.email)
