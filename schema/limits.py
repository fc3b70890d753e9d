"""Which spend limits are in force, and how much of each is used?"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial

import strawberry

from billing.alert_marks import EveryAmount, EveryPercent, Repeat, repeat_of
from billing.limits import LimitKind, Override, SpendLevel, TierScope
from billing.roles import Permission
from billing.windows import Interval
from models import limits as rows
from models.organizations import Organization
from schema import ids, periods
from schema.access import Own, field
from schema.connections import After, Before, Connection, First, Last, Listing
from schema.context import Info
from schema.forecasts import ForecastOfStatus
from schema.groups import Group
from schema.members import Member
from schema.money import Money
from schema.nodes import Node
from schema.periods import Month
from schema.standings import subject_text
from schema.user_errors import UserError, UserErrorCode
from services import lapsed_raises, reports
from services.usage import EventBlocked

SUBJECT = "The organization's id, the group's id, the seat tier's key or the member's id."
_PACE = {Interval.MONTH: "", Interval.WEEK: "weekly ", Interval.DAY: "daily "}


@strawberry.type(description="A step by which alerts repeat beyond the last threshold: a percent or an amount.")
class ThresholdStep:
    percent: int | None = strawberry.field(description="Again at every further so many percent of the limit.")
    amount: Money | None = strawberry.field(description="Again at every further amount.")


@strawberry.type(description="A limit on spend in an interval. A change makes a new limit with a higher version.")
class SpendLimit(Node):
    level: SpendLevel = strawberry.field(description="Whose spend is capped.")
    subject: str = strawberry.field(description=SUBJECT)
    scope: TierScope | None = strawberry.field(description="What a limit on a seat tier means; null at other levels.")
    kind: LimitKind = strawberry.field(description="What it does when it is reached.")
    interval: Interval = strawberry.field(description="After how long its spend starts again from zero.")
    override: Override | None = strawberry.field(
        description="At the level MEMBER, how it stands to what the seat tier allows each member; else null."
    )
    unlimited: bool = strawberry.field(description="Whether it says that there is no limit, unlike saying nothing.")
    cap: Money | None = strawberry.field(description="What may be spent in the interval; null where there is no limit.")
    thresholds: list[int] = strawberry.field(description="At how many percent of the cap alerts are raised, rising.")
    amount_thresholds: list[Money] = strawberry.field(description="At which amounts alerts are raised, rising.")
    repeat_every: ThresholdStep | None = strawberry.field(
        description="By which step alerts repeat beyond the last threshold; null where they do not."
    )
    version: int = strawberry.field(description="How many limits this place has had, this one included.")
    set_at: datetime = strawberry.field(description="Since when the limit is in force.")
    ended_at: datetime | None = strawberry.field(description="Since when it is no longer in force; null while it is.")
    member_id: strawberry.Private[str | None]
    group_id: strawberry.Private[str | None]

    @field(description="The member, at the level MEMBER; else null.", requires=Permission.MEMBERS_READ, own=Own.SUBJECT)
    async def member(self, info: Info) -> Member | None:
        return await Member.load(info.context, self.owner, self.member_id)

    @field(description="The group, at the level GROUP; else null.", requires=Permission.MEMBERS_READ)
    async def group(self, info: Info) -> Group | None:
        return await Group.load(info.context, self.owner, self.group_id)

    @classmethod
    def of(cls, owner: Organization, row: rows.SpendLimit) -> "SpendLimit":
        """Return the limit in a row."""
        level, currency, locale = SpendLevel(row.level), owner.currency, owner.locale
        return cls(
            id=ids.text(ids.Kind.SPEND_LIMIT, row.organization_id, row.id),
            owner=owner,
            level=level,
            subject=subject_text(owner, level, row.subject),
            scope=TierScope(row.scope) if level is SpendLevel.SEAT_TIER else None,
            kind=LimitKind(row.kind),
            interval=Interval(row.interval),
            override=Override(row.override) if level is SpendLevel.MEMBER else None,
            unlimited=row.cap_nanos is None,
            cap=Money.of_nanos_or_none(row.cap_nanos, currency, locale),
            thresholds=list(row.thresholds),
            amount_thresholds=[Money.of_nanos(nanos, currency, locale) for nanos in row.amount_thresholds],
            repeat_every=_step(repeat_of(row.repeat_every), owner),
            version=row.version,
            set_at=row.starts_at,
            ended_at=row.ends_at,
            member_id=row.subject if level is SpendLevel.MEMBER else None,
            group_id=row.subject if level is SpendLevel.GROUP else None,
        )


def _step(repeat: Repeat | None, owner: Organization) -> ThresholdStep | None:
    match repeat:
        case None:
            return None
        case EveryPercent(percent):
            return ThresholdStep(percent=percent, amount=None)
        case EveryAmount(nanos):
            return ThresholdStep(percent=None, amount=Money.of_nanos(nanos, owner.currency, owner.locale))


@strawberry.type(description="How much was spent at one level, and what a limit leaves of it.")
class SpendStatus(ForecastOfStatus):
    level: SpendLevel = strawberry.field(
        description="Of whom the spend is counted: all, a group, a seat tier or one member."
    )
    subject: str = strawberry.field(description=SUBJECT)
    scope: TierScope | None = strawberry.field(description="What the limit on a seat tier means; else null.")
    kind: LimitKind | None = strawberry.field(description="What the limit does when it is reached; null without one.")
    interval: Interval = strawberry.field(description="The interval of the limit; without one, the month.")
    cap: Money | None = strawberry.field(
        description=(
            "What may be spent in the interval; null where nothing limits it. With the scope PER_MEMBER of a seat tier "
            "this is what each member may spend, while `spent` is that of all of them."
        )
    )
    spent: Money = strawberry.field(description="What has been spent in the interval.")
    held: Money = strawberry.field(description="What is reserved and not spent yet.")
    remaining: Money | None = strawberry.field(
        description="What may still be spent; null without a limit, and for a tier whose limit each member has alone."
    )
    resets_at: datetime = strawberry.field(description="When the interval ends and spend starts again from zero.")
    member_id: strawberry.Private[str | None]
    group_id: strawberry.Private[str | None]

    @field(description="The member, at the level MEMBER; else null.", requires=Permission.MEMBERS_READ, own=Own.SUBJECT)
    async def member(self, info: Info) -> Member | None:
        return await Member.load(info.context, self.owner, self.member_id)

    @field(description="The group, at the level GROUP; else null.", requires=Permission.MEMBERS_READ)
    async def group(self, info: Info) -> Group | None:
        return await Group.load(info.context, self.owner, self.group_id)

    @classmethod
    def of(cls, status: reports.LevelStatus, owner: Organization) -> "SpendStatus":
        """Return the status of one level."""
        limit, currency, locale = status.limit, owner.currency, owner.locale
        return cls(
            level=status.level,
            subject=subject_text(owner, status.level, status.subject),
            scope=limit.scope if limit and status.level is SpendLevel.SEAT_TIER else None,
            kind=limit.kind if limit else None,
            interval=status.counter.interval,
            cap=Money.of_nanos_or_none(limit.cap_nanos if limit else None, currency, locale),
            spent=Money.of_nanos(status.counter.spent_nanos, currency, locale),
            held=Money.of_nanos(status.counter.held_nanos, currency, locale),
            remaining=Money.of_nanos_or_none(status.remaining_nanos, currency, locale),
            resets_at=status.window.end,
            owner=owner,
            status=status,
            member_id=status.subject if status.level is SpendLevel.MEMBER else None,
            group_id=status.subject if status.level is SpendLevel.GROUP else None,
        )


@strawberry.type(description="The charge would break a spend limit; it was not counted at any level.")
class SpendLimitReached(UserError):
    event_id: str = strawberry.field(description="The usage event or reservation that was refused, by its source's id.")
    binding_limit: SpendLimit = strawberry.field(description="The limit that says no: the one with the least left.")
    level: SpendLevel = strawberry.field(
        description="Where the limit that binds is set: organization, group, seat tier or member."
    )
    headroom: Money = strawberry.field(description="What may still be spent there.")
    shortfall: Money = strawberry.field(description="By how much the charge is above that.")
    resets_at: datetime = strawberry.field(
        description="When the interval of that limit ends and spend starts again from zero."
    )

    @classmethod
    def blocked(
        cls, blocked: EventBlocked, limit: rows.SpendLimit, owner: Organization, path: Iterable[str]
    ) -> "SpendLimitReached":
        """Return why an event was refused."""
        shortfall = Money.of_nanos(blocked.shortfall_nanos, owner.currency, owner.locale)
        cost = Money.of_nanos(blocked.cost_nanos, owner.currency, owner.locale)
        level = f"{_PACE[Interval(limit.interval)]}{blocked.level.lower().replace('_', '-')}"
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
        due = await lapsed_raises.successors(reader, organization_id, at=info.context.at(self.owner))
        listing = Listing("spendLimits", organization_id)
        return listing.connection(
            await rows.page_in_force(reader, organization_id, due, listing.window(first, after, last, before)),
            key=lambda row: row.id,
            node=partial(SpendLimit.of, self.owner),
            count=partial(rows.count_in_force, reader, organization_id, due),
        )

    @field(
        description=(
            "What was spent and what is left: of the organization, of each group and seat tier, and of the members "
            "with a limit of their own. The limit of a day or a week stands in that of now; in another month, in its "
            "last or, where that is yet to come, its first. At most "
            f"{reports.MEMBER_LIMITS_MAX} limits in all."
        ),
        requires=Permission.SPEND_LIMITS_READ,
    )
    async def spend_status(self, info: Info, period: Month = None) -> list[SpendStatus]:
        found = await reports.spend_status(
            info.context.reader,
            self.owner,
            period=periods.month(info.context, self.owner, period),
            at=info.context.at(self.owner),
            terms=await info.context.loaders.in_force.load(self.owner.organization_id),
        )
        return [SpendStatus.of(status, self.owner) for status in found]
