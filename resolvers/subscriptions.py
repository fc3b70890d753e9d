"""Tell subscribers what happens, from where they left off.

A subscriber gives the cursor of the last event it has seen and gets everything since, in order, and then whatever
comes. Without a cursor it gets only what is new. What a subscriber may see is asked when it subscribes and again with
every event.
"""

import json
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from typing import Annotated, Any

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.types.field import StrawberryField

from billing.roles import Permission
from events import feed
from models import events as log
from models.organizations import Organization as Row
from schema import access, changes, cursors, ids
from schema.access import Own, seen_by
from schema.alerts import LimitAlertEvent
from schema.anomalies import UnusualSpendEvent
from schema.audit import OrganizationEvent
from schema.changes import InvoiceStatusChangedEvent, SeatChangedEvent, UsageUpdatedEvent
from schema.context import Context, Info
from schema.errors import ErrorCode, GraphError
from schema.limit_increases import LimitIncreaseChangedEvent
from schema.organizations import missing
from services import alerts, anomalies, limit_increases

OrganizationId = Annotated[strawberry.ID, strawberry.argument(description="The organization to hear of.")]
OnlyMember = Annotated[strawberry.ID | None, strawberry.argument(description="Only what is about this member.")]
After = Annotated[
    str | None,
    strawberry.argument(
        description="The cursor of the last event seen; everything since comes first. Left out: only new ones."
    ),
]


def subscription(permission: Permission, own: Own, *, description: str) -> Callable[[Callable[..., Any]], Any]:
    """Declare a subscription that asks for a permission itself, before its first event."""
    declared: Callable[[Callable[..., Any]], Any] = strawberry.subscription(
        description=description, extensions=[Declared(permission, own)]
    )
    return declared


class Declared(FieldExtension):
    """Shows in the schema what a subscription asks for itself."""

    def __init__(self, permission: Permission, own: Own) -> None:
        self._permission = permission
        self._own = own

    def apply(self, field: StrawberryField) -> None:
        """Show it."""
        access.declare(field, self._permission, self._own)


@strawberry.type
class EventSubscriptions:
    """What clients can hear of."""

    @subscription(
        Permission.SPEND_LIMITS_READ,
        Own.NARROWED,
        description="Alerts of spend limits, as thresholds are reached. Without the permission: those about oneself.",
    )
    async def limit_approaching(
        self, info: Info, organization_id: OrganizationId, member_id: OnlyMember = None, after: After = None
    ) -> AsyncGenerator[LimitAlertEvent, None]:
        context = info.context
        owner = await _owner(context, organization_id, Permission.SPEND_LIMITS_READ, Own.NARROWED)
        wanted = _wanted(context, owner, member_id, Permission.SPEND_LIMITS_READ)
        async with aclosing(_events(context, owner, after, kinds=(alerts.KIND,))) as events:
            async for event in events:
                if wanted is None or event.member_id == wanted:
                    facts: dict[str, Any] = json.loads(event.payload)
                    yield LimitAlertEvent(
                        cursor=_cursor(event),
                        dedup_id=facts["dedupId"],
                        owner=owner,
                        alert_id=facts["alertId"],
                        member_id=event.member_id,
                    )

    @subscription(
        Permission.SPEND_LIMITS_READ,
        Own.NARROWED,
        description="Requests for a higher limit, as they are made, answered and over. Without the permission: one's "
        "own.",
    )
    async def limit_increase_changed(
        self, info: Info, organization_id: OrganizationId, member_id: OnlyMember = None, after: After = None
    ) -> AsyncGenerator[LimitIncreaseChangedEvent, None]:
        context = info.context
        owner = await _owner(context, organization_id, Permission.SPEND_LIMITS_READ, Own.NARROWED)
        wanted = _wanted(context, owner, member_id, Permission.SPEND_LIMITS_READ)
        async with aclosing(_events(context, owner, after, kinds=limit_increases.KINDS)) as events:
            async for event in events:
                if wanted is None or event.member_id == wanted:
                    yield LimitIncreaseChangedEvent(cursor=_cursor(event), owner=owner, row=event)

    @subscription(
        Permission.SPEND_LIMITS_READ,
        Own.NARROWED,
        description="Days on which members spend far more than usual, as they become so; each day once. Without the "
        "permission: one's own.",
    )
    async def unusual_spend(
        self, info: Info, organization_id: OrganizationId, member_id: OnlyMember = None, after: After = None
    ) -> AsyncGenerator[UnusualSpendEvent, None]:
        context = info.context
        owner = await _owner(context, organization_id, Permission.SPEND_LIMITS_READ, Own.NARROWED)
        wanted = _wanted(context, owner, member_id, Permission.SPEND_LIMITS_READ)
        async with aclosing(_events(context, owner, after, kinds=(anomalies.KIND,))) as events:
            async for event in events:
                if wanted is None or event.member_id == wanted:
                    yield UnusualSpendEvent(cursor=_cursor(event), owner=owner, row=event)

    @subscription(
        Permission.USAGE_READ,
        Own.NARROWED,
        description="Usage as it is recorded and corrected. Without the permission: one's own.",
    )
    async def usage_updated(
        self, info: Info, organization_id: OrganizationId, member_id: OnlyMember = None, after: After = None
    ) -> AsyncGenerator[UsageUpdatedEvent, None]:
        context = info.context
        owner = await _owner(context, organization_id, Permission.USAGE_READ, Own.NARROWED)
        wanted = _wanted(context, owner, member_id, Permission.USAGE_READ)
        own = seen_by(context.principal, owner.organization_id, Permission.USAGE_READ)
        async with aclosing(_events(context, owner, after, kinds=changes.USAGE_KINDS)) as events:
            async for event in events:
                if wanted is None or wanted in changes.users_of(event):
                    yield UsageUpdatedEvent(cursor=_cursor(event), owner=owner, row=event, member_id=own)

    @subscription(
        Permission.SEATS_READ,
        Own.NARROWED,
        description="Seats as they are granted, changed and revoked. Without the permission: one's own.",
    )
    async def seat_changed(
        self, info: Info, organization_id: OrganizationId, member_id: OnlyMember = None, after: After = None
    ) -> AsyncGenerator[SeatChangedEvent, None]:
        context = info.context
        owner = await _owner(context, organization_id, Permission.SEATS_READ, Own.NARROWED)
        wanted = _wanted(context, owner, member_id, Permission.SEATS_READ)
        async with aclosing(_events(context, owner, after, kinds=changes.SEAT_KINDS)) as events:
            async for event in events:
                if wanted is None or event.member_id == wanted:
                    yield SeatChangedEvent(cursor=_cursor(event), owner=owner, row=event)

    @subscription(
        Permission.INVOICES_READ,
        Own.NOTHING,
        description="Invoices as they are drafted, issued, paid, voided and given up.",
    )
    async def invoice_status_changed(
        self, info: Info, organization_id: OrganizationId, after: After = None
    ) -> AsyncGenerator[InvoiceStatusChangedEvent, None]:
        context = info.context
        owner = await _owner(context, organization_id, Permission.INVOICES_READ, Own.NOTHING)
        async with aclosing(_events(context, owner, after, kinds=changes.INVOICE_KINDS)) as events:
            async for event in events:
                yield InvoiceStatusChangedEvent(cursor=_cursor(event), owner=owner, row=event)

    @subscription(
        Permission.AUDIT_READ,
        Own.NOTHING,
        description="Everything that happens in an organization, entry by entry of its log.",
    )
    async def organization_events(
        self, info: Info, organization_id: OrganizationId, after: After = None
    ) -> AsyncGenerator[OrganizationEvent, None]:
        context = info.context
        owner = await _owner(context, organization_id, Permission.AUDIT_READ, Own.NOTHING)
        async with aclosing(_events(context, owner, after, kinds=None)) as events:
            async for event in events:
                yield OrganizationEvent(cursor=_cursor(event), owner=owner, row=event)


async def _owner(context: Context, given: str, permission: Permission, own: Own) -> Row:
    """Return the organization a caller may hear of."""
    organization_id = ids.parse(given, ids.Kind.ORGANIZATION).organization_id
    access.require(context.caller, organization_id, permission, own)
    row = await context.loaders.organization.load(organization_id)
    if row is None:
        raise missing()
    return row


def _wanted(context: Context, owner: Row, member_id: str | None, permission: Permission) -> str | None:
    """Return the one member whose events to send, or None for all; raise for somebody else's without permission."""
    own = seen_by(context.principal, owner.organization_id, permission)
    if member_id is None:
        return own
    named = ids.parse(member_id, ids.Kind.MEMBER)
    if named.organization_id != owner.organization_id:
        raise GraphError(ErrorCode.NOT_FOUND, "there is no such member in this organization")
    if own not in (None, named.key):
        access.require(context.principal, owner.organization_id, permission)
    return named.key


def _cursor(event: log.Event) -> str:
    return cursors.encode(cursors.EVENTS, event.organization_id, str(event.sequence))


async def _events(
    context: Context, owner: Row, after: str | None, *, kinds: Collection[str] | None
) -> AsyncGenerator[log.Event, None]:
    """Yield the events after a cursor, or those that are new, of some kinds or of all."""
    head = await log.head(context.reader, owner.organization_id)
    start = head if after is None else cursors.decode_sequence(after, owner.organization_id)
    if start > head:
        raise cursors.MalformedCursor
    follow = feed.follow(context.reader, context.hub, owner.organization_id, after=start, kinds=kinds)
    async with aclosing(follow) as events:
        async for event in events:
            yield event
