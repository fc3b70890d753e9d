"""Who is told what happens, and what became of it?

A secret is no field of anything: it is in the answer of the command that made it, and nowhere else.
"""

from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry

from billing.roles import Permission
from billing.webhooks import DeliveryStatus, DisabledReason, EndpointStatus, Fault
from models import deliveries as sent
from models import webhooks as rows
from models.organizations import Organization
from schema import cursors, ids
from schema.access import field
from schema.audit import AuditEvent
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Context, Info
from schema.enums import mirror
from schema.errors import ErrorCode, GraphError
from schema.members import Member
from schema.nodes import Node

KINDS_MAX = 50
_MEMBER_ACTOR = "member:"

mirror(
    EndpointStatus,
    name="WebhookEndpointStatus",
    description="Whether messages are sent to an endpoint.",
    ENABLED="It is told what happens.",
    DISABLED="Nothing is sent to it; enabled again, it is told what it missed.",
)
mirror(
    DisabledReason,
    name="WebhookDisabledReason",
    description="Why nothing is sent to an endpoint.",
    MANUAL="Somebody disabled it.",
    FAILING="Everything sent to it failed for five days.",
    GONE="It answered 410 Gone.",
)
mirror(
    DeliveryStatus,
    name="WebhookDeliveryStatus",
    description="What became of one message to one endpoint.",
    PENDING="It is yet to be delivered.",
    DELIVERED="It was answered with a 2xx status.",
    FAILED="It was given up after the last attempt; it can be replayed.",
)
mirror(
    Fault,
    name="WebhookFault",
    description="Why an attempt had no answer.",
    ADDRESS_REFUSED="The address leads where nothing is sent, such as into a private network.",
    NAME_UNKNOWN="The name of the host does not resolve.",
    UNREACHABLE="No connection was made, its certificate did not hold, or it broke.",
    TIMED_OUT="There was no answer in time.",
    EVENT_FORGOTTEN="The log no longer has the event.",
    KEY_MISSING="The server lacks the key to the endpoint's secret.",
)


@strawberry.input(description="Which deliveries to list. Criteria that are left out do not restrict.")
class WebhookDeliveryFilter:
    status: DeliveryStatus | None = strawberry.field(default=None, description="Only those of this status.")
    kinds: list[str] | None = strawberry.field(
        default=None, description=f"Only events of these kinds, at most {KINDS_MAX}."
    )

    def selection(self) -> sent.Selection:
        """Return what is asked for."""
        kinds = tuple(self.kinds or ())
        if len(kinds) > KINDS_MAX:
            raise GraphError(ErrorCode.BAD_USER_INPUT, f"{len(kinds)} kinds were given; {KINDS_MAX} are allowed")
        return sent.Selection(self.status.value if self.status else None, kinds)


Matching = Annotated[
    WebhookDeliveryFilter | None, strawberry.argument(name="filter", description="Which deliveries to list.")
]


@strawberry.type(description="One message to one endpoint, with what its last attempt was answered.")
class WebhookDelivery(Node):
    endpoint_id: strawberry.ID = strawberry.field(description="Where it was sent, by the global id of the endpoint.")
    message_id: strawberry.ID = strawberry.field(
        description="The webhook-id it carries: the id of the event, the same through retries and replays."
    )
    kind: str = strawberry.field(description="What happened, as the log calls it.")
    status: DeliveryStatus = strawberry.field(description="What became of it so far.")
    replayed: bool = strawberry.field(description="Whether it was asked for again by replayWebhook.")
    attempts: int = strawberry.field(description="How many attempts were begun.")
    created_at: datetime = strawberry.field(description="Since when it waits to be delivered.")
    attempted_at: datetime | None = strawberry.field(description="When the last attempt began; null before the first.")
    next_attempt_at: datetime | None = strawberry.field(
        description="When the next attempt is due; null when there is none."
    )
    finished_at: datetime | None = strawberry.field(description="When it was delivered or given up.")
    response_status: int | None = strawberry.field(description="The HTTP status of the last answer; null without one.")
    response_excerpt: str | None = strawberry.field(
        description="The beginning of the last answer, or why there is none."
    )
    fault: Fault | None = strawberry.field(description="Why the last attempt had no answer; null where it had one.")
    duration_ms: int | None = strawberry.field(description="How long the last attempt took, in milliseconds.")
    key: strawberry.Private[str]

    @field(description="The event it tells of; null where the log no longer has it.", requires=Permission.AUDIT_READ)
    async def event(self, info: Info) -> AuditEvent | None:
        row = await info.context.loaders.webhook_event.load((self.owner.organization_id, self.key))
        return AuditEvent.of(self.owner, row) if row else None

    @classmethod
    def of(cls, owner: Organization, row: sent.WebhookDelivery) -> "WebhookDelivery":
        """Return the delivery in a row."""
        return cls(
            id=ids.text(ids.Kind.WEBHOOK_DELIVERY, row.organization_id, row.id),
            owner=owner,
            endpoint_id=ids.text(ids.Kind.WEBHOOK_ENDPOINT, row.organization_id, row.endpoint_id),
            message_id=ids.text(ids.Kind.AUDIT_EVENT, row.organization_id, str(row.sequence)),
            kind=row.kind,
            status=DeliveryStatus(row.status),
            replayed=bool(row.replayed),
            attempts=row.attempts,
            created_at=row.created_at,
            attempted_at=row.attempted_at,
            next_attempt_at=row.next_attempt_at,
            finished_at=row.finished_at,
            response_status=row.response_status,
            response_excerpt=row.response_excerpt,
            fault=Fault(row.fault) if row.fault else None,
            duration_ms=row.duration_ms,
            key=row.id,
        )

    @classmethod
    async def load(cls, context: Context, owner: Organization, key: str) -> "WebhookDelivery | None":
        """Return the delivery with this key, as long as its endpoint is there."""
        row = await sent.find(context.reader, owner.organization_id, key)
        if row is None or await rows.find(context.reader, owner.organization_id, row.endpoint_id) is None:
            return None
        return cls.of(owner, row)


@strawberry.type(description="An address that is told what happens, signed so that it knows who is speaking.")
class WebhookEndpoint(Node):
    url: str = strawberry.field(description="Where messages are posted to.")
    description: str = strawberry.field(description="What people call it.")
    kinds: list[str] = strawberry.field(description="The kinds of events it is told of; all where the list is empty.")
    status: EndpointStatus = strawberry.field(description="Whether messages are sent to it.")
    disabled_reason: DisabledReason | None = strawberry.field(
        description="Why nothing is sent to it; null while it is enabled."
    )
    disabled_at: datetime | None = strawberry.field(description="Since when nothing is sent to it.")
    cursor: str | None = strawberry.field(
        description="The last event that was passed on to it or that it does not listen to; null before the first."
    )
    previous_secret_until: datetime | None = strawberry.field(
        description="Until when the secret before the current one signs too."
    )
    failing_since: datetime | None = strawberry.field(
        description="Since when every attempt has failed; null while it answers."
    )
    failures: int = strawberry.field(description="How many attempts in a row have failed.")
    created_at: datetime = strawberry.field(description="When it was opened.")
    created_by: str = strawberry.field(description="Who opened it: a member, an account that is no member, or system.")
    key: strawberry.Private[str]

    @field(description="The member who opened it; null when it was not a member.", requires=Permission.MEMBERS_READ)
    async def created_by_member(self, info: Info) -> Member | None:
        is_member = self.created_by.startswith(_MEMBER_ACTOR)
        member_id = self.created_by.removeprefix(_MEMBER_ACTOR) if is_member else None
        return await Member.load(info.context, self.owner, member_id)

    @field(
        description="What was sent to it in the last 30 days and what is still to be sent, newest first.",
        requires=Permission.WEBHOOKS_READ,
    )
    async def deliveries(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        matching: Matching = None,
    ) -> Connection[WebhookDelivery]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        selection = matching.selection() if matching else sent.EVERYTHING
        listing = Listing("webhookDeliveries", f"{organization_id}/{self.key}")
        window = listing.window(first, after, last, before)
        return listing.connection(
            await sent.page_of(reader, organization_id, self.key, window, selection),
            key=lambda row: row.id,
            node=partial(WebhookDelivery.of, self.owner),
            count=partial(sent.count, reader, organization_id, self.key, selection),
        )

    @classmethod
    def of(cls, owner: Organization, row: rows.WebhookEndpoint) -> "WebhookEndpoint":
        """Return the endpoint in a row."""
        cursor = cursors.encode(cursors.EVENTS, row.organization_id, str(row.cursor)) if row.cursor else None
        return cls(
            id=ids.text(ids.Kind.WEBHOOK_ENDPOINT, row.organization_id, row.id),
            owner=owner,
            url=row.url,
            description=row.description,
            kinds=list(row.kinds),
            status=EndpointStatus(row.status),
            disabled_reason=DisabledReason(row.disabled_reason) if row.disabled_reason else None,
            disabled_at=row.disabled_at,
            cursor=cursor,
            previous_secret_until=row.previous_until,
            failing_since=row.failing_since,
            failures=row.failures,
            created_at=row.created_at,
            created_by=row.created_by,
            key=row.id,
        )

    @classmethod
    async def load(cls, context: Context, owner: Organization, key: str) -> "WebhookEndpoint | None":
        """Return the endpoint with this key."""
        row = await rows.find(context.reader, owner.organization_id, key)
        return cls.of(owner, row) if row else None


@strawberry.type
class WebhooksOfOrganization:
    """The part of an organization that is about webhooks."""

    owner: strawberry.Private[Organization]

    @field(description="The addresses that are told what happens, newest first.", requires=Permission.WEBHOOKS_READ)
    async def webhook_endpoints(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[WebhookEndpoint]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        listing = Listing("webhookEndpoints", organization_id)
        return listing.connection(
            await rows.page_of(reader, organization_id, listing.window(first, after, last, before)),
            key=lambda row: row.id,
            node=partial(WebhookEndpoint.of, self.owner),
            count=partial(rows.count, reader, organization_id),
        )
