"""Find anything again by its global id.

A thing of an organization the caller does not belong to is null, exactly like one that never was. What the caller's
role may not see is FORBIDDEN, and text that is no id is ID_INVALID.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Final

import strawberry

from billing.roles import Permission
from models import api_clients, audit, credits, events, identity_providers, payments, scim_tokens
from models.organizations import Organization as Row
from schema import access, ids
from schema.access import Own, field
from schema.alerts import LimitAlert
from schema.anomalies import SpendAnomaly
from schema.api_clients import ApiClient
from schema.audit import AuditEvent
from schema.audit_records import AuditRecord
from schema.context import Context, Info
from schema.credits import CreditEntry, CreditGrant
from schema.directories import DirectoryGroup
from schema.errors import ErrorCode, GraphError
from schema.groups import Group
from schema.identity_providers import IdentityProvider
from schema.ids import GlobalId, Kind
from schema.imports import Import
from schema.invitations import Invitation
from schema.invoices import Invoice
from schema.limit_increases import LimitIncreaseRequest
from schema.limits import SpendLimit
from schema.members import Member
from schema.nodes import Node
from schema.organizations import Organization
from schema.payments import CreditNote, Payment, PaymentMethod
from schema.reservations import Reservation
from schema.roles import Role
from schema.scim_tokens import ScimToken
from schema.usage_events import UsageEvent
from schema.webhooks import WebhookDelivery, WebhookEndpoint

NODES_MAX = 100


@dataclass(frozen=True, slots=True)
class Finder:
    """How one kind of thing is found, and what it takes to see it."""

    requires: Permission
    find: Callable[[Context, Row, str], Awaitable[Node | None]]


async def _organization(_context: Context, owner: Row, _key: str) -> Node | None:
    return Organization.of(owner)


async def _member(context: Context, owner: Row, key: str) -> Node | None:
    return await Member.load(context, owner, key)


async def _invoice(context: Context, owner: Row, key: str) -> Node | None:
    return await Invoice.load(context, owner, key)


async def _role(context: Context, owner: Row, key: str) -> Node | None:
    row = await context.loaders.role.load((owner.organization_id, key))
    return Role.of(owner, row) if row else None


async def _group(context: Context, owner: Row, key: str) -> Node | None:
    return await Group.load(context, owner, key)


async def _spend_limit(context: Context, owner: Row, key: str) -> Node | None:
    row = await context.loaders.limit.load((owner.organization_id, key))
    return SpendLimit.of(owner, row) if row else None


async def _limit_alert(context: Context, owner: Row, key: str) -> Node | None:
    row = await context.loaders.alert.load((owner.organization_id, key))
    if row is None:
        return None
    access.require(
        context.principal, owner.organization_id, Permission.SPEND_LIMITS_READ, Own.SUBJECT, member_id=row.member_id
    )
    return LimitAlert.of(owner, row)


async def _limit_increase(context: Context, owner: Row, key: str) -> Node | None:
    return await LimitIncreaseRequest.load(context, owner, key)


async def _spend_anomaly(context: Context, owner: Row, key: str) -> Node | None:
    return await SpendAnomaly.load(context, owner, key)


async def _payment(context: Context, owner: Row, key: str) -> Node | None:
    row = await payments.find(context.reader, owner.organization_id, key)
    return Payment.of(owner, row) if row else None


async def _payment_method(context: Context, owner: Row, key: str) -> Node | None:
    row = await payments.find_method(context.reader, owner.organization_id, key)
    return PaymentMethod.of(owner, row) if row else None


async def _credit_note(context: Context, owner: Row, key: str) -> Node | None:
    row = await payments.find_credit_note(context.reader, owner.organization_id, key)
    return CreditNote.of(owner, row) if row else None


async def _usage_event(context: Context, owner: Row, key: str) -> Node | None:
    found = await UsageEvent.load(context, owner, key)
    if found is not None:
        organization_id = owner.organization_id
        access.require(
            context.principal, organization_id, Permission.USAGE_READ, Own.SUBJECT, member_id=found.member_id
        )
    return found


async def _reservation(context: Context, owner: Row, key: str) -> Node | None:
    found = await Reservation.load(context, owner, key)
    if found is not None:
        organization_id = owner.organization_id
        access.require(
            context.principal, organization_id, Permission.USAGE_READ, Own.SUBJECT, member_id=found.member_id
        )
    return found


async def _credit_grant(context: Context, owner: Row, key: str) -> Node | None:
    return await CreditGrant.load(context, owner, key)


async def _credit_entry(context: Context, owner: Row, key: str) -> Node | None:
    row = await credits.find_entry(context.reader, owner.organization_id, key)
    return CreditEntry.of(owner, row) if row else None


async def _audit_event(context: Context, owner: Row, key: str) -> Node | None:
    row = await events.find(context.reader, owner.organization_id, int(key))
    return AuditEvent.of(owner, row) if row else None


async def _audit_record(context: Context, owner: Row, key: str) -> Node | None:
    row = await audit.find(context.reader, owner.organization_id, int(key))
    return AuditRecord.of(owner, row) if row else None


async def _webhook_endpoint(context: Context, owner: Row, key: str) -> Node | None:
    return await WebhookEndpoint.load(context, owner, key)


async def _webhook_delivery(context: Context, owner: Row, key: str) -> Node | None:
    return await WebhookDelivery.load(context, owner, key)


async def _identity_provider(context: Context, owner: Row, key: str) -> Node | None:
    row = await identity_providers.find(context.reader, owner.organization_id, key)
    return IdentityProvider.of(owner, row) if row else None


async def _api_client(context: Context, owner: Row, key: str) -> Node | None:
    row = await api_clients.find(context.reader, owner.organization_id, key)
    return ApiClient.of(owner, row) if row else None


async def _scim_token(context: Context, owner: Row, key: str) -> Node | None:
    row = await scim_tokens.find(context.reader, owner.organization_id, key)
    return ScimToken.of(owner, row) if row else None


async def _import(context: Context, owner: Row, key: str) -> Node | None:
    return await Import.load(context, owner, key)


async def _invitation(context: Context, owner: Row, key: str) -> Node | None:
    return await Invitation.load(context, owner, key)


async def _directory_group(context: Context, owner: Row, key: str) -> Node | None:
    return await DirectoryGroup.load(context, owner, key)


_FINDERS: Final[Mapping[Kind, Finder]] = MappingProxyType(
    {
        Kind.ORGANIZATION: Finder(Permission.ORGANIZATION_READ, _organization),
        Kind.MEMBER: Finder(Permission.MEMBERS_READ, _member),
        Kind.ROLE: Finder(Permission.MEMBERS_READ, _role),
        Kind.GROUP: Finder(Permission.MEMBERS_READ, _group),
        Kind.SPEND_LIMIT: Finder(Permission.SPEND_LIMITS_READ, _spend_limit),
        Kind.LIMIT_ALERT: Finder(Permission.SELF_READ, _limit_alert),
        Kind.LIMIT_INCREASE_REQUEST: Finder(Permission.SELF_READ, _limit_increase),
        Kind.SPEND_ANOMALY: Finder(Permission.SELF_READ, _spend_anomaly),
        Kind.INVOICE: Finder(Permission.INVOICES_READ, _invoice),
        Kind.PAYMENT: Finder(Permission.INVOICES_READ, _payment),
        Kind.PAYMENT_METHOD: Finder(Permission.INVOICES_READ, _payment_method),
        Kind.CREDIT_NOTE: Finder(Permission.INVOICES_READ, _credit_note),
        Kind.USAGE_EVENT: Finder(Permission.SELF_READ, _usage_event),
        Kind.RESERVATION: Finder(Permission.SELF_READ, _reservation),
        Kind.CREDIT_GRANT: Finder(Permission.INVOICES_READ, _credit_grant),
        Kind.CREDIT_ENTRY: Finder(Permission.INVOICES_READ, _credit_entry),
        Kind.IDENTITY_PROVIDER: Finder(Permission.ACCESS_READ, _identity_provider),
        Kind.API_CLIENT: Finder(Permission.ACCESS_READ, _api_client),
        Kind.AUDIT_EVENT: Finder(Permission.AUDIT_READ, _audit_event),
        Kind.AUDIT_RECORD: Finder(Permission.AUDIT_READ, _audit_record),
        Kind.SCIM_TOKEN: Finder(Permission.ACCESS_READ, _scim_token),
        Kind.INVITATION: Finder(Permission.MEMBERS_READ, _invitation),
        Kind.IMPORT: Finder(Permission.MEMBERS_READ, _import),
        Kind.DIRECTORY_GROUP: Finder(Permission.MEMBERS_READ, _directory_group),
        Kind.WEBHOOK_ENDPOINT: Finder(Permission.WEBHOOKS_READ, _webhook_endpoint),
        Kind.WEBHOOK_DELIVERY: Finder(Permission.WEBHOOKS_READ, _webhook_delivery),
    }
)


@strawberry.type
class NodeQueries:
    """How clients find a thing again."""

    @field(
        description="The thing with this global id; null for one that is not there, or not there for the caller.",
        requires=None,
    )
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")],  # noqa: A002
    ) -> Node | None:
        return await _found(info.context, ids.parse(id))

    @field(
        description=f"The things with these global ids, in their order, null for each that is not there; at most "
        f"{NODES_MAX}.",
        requires=None,
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(name="ids", description="The global ids.")],
    ) -> list[Node | None]:
        found: Any = await all_found(info.context, _named(ids))
        return list(found)  # an exception among them becomes an error at its place


def _named(given: Sequence[str]) -> list[GlobalId]:
    return [ids.parse(each) for each in given[: NODES_MAX + 1]]


async def all_found(context: Context, named: Sequence[GlobalId]) -> list[Node | BaseException | None]:
    """Return the things that ids name, in their order: null for what is not there, a fault for what may not be seen."""
    if len(named) > NODES_MAX:
        message = f"more than {NODES_MAX} ids were given"
        raise GraphError(ErrorCode.PAGE_SIZE_INVALID, message, page_max=NODES_MAX)
    return await asyncio.gather(*(_found(context, each) for each in named), return_exceptions=True)


async def _found(context: Context, named: GlobalId) -> Node | None:
    finder, caller = _FINDERS.get(named.kind), context.caller
    if finder is None or caller.membership(named.organization_id) is None:
        return None
    own, member_id = (Own.SUBJECT, named.key) if named.kind is Kind.MEMBER else (Own.NOTHING, None)
    access.require(caller, named.organization_id, finder.requires, own, member_id=member_id)
    owner = await context.loaders.organization.load(named.organization_id)
    return await finder.find(context, owner, named.key) if owner else None
