"""What will the month come to, and when is the cap reached?

A forecast says how it was made and from what, so that somebody who answers for the money can make it again. Where too
little is known there is no number but the reason.
"""

from datetime import date, datetime
from enum import StrEnum

import strawberry

from billing import forecasts as rules
from billing.limits import Gate, SpendLevel
from billing.periods import Period, month_containing
from billing.roles import Permission
from billing.windows import Interval
from models.organizations import Organization
from schema import periods
from schema.access import Own, field
from schema.context import Context, Info
from schema.enums import mirror
from schema.money import Money
from services.forecasts import Ask
from services.reports import LevelStatus


class ForecastMethod(StrEnum):
    """How a forecast is made."""

    MONTH_TO_DATE_PLUS_USUAL_WEEKDAYS = rules.METHOD


mirror(
    ForecastMethod,
    description="How a forecast is made. Another way of making it would be another value.",
    MONTH_TO_DATE_PLUS_USUAL_WEEKDAYS=(
        "Spent so far, plus for each day left what such a weekday usually costs: the median of that weekday among the "
        "last 28 complete days, pulled towards the level of these days (their mean without the highest and the lowest "
        "tenth) as if that were one more such day. Today counts for its own spend where that is more. The range is the "
        "expected total plus and minus 1.606 times the mean distance of the days from what was usual on the others, "
        "times the root of (left + left²/history), in days: it should hold the real total in four of five months."
    ),
)
mirror(
    rules.Gap,
    name="ForecastGap",
    description="Why there is no forecast.",
    TOO_LITTLE_HISTORY=(
        f"Fewer than {rules.HISTORY_DAYS_MIN} complete days are known since anything was spent in the last "
        f"{rules.HISTORY_DAYS} days."
    ),
)


@strawberry.type(description="What a weekday usually costs.")
class UsualWeekday:
    weekday: int = strawberry.field(description="The day of the week by ISO 8601: 1 is Monday, 7 is Sunday.")
    amount: Money = strawberry.field(description="What such a day is taken to cost.")


@strawberry.type(description="What a forecast was made from.")
class ForecastInputs:
    history_from: date | None = strawberry.field(
        description="The first local day of the history; it ends with the day before `asOf`. Null for no history."
    )
    history_days: int = strawberry.field(description="How many complete days the history has.")
    days_left: int = strawberry.field(description="How many days of the month are left, the present one among them.")
    usual: list[UsualWeekday] = strawberry.field(description="What each weekday is taken to cost, Monday first.")
    mean_distance: Money = strawberry.field(
        description="How far the days of the history were from what was usual on the others, on average."
    )


@strawberry.type(description="What the spend of a month will come to.")
class SpendForecast:
    period: periods.Period = strawberry.field(description="The month.")
    as_of: datetime = strawberry.field(description="The instant at which the forecast was made.")
    method: ForecastMethod = strawberry.field(description="How it was made.")
    spent: Money = strawberry.field(description="What has been spent in the month so far.")
    low: Money | None = strawberry.field(description="The lower end of the range; null where there is no forecast.")
    expected: Money | None = strawberry.field(description="What is to be expected; null where there is no forecast.")
    high: Money | None = strawberry.field(description="The upper end of the range; null where there is no forecast.")
    unavailable: rules.Gap | None = strawberry.field(description="Why there is no forecast; null where there is one.")
    cap: Money | None = strawberry.field(
        description="The tightest monthly cap held against this very spend; null where there is none."
    )
    cap_reached_on: date | None = strawberry.field(
        description="The local day on which that cap is expected to be reached; null for not in this month."
    )
    inputs: ForecastInputs | None = strawberry.field(description="What it was made from; null for no forecast.")

    @classmethod
    async def load(
        cls, context: Context, owner: Organization, level: SpendLevel, subject: str, month: Period, cap: int | None
    ) -> "SpendForecast":
        """Return the forecast of one month's spend at one level; `cap` is in nanos."""
        ask = Ask(level, subject, month)
        found = await context.loaders.forecast.load((owner.organization_id, ask))
        assert found is not None, "every ask is answered"
        currency, locale = owner.currency, owner.locale
        made = found if isinstance(found, rules.Forecast) else None
        low, expected, high = (made.low, made.expected, made.high) if made else (None, None, None)
        return cls(
            period=periods.Period.of(month, owner.time_zone),
            as_of=context.at(owner),
            method=ForecastMethod.MONTH_TO_DATE_PLUS_USUAL_WEEKDAYS,
            spent=Money.of_nanos(found.spent, currency, locale),
            low=Money.of_nanos_or_none(low, currency, locale),
            expected=Money.of_nanos_or_none(expected, currency, locale),
            high=Money.of_nanos_or_none(high, currency, locale),
            unavailable=found.gap if isinstance(found, rules.Unknown) else None,
            cap=Money.of_nanos_or_none(cap, currency, locale),
            cap_reached_on=made.reached_on(cap) if made and cap is not None else None,
            inputs=_inputs(made, owner) if made else None,
        )


@strawberry.type
class ForecastOfMember:
    """The part of a member that is about the month to come."""

    owner: strawberry.Private[Organization]
    member_id: strawberry.Private[str]

    @field(
        description="What the member's spend of this month will come to.",
        requires=Permission.USAGE_READ,
        own=Own.SUBJECT,
    )
    async def forecast(self, info: Info) -> SpendForecast:
        context, owner = info.context, self.owner
        standing = await context.loaders.standing.load((owner.organization_id, self.member_id))
        assert standing is not None, "everybody stands somewhere, if only at zero"
        month = month_containing(context.at(owner), owner.time_zone)
        cap = _tightest(standing.gates)
        return await SpendForecast.load(context, owner, SpendLevel.MEMBER, self.member_id, month, cap)


@strawberry.type
class ForecastOfStatus:
    """The part of a spend status that is about the month to come."""

    owner: strawberry.Private[Organization]
    status: strawberry.Private[LevelStatus]

    @field(description="What the spend of the month at this level will come to.", requires=None)
    async def forecast(self, info: Info) -> SpendForecast:
        status, limit = self.status, self.status.limit
        month = month_containing(status.window.start, self.owner.time_zone)
        held_here = limit is not None and limit.interval is Interval.MONTH and limit.counted_at is status.level
        cap = limit.cap_nanos if limit is not None and held_here else None
        return await SpendForecast.load(info.context, self.owner, status.level, status.subject, month, cap)


def _tightest(gates: tuple[Gate, ...]) -> int | None:
    """Return the lowest monthly cap among those held against a member's own spend."""
    own = [gate.limit for gate in gates if gate.counter.level is SpendLevel.MEMBER]
    caps = [limit.cap_nanos for limit in own if limit.interval is Interval.MONTH and limit.cap_nanos is not None]
    return min(caps, default=None)


def _inputs(made: rules.Forecast, owner: Organization) -> ForecastInputs:
    currency, locale = owner.currency, owner.locale
    return ForecastInputs(
        history_from=made.history_from,
        history_days=made.history_days,
        days_left=len(made.path),
        usual=[
            UsualWeekday(weekday=number, amount=Money.of_nanos(nanos, currency, locale))
            for number, nanos in enumerate(made.usual, start=1)
        ],
        mean_distance=Money.of_nanos(made.distance, currency, locale),
    )
