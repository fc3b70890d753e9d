"""Which events and seats are behind a line of an invoice?

An issued invoice is never edited, and neither is what proves it: usage that came or was corrected after its month was
closed is behind the later line that says so, and not behind this one. So the events of a line always add up to it.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, assert_never

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.queryset import QuerySet

from billing.periods import Period, to_microseconds
from models import seats
from models.fields import dump
from models.paging import Page, Window, page
from models.seats import SeatInterval
from models.sql import Row, Statement
from models.usage import UsageEvent


@dataclass(frozen=True, slots=True)
class UseKind:
    """One kind of use, as a rate card prices it."""

    model: str
    direction: str
    price_version: str


@dataclass(frozen=True, slots=True)
class UsageOfMonth:
    """What a month's own invoice bills of some meters, used within `within`: of one kind, or of all.

    What came later and stands on the invoice of another boundary is not in it.
    """

    period_start: datetime
    boundary_at: datetime
    within: Period
    meters: tuple[str, ...]
    kind: UseKind | None


@dataclass(frozen=True, slots=True)
class AdjustedUsage:
    """What a later invoice bills of a closed month: that of one boundary, or what waits for the next one."""

    reason: str
    period_start: datetime
    meter: str
    kind: UseKind
    boundary_at: datetime | None


UsageSelection = UsageOfMonth | AdjustedUsage


@dataclass(frozen=True, slots=True)
class SeatSelection:
    """Paid seats of some tiers (none named: all), perhaps with an add-on, held within `period`, known by an instant.

    With `at`, only the seats that were held at that one instant.
    """

    period: Period
    known_at: datetime
    tiers: tuple[str, ...] = ()
    add_on: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """Where an event stands in a list that goes member by member, each in order of time."""

    member_id: str
    occurred_at: int
    id: str

    @classmethod
    def of(cls, event: UsageEvent) -> "Position":
        """Return where an event stands."""
        return cls(event.member_id, to_microseconds(event.occurred_at), event.id)


@dataclass(frozen=True, slots=True)
class EventWindow:
    """At most `size` events strictly between two positions, taken from the start or from the end."""

    size: int
    after: Position | None = None
    before: Position | None = None
    from_end: bool = False


_LATER = """
    SELECT usage_id FROM usage_adjustments
    WHERE organization_id = :organization_id AND origin_period_start = :period_start
      AND (billed_boundary_at IS NULL OR billed_boundary_at <> :boundary_at)
"""
_OF_MONTH = f"""
    FROM usage_events e
    WHERE e.organization_id = :organization_id AND e.period_start = :period_start
      AND e.occurred_at >= :since AND e.occurred_at < :until AND e.meter IN :meters[]
      AND (:every_kind = 1
           OR (e.model = :model AND e.direction = :direction AND e.price_version = :price_version))
      AND e.id NOT IN ({_LATER})
      AND NOT EXISTS (
        SELECT 1 FROM usage_events s
        WHERE s.organization_id = :organization_id AND s.supersedes = e.id AND s.id NOT IN ({_LATER}))
"""  # noqa: S608  # a constant
_ADJUSTED = """
    FROM usage_events e
    WHERE e.organization_id = :organization_id AND e.id IN (
        SELECT usage_id FROM usage_adjustments
        WHERE organization_id = :organization_id AND reason = :reason AND origin_period_start = :period_start
          AND meter = :meter AND model = :model AND direction = :direction AND price_version = :price_version
          AND (billed_boundary_at = :boundary_at OR (:waiting = 1 AND billed_boundary_at IS NULL)))
"""
_PLACE = "(e.member_id, e.occurred_at, e.id)"


@cache
def _page(source: str, *, after: bool, before: bool, backwards: bool) -> Statement:
    """Return the statement for one shape of window, so that the database can seek to where the window begins."""
    above = f"AND {_PLACE} > (:after_member, :after_occurred, :after_id)" if after else ""
    below = f"AND {_PLACE} < (:before_member, :before_occurred, :before_id)" if before else ""
    way = "DESC" if backwards else "ASC"
    order = f"e.member_id {way}, e.occurred_at {way}, e.id {way}"
    return Statement(f"SELECT e.* {source} {above} {below} ORDER BY {order} LIMIT :limit")


@cache
def _count(source: str) -> Statement:
    return Statement(f"SELECT count(*) AS total {source}")


async def page_of_events(
    client: BaseDBAsyncClient, organization_id: str, selection: UsageSelection, window: EventWindow
) -> Page[UsageEvent]:
    """Return one page of the events behind a line, member by member, each in order of time."""
    source, parameters = _query(selection)
    after, before = window.after, window.before
    statement = _page(source, after=after is not None, before=before is not None, backwards=window.from_end)
    bounds = _bound("after", after) | _bound("before", before)
    found = await statement.rows(client, organization_id=organization_id, limit=window.size + 1, **parameters, **bounds)
    rows = [UsageEvent(**row) for row in found[: window.size]]
    more = len(found) > window.size
    if window.from_end:
        return Page(tuple(reversed(rows)), has_next=before is not None, has_previous=more)
    return Page(tuple(rows), has_next=more, has_previous=after is not None)


async def count_events(client: BaseDBAsyncClient, organization_id: str, selection: UsageSelection) -> int:
    """Return how many events are behind a line."""
    source, parameters = _query(selection)
    row = await _count(source).first(client, organization_id=organization_id, **parameters)
    return int(row["total"]) if row else 0


async def page_of_seats(
    client: BaseDBAsyncClient, organization_id: str, selection: SeatSelection, window: Window
) -> Page[SeatInterval]:
    """Return one page of the seats behind a line, oldest first."""
    return await page(_seats(organization_id, selection).using_db(client), window)


async def count_seats(client: BaseDBAsyncClient, organization_id: str, selection: SeatSelection) -> int:
    """Return how many seats are behind a line."""
    return await _seats(organization_id, selection).using_db(client).count()


def _seats(organization_id: str, selection: SeatSelection) -> QuerySet[SeatInterval]:
    at = selection.at
    query = seats.sharing(organization_id, selection.period) if at is None else seats.holding(organization_id, at)
    query = query.filter(billable=1, starts_at__lte=selection.known_at)
    if selection.tiers:
        query = query.filter(tier__in=list(selection.tiers))
    if selection.add_on is not None:
        query = query.filter(add_ons__contains=dump(selection.add_on))  # the column is the JSON text of a list
    return query


def _query(selection: UsageSelection) -> tuple[str, Row]:
    """Return the source of a selection and its parameters."""
    match selection:
        case UsageOfMonth(period_start, boundary_at, within, meters, kind):
            return _OF_MONTH, {
                "period_start": to_microseconds(period_start),
                "boundary_at": to_microseconds(boundary_at),
                "since": to_microseconds(within.start),
                "until": to_microseconds(within.end),
                "meters": meters,
                "every_kind": int(kind is None),
                **_kind(kind or UseKind("", "", "")),
            }
        case AdjustedUsage(reason, period_start, meter, kind, boundary_at):
            return _ADJUSTED, {
                "reason": reason,
                "period_start": to_microseconds(period_start),
                "meter": meter,
                "boundary_at": to_microseconds(boundary_at) if boundary_at else 0,
                "waiting": int(boundary_at is None),
                **_kind(kind),
            }
        case _:
            assert_never(selection)


def _kind(kind: UseKind) -> Row:
    return {"model": kind.model, "direction": kind.direction, "price_version": kind.price_version}


def _bound(name: str, position: Position | None) -> dict[str, Any]:
    if position is None:
        return {}
    return {
        f"{name}_member": position.member_id,
        f"{name}_occurred": position.occurred_at,
        f"{name}_id": position.id,
    }
