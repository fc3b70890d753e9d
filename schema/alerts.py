"""Who was told that a limit is near?

An alert is raised once for each threshold, window and version of a limit. Its `dedupId` is the same wherever and
however often it is delivered, so a receiver recognizes a repeat. A plain member sees those about themself.
"""

import json
from datetime import datetime
from functools import partial

import strawberry

from billing import periods as period_rules
from billing.limits import LimitKind, SpendLevel, TierScope
from billing.roles import Permission
from billing.windows import Interval
from events.feed import Told
from models import alerts as rows
from models.organizations import Organization
from schema import ids
from schema.access import Own, field, seen_by
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Info
from schema.members import Member
from schema.money import Money
from schema.news import cursor
from schema.nodes import Node
from schema.periods import Period
from schema.standings import subject_text

NAME = "limitAlerts"


@strawberry.type(description="A threshold of a spend limit was reached. The figures are those of that moment.")
class LimitAlert(Node):
    dedup_id: str = strawberry.field(description="The same for every delivery of this alert.")
    level: SpendLevel = strawberry.field(description="Whose spend the limit caps.")
    subject: str = strawberry.field(
        description="The organization's id, the group's id, the seat tier's key or the member's id."
    )
    scope: TierScope | None = strawberry.field(description="What a limit on a seat tier means; null at other levels.")
    kind: LimitKind = strawberry.field(description="What the limit does when it is reached.")
    interval: Interval = strawberry.field(description="Over how long the limit counts: a day, a week or a month.")
    threshold: int = strawberry.field(
        description="How many percent of the limit were reached; for an amount, rounded down, and 0 without a cap."
    )
    threshold_amount: Money | None = strawberry.field(
        description="The amount that was reached, where the threshold is one; null for a percent."
    )
    cap: Money | None = strawberry.field(description="What the limit allowed in its interval; null for no limit.")
    spent: Money = strawberry.field(description="What was spent and held against it.")
    remaining: Money | None = strawberry.field(description="What was left of it; null for no limit.")
    period: Period = strawberry.field(description="The month, week or day the spend counts in.")
    raised_at: datetime = strawberry.field(description="When the threshold was reached.")
    member_id: strawberry.Private[str | None]

    @field(
        description="The member whose spend it is; null where the spend of several counts together.",
        requires=Permission.MEMBERS_READ,
        own=Own.SUBJECT,
    )
    async def member(self, info: Info) -> Member | None:
        return await Member.load(info.context, self.owner, self.member_id)

    @classmethod
    def of(cls, owner: Organization, row: rows.LimitAlert) -> "LimitAlert":
        """Return the alert in a row."""
        currency, locale, level = owner.currency, owner.locale, SpendLevel(row.level)
        return cls(
            id=ids.text(ids.Kind.LIMIT_ALERT, row.organization_id, row.id),
            owner=owner,
            dedup_id=row.dedup_id,
            level=level,
            subject=subject_text(owner, level, row.subject),
            scope=TierScope(row.scope) if level is SpendLevel.SEAT_TIER else None,
            kind=LimitKind(row.kind),
            interval=Interval(row.interval),
            threshold=row.threshold,
            threshold_amount=Money.of_nanos_or_none(row.threshold_nanos, currency, locale),
            cap=Money.of_nanos_or_none(row.cap_nanos, currency, locale),
            spent=Money.of_nanos(row.spent_nanos, currency, locale),
            remaining=Money.of_nanos_or_none(_left(row), currency, locale),
            period=Period.of(period_rules.Period(row.period_start, row.period_end), owner.time_zone),
            raised_at=row.raised_at,
            member_id=row.member_id,
        )


def _left(row: rows.LimitAlert) -> int | None:
    return None if row.cap_nanos is None else max(0, row.cap_nanos - row.spent_nanos)


@strawberry.type(description="An alert on its way to a subscriber.")
class LimitAlertEvent:
    cursor: str = strawberry.field(description="Where the event stands; give it as `after` to go on from here.")
    dedup_id: str = strawberry.field(description="The same for every delivery of this alert.")
    owner: strawberry.Private[Organization]
    alert_id: strawberry.Private[str]
    member_id: strawberry.Private[str | None]

    @field(
        description="The alert. The permission is asked for again with every event.",
        requires=Permission.SPEND_LIMITS_READ,
        own=Own.SUBJECT,
    )
    async def alert(self, info: Info) -> LimitAlert:
        row = await info.context.loaders.alert.load((self.owner.organization_id, self.alert_id))
        assert row is not None, "an alert is written in the transaction of its event"
        return LimitAlert.of(self.owner, row)

    @classmethod
    def of(cls, owner: Organization, told: Told) -> "LimitAlertEvent":
        """Return the news of one alert."""
        (event,) = told.events
        facts = json.loads(event.payload)
        return cls(
            cursor=cursor(told),
            dedup_id=facts["dedupId"],
            owner=owner,
            alert_id=facts["alertId"],
            member_id=event.member_id,
        )


@strawberry.type
class AlertsOfOrganization:
    """The part of an organization that is about alerts."""

    owner: strawberry.Private[Organization]

    @field(
        description="The alerts raised so far, newest first. Without the permission: those about the caller.",
        requires=Permission.SPEND_LIMITS_READ,
        own=Own.NARROWED,
    )
    async def limit_alerts(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[LimitAlert]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        viewer = seen_by(info.context.principal, organization_id, Permission.SPEND_LIMITS_READ)
        listing = Listing(NAME, organization_id)
        window = listing.window(first, after, last, before)
        return listing.connection(
            await rows.page_of(reader, organization_id, window, seen_by=viewer),
            key=lambda row: row.id,
            node=partial(LimitAlert.of, self.owner),
            count=partial(rows.count, reader, organization_id, seen_by=viewer),
        )
