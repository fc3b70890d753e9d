"""Which spend limits are in force, and how much of each is used?"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

import strawberry

from billing.limits import SpendLevel, TierScope
from billing.roles import Permission
from models import limits as rows
from models.organizations import Organization
from schema import ids, periods
from schema.access import Own, field
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Info
from schema.members import Member
from schema.money import Money
from schema.nodes import Node
from schema.periods import Month
from schema.standings import subject_text
from schema.user_errors import UserError, UserErrorCode
from services import reports
from services.usage import EventBlocked


@strawberry.type(description="A monthly cap on spend. A change makes a new limit with a higher version.")
class SpendLimit(Node):
    level: SpendLevel = strawberry.field(description="Whose spend is capped.")
    subject: str = strawberry.field(description="The organization's id, the seat tier's key or the member's id.")
    scope: TierScope | None = strawberry.field(description="What a limit on a seat tier means; null at other levels.")
    cap: Money = strawberry.field(description="What may be spent in a month.")
    thresholds: list[int] = strawberry.field(description="At how many percent of the cap alerts are raised, rising.")
    version: int = strawberry.field(description="How many limits this place has had, this one included.")
    set_at: datetime = strawberry.field(description="Since when the limit is in force.")
    ended_at: datetime | None = strawberry.field(description="Since when it is no longer in force; null while it is.")
    member_id: strawberry.Private[str | None]

    @field(description="The member, at the level MEMBER; else null.", requires=Permission.MEMBERS_READ, own=Own.SUBJECT)
    async def member(self, info: Info) -> Member | None:
        return await Member.load(info.context, self.owner, self.member_id)

    @classmethod
    def of(cls, owner: Organization, row: rows.SpendLimit) -> "SpendLimit":
        """Return the limit in a row."""
        level = SpendLevel(row.level)
        return cls(
            id=ids.text(ids.Kind.SPEND_LIMIT, row.organization_id, row.id),
            owner=owner,
            level=level,
            subject=subject_text(owner, level, row.subject),
            scope=TierScope(row.scope) if level is SpendLevel.SEAT_TIER else None,
            cap=Money.of_nanos(row.cap_nanos, owner.currency, owner.locale),
            thresholds=list(row.thresholds),
            version=row.version,
            set_at=row.starts_at,
            ended_at=row.ends_at,
            member_id=row.subject if level is SpendLevel.MEMBER else None,
        )


@strawberry.type(description="How much was spent at one level, and what a limit leaves of it.")
class SpendStatus:
    level: SpendLevel = strawberry.field(description="Whose spend this is.")
    subject: str = strawberry.field(description="The organization's id, the seat tier's key or the member's id.")
    scope: TierScope | None = strawberry.field(description="What the limit on a seat tier means; else null.")
    cap: Money | None = strawberry.field(
        description=(
            "What may be spent in a month; null where nothing limits it. With the scope PER_MEMBER of a seat tier this "
            "is what each member may spend, while `spent` is that of all of them."
        )
    )
    spent: Money = strawberry.field(description="What has been spent in the month.")
    held: Money = strawberry.field(description="What is reserved and not spent yet.")
    remaining: Money | None = strawberry.field(
        description="What may still be spent; null without a limit, and for a tier whose limit each member has alone."
    )
    owner: strawberry.Private[Organization]
    member_id: strawberry.Private[str | None]

    @field(description="The member, at the level MEMBER; else null.", requires=Permission.MEMBERS_READ, own=Own.SUBJECT)
    async def member(self, info: Info) -> Member | None:
        return await Member.load(info.context, self.owner, self.member_id)

    @classmethod
    def of(cls, status: reports.LevelStatus, owner: Organization) -> "SpendStatus":
        """Return the status of one level."""
        limit, remaining = status.limit, status.remaining_nanos
        currency, locale = owner.currency, owner.locale
        return cls(
            level=status.level,
            subject=subject_text(owner, status.level, status.subject),
            scope=limit.scope if limit and status.level is SpendLevel.SEAT_TIER else None,
            cap=Money.of_nanos(limit.cap_nanos, currency, locale) if limit else None,
            spent=Money.of_nanos(status.counter.spent_nanos, currency, locale),
            held=Money.of_nanos(status.counter.held_nanos, currency, locale),
            remaining=None if remaining is None else Money.of_nanos(remaining, currency, locale),
            owner=owner,
            member_id=status.subject if status.level is SpendLevel.MEMBER else None,
        )


@strawberry.type(description="The charge would break a spend limit; it was not counted at any level.")
class SpendLimitReached(UserError):
    event_id: str = strawberry.field(description="The event that was refused.")
    binding_limit: SpendLimit = strawberry.field(description="The limit that says no: the one with the least left.")
    level: SpendLevel = strawberry.field(description="The level of that limit.")
    headroom: Money = strawberry.field(description="What may still be spent there.")
    shortfall: Money = strawberry.field(description="By how much the charge is above that.")
    resets_at: datetime = strawberry.field(description="When the month ends and spend starts again from zero.")

    @classmethod
    def blocked(
        cls, blocked: EventBlocked, limit: rows.SpendLimit, owner: Organization, path: Iterable[str]
    ) -> "SpendLimitReached":
        """Return why an event was refused."""
        shortfall = Money.of_nanos(blocked.shortfall_nanos, owner.currency, owner.locale)
        cost = Money.of_nanos(blocked.cost_nanos, owner.currency, owner.locale)
        level = blocked.level.lower().replace("_", "-")
        return cls(
            code=UserErrorCode.SPEND_LIMIT_REACHED,
            message=f"charge of {cost.amount} {cost.currency} is {shortfall.amount} over the {level} limit",
            field=list(path),
            event_id=blocked.event_id,
            binding_limit=SpendLimit.of(owner, limit),
            level=blocked.level,
            headroom=Money.of_nanos(blocked.headroom_nanos, owner.currency, owner.locale),
            shortfall=shortfall,
            resets_at=blocked.resets_at,
        )


@strawberry.type
class LimitsOfOrganization:
    """The part of an organization that is about spend limits."""

    owner: strawberry.Private[Organization]

    @field(description="The spend limits in force, oldest first.", requires=Permission.SPEND_LIMITS_READ)
    async def spend_limits(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[SpendLimit]:
        organization_id, reader = self.owner.organization_id, info.context.reader
        listing = Listing("spendLimits", organization_id)
        return listing.connection(
            await rows.page_in_force(reader, organization_id, listing.window(first, after, last, before)),
            key=lambda row: row.id,
            node=partial(SpendLimit.of, self.owner),
            count=partial(rows.count_in_force, reader, organization_id),
        )

    @field(
        description=(
            "What was spent in a month and what is left: of the organization, of each seat tier, and of the members "
            f"with a limit of their own, at most {reports.MEMBER_LIMITS_MAX} limits in all."
        ),
        requires=Permission.SPEND_LIMITS_READ,
    )
    async def spend_status(self, info: Info, period: Month = None) -> list[SpendStatus]:
        found = await reports.spend_status(
            info.context.reader,
            self.owner.organization_id,
            period=periods.month(info.context, self.owner, period),
            at=info.context.at(self.owner),
            terms=await info.context.loaders.in_force.load(self.owner.organization_id),
        )
        return [SpendStatus.of(status, self.owner) for status in found]
