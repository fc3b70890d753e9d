"""Open an organization's books, and turn an evaluation into a contract."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from auth.principal import Membership, Principal
from billing import contracts as contract_rules
from billing import identifiers
from billing.currencies import UnknownCurrency, exponent
from billing.periods import UnknownTimeZone, from_microseconds, zone
from billing.roles import BUILT_IN, Permission
from models import contracts, idempotency, identities, invoices, members, organizations, plans, role_history
from models import roles as role_rows
from models.fields import dump
from models.sql import Client
from services import answers, audit, closing, profiles, seats
from services import contracts as contract_services
from services.dispatch import Asked, Dispatcher, Request, earlier_answer, key_refusal, record, remember, verb
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

CLOCK_FROM, CLOCK_UNTIL = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_SLUG = re.compile(r"[a-z][a-z0-9-]{1,62}")


@dataclass(frozen=True, slots=True)
class Create:
    """A new organization whose caller becomes its primary owner.

    With `evaluation_ends_at` nothing is billed until then, and the plan starts when the evaluation is converted. With
    `test_clock_at` the organization is a sandbox that lives by a clock of its own. Drafts of invoices stay open for
    late usage for `invoice_grace_seconds`.
    """

    idempotency_key: str
    slug: str
    name: str
    currency: str
    time_zone: str
    locale: str
    plan_key: str
    seller: str = "BILLGRAPH"
    legal_name: str | None = None
    evaluation_ends_at: datetime | None = None
    invoice_grace_seconds: int = 0
    test_clock_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """The books are open."""

    organization_id: str
    member_id: str


@dataclass(frozen=True, slots=True)
class ConvertEvaluation:
    """The contract that an evaluation ends in, as a document."""

    organization_id: str
    idempotency_key: str
    plan_key: str
    contract: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EvaluationConverted:
    """The organization is a customer from now on."""

    contract_id: str


async def create(dispatcher: Dispatcher, command: Create, request: Request) -> Created | Refused:
    """Open an organization, with the built-in roles and the caller as primary owner.

    There is no organization yet to lock or to name, so the idempotency key belongs to the caller's account. Raises
    `founders.NotAFounder` for an account that may not open any.
    """
    dispatcher.founders.require(request.actor)
    refused = key_refusal(command.idempotency_key) or _shape_refusal(command)
    if refused is not None:
        return refused
    scope = request.actor.actor_id("")
    body = answers.body(command)
    text = dump(body)
    asked = Asked("organizations.create", answers.digest("createOrganization", text), audit.asked(command, body, text))

    async def work(client: Client) -> Created | Refused:
        earlier = await idempotency.find(client, scope, command.idempotency_key)
        if earlier is not None:
            answer: Created | Refused = earlier_answer(create, earlier, asked.digest)
            return answer
        return await _open(client, command, request, scope, asked)

    return await dispatcher.runner.run(work, lane=f"slug:{command.slug}")


@verb(Permission.PLAN_WRITE, statuses=frozenset({"EVALUATION"}))
async def convert_evaluation(unit: Unit, command: ConvertEvaluation) -> EvaluationConverted | Refused:
    """Sign a contract: the plan starts with it, and billing with the plan."""
    try:
        contract = contract_rules.from_document(command.contract)
    except contract_rules.InvalidContract as error:
        return Refused(RefusalCode.CONTRACT_INVALID, str(error), ("contract", *error.field.split(".")))
    currency = unit.organization.currency
    if contract.total.currency != currency:
        message = f"the organization is billed in {currency}, the contract is in {contract.total.currency}"
        return Refused(RefusalCode.CURRENCY_MISMATCH, message, ("contract", "total"))
    last = await invoices.last_boundary_microseconds(unit.client, unit.organization_id)
    if last is not None and contract.start <= from_microseconds(last):
        message = (
            f"start {contract.start.isoformat()} is not after {from_microseconds(last).isoformat()}, billed already"
        )
        return Refused(RefusalCode.CONTRACT_INVALID, message, ("contract", "start"))
    offered = await plans.on_offer(unit.client, command.plan_key, currency, at=max(unit.at, contract.start))
    if offered is None:
        return not_found(f"plan {command.plan_key!r} in {currency}", "planKey")
    refused = contract_services.plan_refusal(offered.as_rule(), contract, "contract")
    if refused is not None:
        return refused
    await _subscribe(unit, offered, starts_at=contract.start)
    row = await contracts.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("contract"),
        number=contract.number,
        document=contract_rules.to_document(contract),
        version=contract.version,
        effective_at=contract.start,
        starts_at=contract.start,
        ends_at=contract.end,
        recorded_at=unit.at,
    )
    await organizations.update(unit.client, unit.organization_id, status="ACTIVE", evaluation_ends_at=None)
    await closing.open_books(unit)
    facts = {"contractId": row.id, "number": contract.number, "planKey": command.plan_key}
    unit.emit("EvaluationConverted", facts, before={"status": unit.organization.status})
    return EvaluationConverted(row.id)


@dataclass(frozen=True, slots=True)
class LinkIdentity:
    """The account, issuer and subject, that a member signs in with."""

    organization_id: str
    idempotency_key: str
    member_id: str
    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class IdentityLinked:
    """The account acts as the member from now on."""

    member_id: str


@verb(Permission.MEMBERS_WRITE)
async def link_identity(unit: Unit, command: LinkIdentity) -> IdentityLinked | Refused:
    """Let an account act as a member; an account is at most one member of an organization."""
    if await members.find(unit.client, unit.organization_id, command.member_id) is None:
        return not_found("member", seats.MEMBER_ID)
    known = await identities.find(unit.client, unit.organization_id, command.issuer, command.subject)
    if known is not None:
        return Refused(RefusalCode.ALREADY_EXISTS, "the account is linked to a member already", ("subject",))
    await _link(unit, command.member_id, command.issuer, command.subject)
    return IdentityLinked(command.member_id)


async def _open(client: Client, command: Create, request: Request, scope: str, asked: Asked) -> Created | Refused:
    answer: Created | Refused | None = await _opening_refusal(client, command, at=command.test_clock_at or request.at)
    organization_id = identifiers.derive(request.at, scope, "organization", command.idempotency_key)
    organization = organizations.Organization(
        organization_id=organization_id,
        slug=command.slug,
        name=command.name,
        seller=command.seller,
        currency=command.currency,
        time_zone=command.time_zone,
        locale=command.locale,
        status="EVALUATION" if command.evaluation_ends_at else "ACTIVE",
        bill_to={"legal_name": command.legal_name or command.name},
        invoice_grace_seconds=command.invoice_grace_seconds,
        evaluation_ends_at=command.evaluation_ends_at,
        test_clock_at=command.test_clock_at,
        event_sequence=0,
        created_at=command.test_clock_at or request.at,
    )
    at = command.test_clock_at or request.at
    unit = Unit(client, organization, request.actor, at, request.at, request.request_id, command.idempotency_key)
    if answer is None:
        await organizations.insert(client, organization)
        answer = await _furnish(unit, command)
        await record(unit, asked, answer, request.at)  # a refusal has no organization whose record it could be
    await remember(unit, scope, asked, answer)
    return answer


async def _furnish(unit: Unit, command: Create) -> Created:
    """Give a new organization its roles, its plan and its primary owner."""
    await role_rows.insert(unit.client, unit.organization_id, list(BUILT_IN.values()), built_in=1, at=unit.at)
    facts = {"slug": command.slug, "currency": command.currency, "planKey": command.plan_key}
    unit.emit("OrganizationCreated", facts)
    if command.evaluation_ends_at is None:
        offered = await plans.on_offer(unit.client, command.plan_key, command.currency, at=unit.at)
        assert offered is not None, "the plan was found a moment ago"
        await _subscribe(unit, offered, starts_at=unit.at)
    role = BUILT_IN["primary_owner"]
    actor = unit.actor
    member = await members.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("member"),
        external_id=None,
        email=actor.email.lower(),
        name=actor.name,
        role=role.key,
        status="ACTIVE",
        created_at=unit.at,
        deactivated_at=None,
    )
    unit.actor = _as_member(actor, unit.organization_id, member.id)
    await role_history.start(unit.client, unit.organization_id, {member.id: role.key}, at=unit.at)
    unit.emit("MemberAdded", {"memberId": member.id, "role": role.key}, member_id=member.id)
    await seats.grant(unit, member.id, seats.Seat(role.key, role.billable, None, ()))
    await _link(unit, member.id, actor.issuer, actor.subject)
    await closing.open_books(unit)
    return Created(unit.organization_id, member.id)


async def _link(unit: Unit, member_id: str, issuer: str, subject: str) -> None:
    await identities.insert(
        unit.client,
        organization_id=unit.organization_id,
        issuer=issuer,
        subject=subject,
        member_id=member_id,
        linked_at=unit.at,
    )
    unit.emit("IdentityLinked", {"memberId": member_id, "issuer": issuer}, member_id=member_id)


async def _subscribe(unit: Unit, offered: plans.CatalogPlan, *, starts_at: datetime) -> None:
    await plans.insert(
        unit.client,
        organization_id=unit.organization_id,
        id=unit.new_id("subscription"),
        plan_key=offered.key,
        plan_version=offered.version,
        document=offered.document,
        starts_at=starts_at,
        ends_at=None,
    )
    unit.emit(
        "PlanStarted", {"planKey": offered.key, "planVersion": offered.version, "startsAt": starts_at.isoformat()}
    )


def _as_member(actor: Principal, organization_id: str, member_id: str) -> Principal:
    own = Membership(organization_id, member_id, "primary_owner", frozenset(Permission))
    return Principal.of(
        [*actor.memberships.values(), own],
        issuer=actor.issuer,
        subject=actor.subject,
        name=actor.name,
        email=actor.email,
        authenticated_at=actor.authenticated_at,
        expires_at=actor.expires_at,
        method=actor.method,
    )


def _shape_refusal(command: Create) -> Refused | None:
    if not _SLUG.fullmatch(command.slug):
        message = f"{command.slug[:80]!r} is not a slug: 2 to 63 of a-z, 0-9 and -, a letter first"
        return Refused(RefusalCode.INPUT_INVALID, message, ("slug",))
    refused = profiles.name_refusal(command.name) or profiles.locale_refusal(command.locale)
    refused = refused or profiles.grace_refusal(command.invoice_grace_seconds)
    if refused is not None:
        return refused
    clock = command.test_clock_at
    if clock is not None and not CLOCK_FROM <= clock <= CLOCK_UNTIL:
        message = f"testClockAt {clock.isoformat()} is outside {CLOCK_FROM.year} to {CLOCK_UNTIL.year}"
        return Refused(RefusalCode.TIME_OUT_OF_RANGE, message, ("testClockAt",))
    try:
        exponent(command.currency)
        zone(command.time_zone)
    except UnknownCurrency as error:
        return Refused(RefusalCode.CURRENCY_UNKNOWN, str(error), ("currency",))
    except UnknownTimeZone as error:
        return Refused(RefusalCode.TIME_ZONE_UNKNOWN, str(error), ("timeZone",))
    return None


async def _opening_refusal(client: Client, command: Create, *, at: datetime) -> Refused | None:
    if await organizations.find_by_slug(client, command.slug) is not None:
        return Refused(RefusalCode.ALREADY_EXISTS, f"the slug {command.slug!r} is taken", ("slug",))
    if await plans.on_offer(client, command.plan_key, command.currency, at=at) is None:
        message = f"there is no plan {command.plan_key!r} in {command.currency} at {at.isoformat()}"
        return Refused(RefusalCode.NOT_FOUND, message, ("planKey",))
    return None
