"""Which month does a field speak of?

A month exists only with the organization's time zone, so the label "2026-10" becomes instants here, where the
organization is known. Without a label it is the month of the organization's present.
"""

from datetime import datetime
from typing import Annotated

import strawberry

from billing import periods as rules
from models.organizations import Organization
from schema.context import Context
from schema.errors import ErrorCode, GraphError

Month = Annotated[
    str | None,
    strawberry.argument(
        description='A calendar month such as "2026-10", in the organization\'s time zone. Left out: the current month.'
    ),
]
"""The argument `period` of every field that reports on a month."""


@strawberry.type(description="A half-open span of time: its start belongs to it, its end does not.")
class Period:
    start: datetime = strawberry.field(description="The first instant of the period.")
    end: datetime = strawberry.field(description="The first instant after the period.")
    label: str = strawberry.field(description='The local month in which the period starts, such as "2026-10".')

    @classmethod
    def of(cls, period: rules.Period, time_zone: str) -> "Period":
        """Return the period as an organization in this time zone names it."""
        return cls(start=period.start, end=period.end, label=rules.label(period, time_zone))


def month(context: Context, owner: Organization, given: str | None) -> rules.Period:
    """Return the month a client named, or the current one; raise a coded fault that names what was wrong."""
    if given is None:
        return rules.month_containing(context.at(owner), owner.time_zone)
    try:
        return rules.parse_label(given, owner.time_zone)
    except rules.InvalidPeriod as error:
        raise GraphError(ErrorCode.BAD_USER_INPUT, f"period: {error}", field="period") from error
