"""What is an organization, as the graph shows it?

The root of everything a customer owns. Its fields are declared beside the nouns they lead to, one part a noun; here
are only its own data and the sum of the parts.
"""

from datetime import datetime
from enum import StrEnum
from fractions import Fraction

import strawberry

from billing.money import decimal_text
from billing.roles import Permission
from models import events
from models.organizations import Organization as Row
from schema import access, cursors, ids
from schema.access import field
from schema.access_reviews import AccessOfOrganization
from schema.alerts import AlertsOfOrganization
from schema.anomalies import AnomaliesOfOrganization
from schema.api_clients import ApiClientsOfOrganization
from schema.audit import AuditOfOrganization
from schema.audit_records import AuditRecordsOfOrganization
from schema.clock import TestClock
from schema.context import Context, Info
from schema.contracts import ContractOfOrganization
from schema.credits import CreditsOfOrganization
from schema.directories import DirectoriesOfOrganization
from schema.enums import mirror
from schema.errors import ErrorCode, GraphError
from schema.groups import GroupsOfOrganization
from schema.identity_providers import SignInOfOrganization
from schema.imports import ImportsOfOrganization
from schema.invitations import InvitationsOfOrganization
from schema.invoices import InvoicesOfOrganization
from schema.limit_increases import IncreasesOfOrganization
from schema.limits import LimitsOfOrganization
from schema.members import MembersOfOrganization
from schema.nodes import Node
from schema.parties import BillTo
from schema.payments import PaymentsOfOrganization
from schema.plans import PlanOfOrganization
from schema.reservations import ReservationsOfOrganization
from schema.roles import RolesOfOrganization
from schema.scalars import ExactText
from schema.scim_tokens import ScimTokensOfOrganization
from schema.seat_usage import SeatUsageOfOrganization
from schema.seats import SeatsOfOrganization
from schema.usage import UsageOfOrganization
from schema.webhooks import WebhooksOfOrganization
from services.profiles import HOUR_SECONDS


class OrganizationStatus(StrEnum):
    """Where an organization stands."""

    EVALUATION = "EVALUATION"
    ACTIVE = "ACTIVE"
    READ_ONLY = "READ_ONLY"
    CLOSED = "CLOSED"


mirror(
    OrganizationStatus,
    description="Where an organization stands.",
    EVALUATION="It tries the product; nothing is billed.",
    ACTIVE="It is a customer.",
    READ_ONLY="Nothing changes any more; everything can be read.",
    CLOSED="It is no customer any more; its books are kept.",
)


@strawberry.type(description="A customer: the owner of members, seats, limits, usage and invoices.")
class Organization(
    Node,
    MembersOfOrganization,
    GroupsOfOrganization,
    RolesOfOrganization,
    SeatsOfOrganization,
    SeatUsageOfOrganization,
    PlanOfOrganization,
    ContractOfOrganization,
    UsageOfOrganization,
    ReservationsOfOrganization,
    LimitsOfOrganization,
    AlertsOfOrganization,
    IncreasesOfOrganization,
    AnomaliesOfOrganization,
    InvoicesOfOrganization,
    PaymentsOfOrganization,
    CreditsOfOrganization,
    SignInOfOrganization,
    ApiClientsOfOrganization,
    AuditOfOrganization,
    AuditRecordsOfOrganization,
    WebhooksOfOrganization,
    ScimTokensOfOrganization,
    DirectoriesOfOrganization,
    AccessOfOrganization,
    ImportsOfOrganization,
    InvitationsOfOrganization,
):
    slug: str = strawberry.field(description="The short name in addresses, unique among all organizations.")
    name: str = strawberry.field(description="The name people read.")
    currency: str = strawberry.field(description="The ISO 4217 code of the currency it is billed in.")
    time_zone: str = strawberry.field(description="The IANA time zone in which its days and months are counted.")
    locale: str = strawberry.field(
        description="The language and region in which its invoices are written. Words are in that language where there "
        "are any (en, ru, zh, id) and in English elsewhere; figures and dates always follow it."
    )
    status: OrganizationStatus = strawberry.field(description="Where the organization stands.")
    created_at: datetime = strawberry.field(description="Since when its books are open.")
    evaluation_ends_at: datetime | None = strawberry.field(
        description="Until when it tries the product; null for customers."
    )

    @field(
        description="The legal entity that pays, unless a contract names another.", requires=Permission.INVOICES_READ
    )
    def bill_to(self) -> BillTo:
        return BillTo.of_document(self.owner.bill_to)

    @field(
        description="How many hours after the end of a month its invoice stays a draft, open for late usage.",
        requires=Permission.INVOICES_READ,
    )
    def invoice_grace_hours(self) -> ExactText:
        return ExactText(decimal_text(Fraction(self.owner.invoice_grace_seconds, HOUR_SECONDS)))

    @field(
        description=(
            "Where the organization's news stands now. Ask for it, then subscribe with it as `after`: "
            "nothing that happens in between is missed."
        ),
        requires=Permission.ORGANIZATION_READ,
    )
    async def event_cursor(self, info: Info) -> str:
        organization_id = self.owner.organization_id
        head = await events.head(info.context.reader, organization_id)
        return cursors.encode(cursors.EVENTS, organization_id, str(head))

    @field(
        description="The test clock of a sandbox organization; null for everybody else.",
        requires=Permission.ORGANIZATION_READ,
    )
    def test_clock(self) -> TestClock | None:
        at = self.owner.test_clock_at
        return TestClock(now=at) if at else None

    @classmethod
    def of(cls, row: Row) -> "Organization":
        """Return the organization in a row."""
        return cls(
            id=ids.organization(row.organization_id),
            owner=row,
            slug=row.slug,
            name=row.name,
            currency=row.currency,
            time_zone=row.time_zone,
            locale=row.locale,
            status=OrganizationStatus(row.status),
            created_at=row.created_at,
            evaluation_ends_at=row.evaluation_ends_at,
        )


async def visible(context: Context, organization_id: str) -> Row:
    """Return the organization, or raise NOT_FOUND for a stranger's exactly as for one that does not exist."""
    access.require(context.principal, organization_id, Permission.ORGANIZATION_READ)
    row = await context.loaders.organization.load(organization_id)
    if row is None:
        raise missing()
    return row


def missing() -> GraphError:
    """Return the fault of whoever names an organization that is not there for them."""
    return GraphError(ErrorCode.NOT_FOUND, "there is no such organization")
