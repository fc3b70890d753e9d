"""On which days did members spend far more than usual, and how closely is that watched?

A day is told of once; its `dedupId` is the same wherever and however often it is delivered, so a receiver recognizes a
repeat. A plain member sees their own days.
"""

import json
from datetime import date, datetime
from functools import partial
from typing import Any

import strawberry

from billing.anomalies import ACTIVE_DAYS_MIN, DISTANCES, HISTORY_DAYS, Sensitivity
from billing.roles import Permission
from events.feed import Told
from models import anomalies as rows
from models import events
from models.organizations import Organization
from schema import access, ids
from schema.access import Own, field, seen_by
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Context, Info
from schema.enums import mirror
from schema.members import Member
from schema.money import Money
from schema.news import cursor
from schema.nodes import Node
from services import anomalies

mirror(
    Sensitivity,
    name="SpendWatchSensitivity",
    description="How far from usual a member's day must be to be told of. Usual is the median of the days on which "
    f"the member spent anything, among the {HISTORY_DAYS} before it, at least {ACTIVE_DAYS_MIN}; the distance is the "
    "median distance of these days from it, and at least a sixth of it.",
    OFF="Nothing is told of.",
    **{
        each.value: f"A day that is more than {count} distances above usual is told of."
        for each, count in DISTANCES.items()
    },
)


@strawberry.type(description="How closely unusual spend is watched for.")
class SpendWatch:
    sensitivity: Sensitivity = strawberry.field(description="How far from usual is unusual.")
    floor: Money = strawberry.field(description="A day that costs no more than this is never unusual.")

    @classmethod
    async def load(cls, context: Context, owner: Organization) -> "SpendWatch":
        """Return how an organization watches."""
        sensitivity, floor_minor = await anomalies.watch_of(context.reader, owner.organization_id)
        return cls(sensitivity=sensitivity, floor=Money.of_minor(floor_minor, owner.currency, owner.locale))


@strawberry.type(
    description="A day on which a member spent far more than usual. The figures are those of the moment it was noticed."
)
class SpendAnomaly(Node):
    dedup_id: str = strawberry.field(description="The same for every delivery of this news.")
    day: date = strawberry.field(description="The local day.")
    spent: Money = strawberry.field(description="What the member had spent on it when it became unusual.")
    usual: Money = strawberry.field(description="The median of the days it is compared with.")
    distance: Money = strawberry.field(description="The median distance of these days from their median.")
    threshold: Money = strawberry.field(description="Above what the day was unusual.")
    history_days: int = strawberry.field(description="With how many days it is compared.")
    detected_at: datetime = strawberry.field(description="When it was noticed.")
    member_id: strawberry.Private[str]

    @field(description="Who spent it.", requires=Permission.MEMBERS_READ, own=Own.SUBJECT)
    async def member(self, info: Info) -> Member | None:
        return await Member.load(info.context, self.owner, self.member_id)

    @classmethod
    def of(cls, owner: Organization, row: rows.SpendAnomaly) -> "SpendAnomaly":
        """Return the anomaly in a row."""
        currency, locale = owner.currency, owner.locale
        return cls(
            id=ids.text(ids.Kind.SPEND_ANOMALY, row.organization_id, row.id),
            owner=owner,
            dedup_id=row.dedup_id,
            day=date.fromisoformat(row.day),
            spent=Money.of_nanos(row.spent_nanos, currency, locale),
            usual=Money.of_nanos(row.median_nanos, currency, locale),
            distance=Money.of_nanos(row.distance_nanos, currency, locale),
            threshold=Money.of_nanos(row.threshold_nanos, currency, locale),
            history_days=row.history_days,
            detected_at=row.detected_at,
            member_id=row.member_id,
        )

    @classmethod
    async def load(cls, context: Context, owner: Organization, anomaly_id: str) -> "SpendAnomaly | None":
        """Return an anomaly by id to whoever may see it; raise the coded fault for somebody else's."""
        organization_id = owner.organization_id
        row = await rows.find(context.reader, organization_id, anomaly_id)
        if row is None:
            return None
        access.require(
            context.principal, organization_id, Permission.SPEND_LIMITS_READ, Own.SUBJECT, member_id=row.member_id
        )
        return cls.of(owner, row)


@strawberry.type(description="News of unusual spend on its way to a subscriber.")
class UnusualSpendEvent:
    cursor: str = strawberry.field(description="Where the event stands; give it as `after` to go on from here.")
    owner: strawberry.Private[Organization]
    row: strawberry.Private[events.Event]

    @property
    def member_id(self) -> str | None:
        """The member who spent it."""
        return self.row.member_id

    @field(description="The same for every delivery of this news.", requires=None)
    def dedup_id(self) -> str:
        facts: dict[str, Any] = json.loads(self.row.payload)
        return str(facts["dedupId"])

    @field(
        description="What was noticed. The permission is asked for again with every event.",
        requires=Permission.SPEND_LIMITS_READ,
        own=Own.SUBJECT,
    )
    async def anomaly(self, info: Info) -> SpendAnomaly:
        facts: dict[str, Any] = json.loads(self.row.payload)
        found = await SpendAnomaly.load(info.context, self.owner, facts["anomalyId"])
        assert found is not None, "an anomaly is written in the transaction of its event"
        return found

    @classmethod
    def of(cls, owner: Organization, told: Told) -> "UnusualSpendEvent":
        """Return the news of one day."""
        (row,) = told.events
        return cls(cursor=cursor(told), owner=owner, row=row)


@strawberry.type
class AnomaliesOfOrganization:
    """The part of an organization that is about unusual spend."""

    owner: strawberry.Private[Organization]

    @field(description="How closely unusual spend is watched for.", requires=Permission.SPEND_LIMITS_READ)
    async def spend_watch(self, info: Info) -> SpendWatch:
        return await SpendWatch.load(info.context, self.owner)

    @field(
        description="The days on which members spent far more than usual, newest first. Without the permission: the "
        "caller's own.",
        requires=Permission.SPEND_LIMITS_READ,
        own=Own.NARROWED,
    )
    async def spend_anomalies(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[SpendAnomaly]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        viewer = seen_by(info.context.principal, organization_id, Permission.SPEND_LIMITS_READ)
        listing = Listing("spendAnomalies", organization_id)
        window = listing.window(first, after, last, before)
        return listing.connection(
            await rows.page_of(reader, organization_id, window, seen_by=viewer),
            key=lambda row: row.id,
            node=partial(SpendAnomaly.of, self.owner),
            count=partial(rows.count, reader, organization_id, seen_by=viewer),
        )
