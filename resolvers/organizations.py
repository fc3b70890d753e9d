"""Find an organization, open its books, and turn an evaluation into a contract."""

from datetime import datetime
from typing import Annotated

import strawberry

from auth.principal import Membership, Principal
from billing.roles import BUILT_IN, Permission
from models import organizations as rows
from resolvers.commands import Command, Payload, mutation, owner_of
from schema import ids, inputs
from schema.access import field
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Context, Info
from schema.contract_inputs import ContractInput, placed
from schema.contracts import Contract
from schema.errors import ErrorCode, GraphError
from schema.inputs import Input
from schema.members import Member
from schema.organizations import Organization, missing, visible
from services import organizations as services
from services.outcomes import Refused
from services.profiles import GRACE_HOURS_MAX, HOUR_SECONDS

PRIMARY_OWNER = "primary_owner"


@strawberry.type
class OrganizationQueries:
    """How clients find organizations."""

    @field(description="One organization, by id or by slug: give exactly one of them.", requires=None)
    async def organization(
        self,
        info: Info,
        id: Annotated[strawberry.ID | None, strawberry.argument(description="Its global id.")] = None,  # noqa: A002
        slug: Annotated[str | None, strawberry.argument(description="Its short name in addresses.")] = None,
    ) -> Organization | None:
        if (id is None) == (slug is None):
            raise GraphError(ErrorCode.BAD_USER_INPUT, "give exactly one of id and slug", field="id")
        if id is not None:
            named = ids.parse(id, ids.Kind.ORGANIZATION).organization_id
            return Organization.of(await visible(info.context, named))
        caller, row = info.context.caller, await rows.find_by_slug(info.context.reader, slug or "")
        if row is None or caller.membership(row.organization_id) is None:
            raise missing()
        return Organization.of(await visible(info.context, row.organization_id))

    @field(description="The organizations the caller belongs to and may see, oldest first.", requires=None)
    async def organizations(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Organization]:
        caller, reader = info.context.caller, info.context.reader
        mine = [each.organization_id for each in caller.memberships.values() if each.may(Permission.ORGANIZATION_READ)]
        listing = Listing("organizations", caller.actor_id(""))
        page = await rows.page_of(reader, mine, listing.window(first, after, last, before))

        async def count() -> int:
            return len(await rows.find_many(reader, mine))

        return listing.connection(page, key=lambda row: row.organization_id, node=Organization.of, count=count)


@strawberry.input(description="A new organization. The caller becomes its primary owner.")
class CreateOrganizationInput:
    idempotency_key: str = strawberry.field(
        description="A name for this very command: repeated with it, it happens once and is answered the same."
    )
    slug: str = strawberry.field(description="Its short name in addresses: 2 to 63 of a-z, 0-9 and -, a letter first.")
    name: str = strawberry.field(description="The name people read.")
    currency: str = strawberry.field(description="The ISO 4217 code of the currency it is billed in.")
    time_zone: str = strawberry.field(description="The IANA time zone in which its days and months are counted.")
    locale: str = strawberry.field(description="The language and region of its invoices, such as en or ru-RU.")
    plan_key: str = strawberry.field(description="The key of the plan in the catalogue.")
    legal_name: str | None = strawberry.field(default=None, description="The registered name; the name if left out.")
    evaluation_ends_at: datetime | None = strawberry.field(
        default=None, description="Until when it tries the product, with nothing billed; left out for a customer."
    )
    invoice_grace_hours: int = strawberry.field(
        default=0,
        description="How many hours after the end of a month its invoice stays a draft, open for late usage: 0 to "
        f"{GRACE_HOURS_MAX}.",
    )
    test_clock_at: datetime | None = strawberry.field(
        default=None, description="Makes it a sandbox that lives by a clock of its own, which starts here."
    )


@strawberry.type(description="What opening an organization answers.")
class CreateOrganizationPayload(Payload):
    organization: Organization | None = strawberry.field(default=None, description="The new organization.")
    member: Member | None = strawberry.field(default=None, description="The caller as its primary owner.")


@strawberry.input(description="The contract that an evaluation ends in.")
class ConvertEvaluationInput(Command):
    plan_key: str = strawberry.field(description="The key of the plan in the catalogue; it starts with the contract.")
    contract: ContractInput = strawberry.field(description="What was signed, with which billing begins.")


@strawberry.type(description="What converting an evaluation answers.")
class ConvertEvaluationPayload(Payload):
    organization: Organization | None = strawberry.field(default=None, description="The organization, now a customer.")
    contract: Contract | None = strawberry.field(default=None, description="What was signed, as it was kept.")


@strawberry.type
class OrganizationMutations:
    """What clients do to organizations."""

    @field(
        description="Open an organization, with the built-in roles and the caller as primary owner. It takes being "
        "signed in; whether that is enough is decided by whoever runs the server.",
        requires=None,
    )
    async def create_organization(self, info: Info, given: Input[CreateOrganizationInput]) -> CreateOrganizationPayload:
        command = services.Create(
            idempotency_key=given.idempotency_key,
            slug=given.slug,
            name=given.name,
            currency=given.currency,
            time_zone=given.time_zone,
            locale=given.locale,
            plan_key=given.plan_key,
            legal_name=given.legal_name,
            evaluation_ends_at=given.evaluation_ends_at,
            invoice_grace_seconds=given.invoice_grace_hours * HOUR_SECONDS,
            test_clock_at=given.test_clock_at,
        )
        context = info.context
        answer = await services.create(context.dispatcher, command, context.request())
        context.refresh()
        match answer:
            case Refused():
                return CreateOrganizationPayload.refused(answer)
            case services.Created(organization_id, member_id):
                context.principal = _joined(context.caller, organization_id, member_id)
                owner = await owner_of(context, organization_id)
                member = await Member.load(context, owner, member_id)
                return CreateOrganizationPayload(organization=Organization.of(owner), member=member)

    @mutation(
        services.convert_evaluation,
        ConvertEvaluationPayload,
        description="Sign a contract and end the evaluation: the plan starts with the contract, billing with the plan.",
    )
    async def convert_evaluation(self, info: Info, given: Input[ConvertEvaluationInput]) -> ConvertEvaluationPayload:
        organization_id = inputs.organization_id(given.organization_id)
        command = services.ConvertEvaluation(
            organization_id, given.idempotency_key, given.plan_key, given.contract.document()
        )
        match await info.context.execute(services.convert_evaluation, command):
            case Refused() as refused:
                return ConvertEvaluationPayload.refused(placed(refused, given))
            case services.EvaluationConverted():
                return await _converted(info.context, organization_id)


async def _converted(context: Context, organization_id: str) -> ConvertEvaluationPayload:
    owner = await owner_of(context, organization_id)
    row = await context.loaders.contract.load(organization_id)
    return ConvertEvaluationPayload(
        organization=Organization.of(owner), contract=Contract.of(owner, row) if row else None
    )


def _joined(caller: Principal, organization_id: str, member_id: str) -> Principal:
    """Return the caller with the membership that opening an organization gave them."""
    own = Membership(organization_id, member_id, PRIMARY_OWNER, BUILT_IN[PRIMARY_OWNER].permissions)
    others = [each for each in caller.memberships.values() if each.organization_id != organization_id]
    return Principal.of(
        [*others, own],
        issuer=caller.issuer,
        subject=caller.subject,
        name=caller.name,
        email=caller.email,
        authenticated_at=caller.authenticated_at,
        expires_at=caller.expires_at,
        method=caller.method,
    )
