"""Tell subscribers what happens, from where they left off.

A subscriber gives the cursor of the last event it has seen and gets everything since, in order, and then whatever
comes. Without a cursor it gets only what is new. What a subscriber may see is asked when it subscribes and again with
every event. Each field returns what to follow and how to tell it; the doors share the work among subscribers.
"""

from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.types.field import StrawberryField

from auth.views import as_seen
from billing.roles import Permission
from events.feed import Feed, Told, alone
from models import events as log
from models.organizations import Organization as Row
from schema import access, changes, ids, imports
from schema.access import Own, seen_by
from schema.alerts import LimitAlertEvent
from schema.anomalies import UnusualSpendEvent
from schema.audit import OrganizationEvent
from schema.changes import InvoiceStatusChangedEvent, SeatChangedEvent, UsageUpdatedEvent
from schema.context import Context, Info
from schema.errors import ErrorCode, GraphError
from schema.imports import ImportChangedEvent
from schema.limit_increases import LimitIncreaseChangedEvent
from schema.news import News, stretch
from schema.organizations import missing
from schema.overruns import SpendOverrunEvent
from services import alerts, anomalies, limit_increases, overruns

T = TypeVar("T")

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
    ) -> AsyncIterable[LimitAlertEvent]:
        return await _of_limits(
            info.context, organization_id, member_id, after, LimitAlertEvent.of, frozenset({alerts.KIND})
        )

    @subscription(
        Permission.SPEND_LIMITS_READ,
        Own.NARROWED,
        description="Requests for a higher limit, as they are made, answered and over. Without the permission: one's "
        "own.",
    )
    async def limit_increase_changed(
        self, info: Info, organization_id: OrganizationId, member_id: OnlyMember = None, after: After = None
    ) -> AsyncIterable[LimitIncreaseChangedEvent]:
        return await _of_limits(
            info.context,
            organization_id,
            member_id,
            after,
            LimitIncreaseChangedEvent.of,
            frozenset(limit_increases.KINDS),
        )

    @subscription(
        Permission.SPEND_LIMITS_READ,
        Own.NARROWED,
        description="Days on which members spend far more than usual, as they become so; each day once. Without the "
        "permission: one's own.",
    )
    async def unusual_spend(
        self, info: Info, organization_id: OrganizationId, member_id: OnlyMember = None, after: After = None
    ) -> AsyncIterable[UnusualSpendEvent]:
        return await _of_limits(
            info.context, organization_id, member_id, after, UnusualSpendEvent.of, frozenset({anomalies.KIND})
        )

    @subscription(
        Permission.SPEND_LIMITS_READ,
        Own.NARROWED,
        description="Spend beyond what was reserved for it, or recorded over a limit, each time and whatever "
        "thresholds are set. Without the permission: one's own.",
    )
    async def spend_overrun(
        self, info: Info, organization_id: OrganizationId, member_id: OnlyMember = None, after: After = None
    ) -> AsyncIterable[SpendOverrunEvent]:
        return await _of_limits(
            info.context, organization_id, member_id, after, SpendOverrunEvent.of, frozenset({overruns.KIND})
        )

    @subscription(
        Permission.USAGE_READ,
        Own.NARROWED,
        description="Usage as it is recorded and corrected. Without the permission: one's own.",
    )
    async def usage_updated(
        self, info: Info, organization_id: OrganizationId, member_id: OnlyMember = None, after: After = None
    ) -> AsyncIterable[UsageUpdatedEvent]:
        asked = await _asked(info.context, organization_id, after, Permission.USAGE_READ, Own.NARROWED)
        wanted = _wanted(asked, member_id, Permission.USAGE_READ)
        own = seen_by(info.context.principal, asked.organization_id, Permission.USAGE_READ)
        return asked.news(
            partial(UsageUpdatedEvent.of, own),
            wants=_concerning(frozenset(changes.USAGE_KINDS), wanted),
            joins=partial(changes.sums_up, own),
            pause_seconds=changes.USAGE_PAUSE_SECONDS,
        )

    @subscription(
        Permission.SEATS_READ,
        Own.NARROWED,
        description="Seats as they are granted, changed and revoked. Without the permission: one's own.",
    )
    async def seat_changed(
        self, info: Info, organization_id: OrganizationId, member_id: OnlyMember = None, after: After = None
    ) -> AsyncIterable[SeatChangedEvent]:
        asked = await _asked(info.context, organization_id, after, Permission.SEATS_READ, Own.NARROWED)
        wanted = _wanted(asked, member_id, Permission.SEATS_READ)
        return asked.news(SeatChangedEvent.of, wants=_concerning(frozenset(changes.SEAT_KINDS), wanted))

    @subscription(
        Permission.INVOICES_READ,
        Own.NOTHING,
        description="Invoices as they are drafted, issued, paid, voided and given up.",
    )
    async def invoice_status_changed(
        self, info: Info, organization_id: OrganizationId, after: After = None
    ) -> AsyncIterable[InvoiceStatusChangedEvent]:
        asked = await _asked(info.context, organization_id, after, Permission.INVOICES_READ, Own.NOTHING)
        return asked.news(InvoiceStatusChangedEvent.of, wants=_concerning(frozenset(changes.INVOICE_KINDS), None))

    @subscription(
        Permission.MEMBERS_READ,
        Own.NOTHING,
        description="Lists of people that come in, as they are brought, advance and finish.",
    )
    async def import_changed(
        self, info: Info, organization_id: OrganizationId, after: After = None
    ) -> AsyncIterable[ImportChangedEvent]:
        asked = await _asked(info.context, organization_id, after, Permission.MEMBERS_READ, Own.NOTHING)
        return asked.news(ImportChangedEvent.of, wants=_concerning(frozenset(imports.KINDS), None))

    @subscription(
        Permission.AUDIT_READ,
        Own.NOTHING,
        description="Everything that happens in an organization, entry by entry of its log.",
    )
    async def organization_events(
        self, info: Info, organization_id: OrganizationId, after: After = None
    ) -> AsyncIterable[OrganizationEvent]:
        asked = await _asked(info.context, organization_id, after, Permission.AUDIT_READ, Own.NOTHING)
        return asked.news(OrganizationEvent.of, wants=_anything)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A subscriber who was let in: what they may see, and from where on they want to hear."""

    context: Context
    organization_id: str
    start: int
    head: int

    def news(
        self,
        tell: Callable[[Row, Told], T],
        *,
        wants: Callable[[log.Event], bool],
        joins: Callable[[log.Event, log.Event], bool] = alone,
        pause_seconds: float = 0.0,
    ) -> News[T]:
        """Return the news that was asked for."""
        feed = Feed(self.context.hub, self.context.shared, self.organization_id, wants, joins, pause_seconds)
        view = as_seen(self.context.caller, self.organization_id)
        return News(self.context, feed, view, self.start, self.head, tell)


async def _asked(context: Context, given: str, after: str | None, permission: Permission, own: Own) -> _Asked:
    """Return the question of a caller who may hear of the organization."""
    organization_id = ids.parse(given, ids.Kind.ORGANIZATION).organization_id
    access.require(context.caller, organization_id, permission, own)
    row = await context.loaders.organization.load(organization_id)
    if row is None:
        raise missing()
    return _Asked(context, organization_id, *await stretch(context, row, after))


async def _of_limits(
    context: Context,
    given: str,
    member_id: str | None,
    after: str | None,
    tell: Callable[[Row, Told], T],
    kinds: frozenset[str],
) -> AsyncIterable[T]:
    """Return the news of some kinds about spend limits; without the permission, those about oneself."""
    asked = await _asked(context, given, after, Permission.SPEND_LIMITS_READ, Own.NARROWED)
    wanted = _wanted(asked, member_id, Permission.SPEND_LIMITS_READ)
    return asked.news(tell, wants=_concerning(kinds, wanted))


def _wanted(asked: _Asked, member_id: str | None, permission: Permission) -> str | None:
    """Return the one member whose events to send, or None for all; raise for somebody else's without permission."""
    own = seen_by(asked.context.principal, asked.organization_id, permission)
    if member_id is None:
        return own
    named = ids.parse(member_id, ids.Kind.MEMBER)
    if named.organization_id != asked.organization_id:
        raise GraphError(ErrorCode.NOT_FOUND, "there is no such member in this organization")
    if own not in (None, named.key):
        access.require(asked.context.principal, asked.organization_id, permission)
    return named.key


def _anything(_event: log.Event) -> bool:
    return True


def _concerning(kinds: frozenset[str], member_id: str | None) -> Callable[[log.Event], bool]:
    """Return what picks the events of some kinds that concern one member, or anybody."""
    if member_id is None:
        return lambda event: event.kind in kinds
    return lambda event: event.kind in kinds and changes.concerns(event, member_id)
