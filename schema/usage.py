"""What was used, grouped as the reader likes?

Quantities and costs are sums of rated events, exact to a billionth of the major unit: nothing is rounded before an
invoice line is made.
"""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import strawberry

from billing import periods as period_rules
from billing.rating import Direction
from billing.roles import Permission
from models.organizations import Organization
from schema import ids, periods
from schema.access import Own, field
from schema.context import Context, Info
from schema.enums import mirror
from schema.errors import ErrorCode, GraphError
from schema.money import Money
from schema.periods import Month, Period
from schema.scalars import Long
from services import reports
from services.reports import Dimension

if TYPE_CHECKING:
    from schema.members import Member

mirror(
    Dimension,
    name="UsageDimension",
    description="By what usage can be told apart.",
    MEMBER="Who used it.",
    MODEL="Which model was used.",
    SEAT_TIER="Which seat tier the member had at that instant.",
    DAY="On which local day it was used.",
    DIRECTION="Which side of the call was metered.",
)

GroupBy = Annotated[
    list[Dimension],
    strawberry.argument(description="By what to group, in this order. Empty: the total alone."),
]


@strawberry.type(description="One value by which a row of a report was told apart.")
class UsageKey:
    dimension: Dimension = strawberry.field(description="What the value is of.")
    value: str = strawberry.field(description="The member's id, the model, the tier's key, the day or the direction.")


@strawberry.type(description="What was used under one combination of keys.")
class UsageRow:
    keys: list[UsageKey] = strawberry.field(description="The values of the row, in the order asked for.")
    quantity: Long = strawberry.field(description="How many units were used.")
    cost: Money = strawberry.field(description="What they cost, exact.")
    events: Long = strawberry.field(description="How many events report them.")
    model: str | None = strawberry.field(description="The model, where the report is grouped by model.")
    seat_tier: str | None = strawberry.field(
        description="The key of the seat tier, where the report is grouped by it; empty for a member without one."
    )
    day: date | None = strawberry.field(description="The local day, where the report is grouped by day.")
    direction: Direction | None = strawberry.field(description="The direction, where the report is grouped by it.")
    owner: strawberry.Private[Organization]
    member_id: strawberry.Private[str | None]

    @field(
        description="The member, where the report is grouped by member.",
        requires=Permission.MEMBERS_READ,
        own=Own.SUBJECT,
    )
    async def member(self, info: Info) -> Annotated["Member", strawberry.lazy("schema.members")] | None:
        from schema.members import Member  # the back edge: a member leads to its usage

        return await Member.load(info.context, self.owner, self.member_id)

    @classmethod
    def of(cls, row: reports.ReportRow, by: tuple[Dimension, ...], owner: Organization) -> "UsageRow":
        """Return a row of a report."""
        values = dict(zip(by, row.keys, strict=True))
        return cls(
            keys=[UsageKey(dimension=each, value=_value_text(owner, each, value)) for each, value in values.items()],
            quantity=Long(row.quantity),
            cost=Money.of_nanos(row.cost_nanos, owner.currency, owner.locale),
            events=Long(row.events),
            model=values.get(Dimension.MODEL),
            seat_tier=values.get(Dimension.SEAT_TIER),
            day=date.fromisoformat(values[Dimension.DAY]) if Dimension.DAY in values else None,
            direction=Direction(values[Dimension.DIRECTION]) if Dimension.DIRECTION in values else None,
            owner=owner,
            member_id=values.get(Dimension.MEMBER),
        )


@strawberry.type(description="The usage of one month.")
class UsageReport:
    period: Period = strawberry.field(description="The month reported on.")
    group_by: list[Dimension] = strawberry.field(description="By what the rows are told apart.")
    quantity: Long = strawberry.field(description="How many units were used in all.")
    total: Money = strawberry.field(description="What all usage of the month cost, exact.")
    events: Long = strawberry.field(description="How many events were recorded in all.")
    rows: list[UsageRow] = strawberry.field(
        description=f"One row for each combination, in the order of the keys; at most {reports.ROWS_MAX}."
    )

    @classmethod
    def of(cls, report: reports.Report, period: period_rules.Period, owner: Organization) -> "UsageReport":
        """Return a report as clients see it."""
        return cls(
            period=Period.of(period, owner.time_zone),
            group_by=list(report.by),
            quantity=Long(report.total.quantity),
            total=Money.of_nanos(report.total.cost_nanos, owner.currency, owner.locale),
            events=Long(report.total.events),
            rows=[UsageRow.of(row, report.by, owner) for row in report.rows],
        )


@strawberry.type
class UsageOfOrganization:
    """The part of an organization that is about usage."""

    owner: strawberry.Private[Organization]

    @field(description="What everybody used in a month.", requires=Permission.USAGE_READ)
    async def usage(self, info: Info, period: Month = None, group_by: GroupBy = ()) -> UsageReport:  # type: ignore[assignment]  # an empty list that nobody can fill
        month = periods.month(info.context, self.owner, period)
        organization_id = self.owner.organization_id
        try:
            report = await reports.usage_of_all(
                info.context.reader, organization_id, period_start=month.start, by=_distinct(group_by)
            )
        except reports.TooManyRows as error:
            raise _too_many(error) from error
        return UsageReport.of(report, month, self.owner)


async def usage_of_member(
    context: Context, owner: Organization, member_id: str, period: str | None, group_by: list[Dimension]
) -> UsageReport:
    """Return one member's usage; the reports of many members are read together."""
    month = periods.month(context, owner, period)
    ask = reports.MemberAsk(member_id, month.start, _distinct(group_by))
    try:
        report = await context.loaders.usage.load((owner.organization_id, ask))
    except reports.TooManyRows as error:
        raise _too_many(error) from error
    assert report is not None, "every question is answered"
    return UsageReport.of(report, month, owner)


def _distinct(group_by: list[Dimension]) -> tuple[Dimension, ...]:
    if len(set(group_by)) != len(group_by):
        raise GraphError(ErrorCode.BAD_USER_INPUT, "groupBy names a dimension twice", field="groupBy")
    return tuple(group_by)


def _too_many(error: reports.TooManyRows) -> GraphError:
    return GraphError(ErrorCode.BAD_USER_INPUT, str(error), field="groupBy", limit=reports.ROWS_MAX)


def _value_text(owner: Organization, dimension: Dimension, value: str) -> str:
    if dimension is not Dimension.MEMBER:
        return value
    return ids.text(ids.Kind.MEMBER, owner.organization_id, value)
