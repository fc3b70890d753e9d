"""What was used, by whom, and what did it cost?

An event is kept once, by the id its source gave it. Reports and the month close read the rollups, which are written
in the same transaction as the events; the events themselves are evidence.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.models import Model

from billing.periods import to_microseconds
from billing.usage import UsageTotal
from models.fields import InstantField, code
from models.inserting import INTEGER, TEXT, Insert
from models.paging import Page, Window, page
from models.sql import Row, Statement

EVENTS_MAX = 1_000_000
"""How many events of a month can be billed one by one; a price that reads totals has no such bound."""


class TooManyEvents(Exception):
    """More events are billed one by one than can be; none of them is left out silently."""

    def __init__(self, meters: Sequence[str]) -> None:
        named = ", ".join(repr(meter) for meter in meters)
        super().__init__(
            f"the month has more than {EVENTS_MAX:,} events of {named}, which are billed one by one; "
            "aggregate them before they are reported, or price their total"
        )


class UsageEvent(Model):
    """One measured use. `tier` and `group_id` are the member's at that instant, empty for none."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    external_id: str = code()
    digest: str = code()
    member_id: str = code()
    tier: str = code()
    group_id: str = code(default="")
    meter: str = code()
    model: str = code()
    direction: str = code()
    quantity = fields.BigIntField()
    cost_nanos = fields.BigIntField()
    price_version: str = code()
    overage: str = code()
    supersedes: str | None = code(null=True)
    occurred_at: datetime = InstantField()  # type: ignore[assignment]
    recorded_at: datetime = InstantField()  # type: ignore[assignment]
    period_start: datetime = InstantField()  # type: ignore[assignment]

    class Meta:
        table = "usage_events"


_KNOWN = Statement("""
    SELECT external_id, digest, id, cost_nanos, overage, supersedes FROM usage_events
    WHERE organization_id = :organization_id AND external_id IN :external_ids[]
""")
_INSERT = Insert(
    "usage_events",
    {
        "organization_id": TEXT,
        "id": TEXT,
        "external_id": TEXT,
        "digest": TEXT,
        "member_id": TEXT,
        "tier": TEXT,
        "group_id": TEXT,
        "meter": TEXT,
        "model": TEXT,
        "direction": TEXT,
        "quantity": INTEGER,
        "cost_nanos": INTEGER,
        "price_version": TEXT,
        "overage": TEXT,
        "supersedes": TEXT,
        "occurred_at": INTEGER,
        "recorded_at": INTEGER,
        "period_start": INTEGER,
    },
)
COLUMNS = _INSERT.columns
_ROLLUP_KEY = {
    "organization_id": TEXT,
    "period_start": INTEGER,
    "subscription_id": TEXT,
    "day": TEXT,
    "member_id": TEXT,
    "tier": TEXT,
    "meter": TEXT,
    "model": TEXT,
    "direction": TEXT,
    "price_version": TEXT,
}
_ROLL_UP = Insert(
    "usage_rollups",
    {**_ROLLUP_KEY, "quantity": INTEGER, "cost_nanos": INTEGER, "events": INTEGER},
    f"""
    ON CONFLICT ({", ".join(_ROLLUP_KEY)}) DO UPDATE SET
        quantity = usage_rollups.quantity + excluded.quantity,
        cost_nanos = usage_rollups.cost_nanos + excluded.cost_nanos,
        events = usage_rollups.events + excluded.events
    """,
)
EventColumns = tuple[str | int | None, ...]
"""An event as a row, in the order of the columns of `usage_events`."""
RollupColumns = tuple[str | int, ...]
"""A rollup as a row: what it is of, then its quantity, nanos and events."""
_TOTALS = Statement("""
    SELECT subscription_id, member_id, tier, meter, model, direction, price_version,
           CAST(sum(quantity) AS BIGINT) AS quantity, CAST(sum(cost_nanos) AS BIGINT) AS cost_nanos,
           CAST(sum(events) AS BIGINT) AS events
    FROM usage_rollups
    WHERE organization_id = :organization_id AND period_start = :period_start
    GROUP BY subscription_id, member_id, tier, meter, model, direction, price_version
    ORDER BY subscription_id, member_id, model, direction, price_version, tier, meter
""")
_SUMS = ("quantity", "cost_nanos", "events")
_TOTAL_KEY = ("subscription_id", "member_id", "tier", "meter", "model", "direction", "price_version")
_DAILY = Statement("""
    SELECT day, member_id, tier, meter, model, direction, quantity, cost_nanos, events
    FROM usage_rollups
    WHERE organization_id = :organization_id AND period_start = :period_start
    ORDER BY day, member_id, model, direction, tier, meter, price_version
""")
_DAILY_OF_MEMBER = Statement("""
    SELECT day, member_id, tier, meter, model, direction, quantity, cost_nanos, events
    FROM usage_rollups
    WHERE organization_id = :organization_id AND period_start = :period_start AND member_id = :member_id
    ORDER BY day, model, direction, tier, meter, price_version
""")


_DIMENSIONS = ("member_id", "model", "tier", "day", "direction")


@cache
def _grouped(by: tuple[str, ...]) -> Statement:
    """Return the report statement for one choice of dimensions; they come from a closed list, never from a client."""
    assert set(by) <= set(_DIMENSIONS), f"{by} are not all dimensions of a report"
    columns = "".join(f"{name}, " for name in by)
    group = f"GROUP BY {', '.join(by)} ORDER BY {', '.join(by)}" if by else ""
    return Statement(f"""
        SELECT {columns}CAST(coalesce(sum(quantity), 0) AS BIGINT) AS quantity,
               CAST(coalesce(sum(cost_nanos), 0) AS BIGINT) AS cost_nanos,
               CAST(coalesce(sum(events), 0) AS BIGINT) AS events
        FROM usage_rollups
        WHERE organization_id = :organization_id AND period_start = :period_start
          AND (:everybody = 1 OR member_id IN :member_ids[])
        {group} LIMIT :limit
    """)  # noqa: S608  # names from the closed list above


async def known(client: BaseDBAsyncClient, organization_id: str, external_ids: Sequence[str]) -> dict[str, Row]:
    """Return what is kept of events with these source ids."""
    rows = await _KNOWN.rows(client, organization_id=organization_id, external_ids=external_ids)
    return {row["external_id"]: row for row in rows}


async def find_by_external_id(client: BaseDBAsyncClient, organization_id: str, external_id: str) -> UsageEvent | None:
    """Return the event that its source knows by this id."""
    return await UsageEvent.filter(organization_id=organization_id, external_id=external_id).using_db(client).first()


async def find_many(client: BaseDBAsyncClient, organization_id: str, usage_ids: Sequence[str]) -> list[UsageEvent]:
    """Return events by id, in no particular order."""
    return await UsageEvent.filter(organization_id=organization_id, id__in=list(usage_ids)).using_db(client)


async def successor_of(client: BaseDBAsyncClient, organization_id: str, usage_id: str) -> UsageEvent | None:
    """Return the event that corrected this one, or None where it still counts."""
    return await UsageEvent.filter(organization_id=organization_id, supersedes=usage_id).using_db(client).first()


async def insert_many(client: BaseDBAsyncClient, rows: Sequence[EventColumns]) -> None:
    """Keep new events."""
    await _INSERT.rows(client, rows)


async def roll_up(client: BaseDBAsyncClient, rows: Iterable[RollupColumns]) -> None:
    """Add to the rollups, each of them given once, in the order of their keys."""
    await _ROLL_UP.rows(client, sorted(rows))


async def events_of(
    client: BaseDBAsyncClient,
    organization_id: str,
    *,
    period_start: datetime,
    meters: Sequence[str],
    without: Collection[str] = (),
) -> list[UsageEvent]:
    """Return the events of some meters in a month as they count now: an event that was corrected is left out.

    The month is taken to be as it was before the events in `without` came. Raise where there are more of them than can
    be billed one by one.
    """
    query = UsageEvent.filter(organization_id=organization_id, period_start=period_start, meter__in=list(meters))
    found = await query.using_db(client).order_by("occurred_at", "id").limit(EVENTS_MAX + 1)
    if len(found) > EVENTS_MAX:
        raise TooManyEvents(meters)
    known = [event for event in found if event.id not in without]
    superseded = {event.supersedes for event in known}
    return [event for event in known if event.id not in superseded]


async def totals(
    client: BaseDBAsyncClient, organization_id: str, *, period_start: datetime, without: Iterable[Row] = ()
) -> dict[str, tuple[UsageTotal, ...]]:
    """Return a month's usage under each subscription, per member, tier, meter, model, direction and price version.

    The changes in `without` are taken off it.
    """
    rows = await _TOTALS.rows(client, organization_id=organization_id, period_start=to_microseconds(period_start))
    less: defaultdict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    for change in without:
        sums = less[tuple(change[name] for name in _TOTAL_KEY)]
        sums[:] = (before + change[name] for before, name in zip(sums, _SUMS, strict=True))
    under: defaultdict[str, list[UsageTotal]] = defaultdict(list)
    for row in rows:
        for name, off in zip(_SUMS, less.get(tuple(row[name] for name in _TOTAL_KEY), ()), strict=False):
            row[name] -= off
        if any(row[name] for name in _SUMS):
            under[row.pop("subscription_id")].append(UsageTotal(**row))
    return {subscription_id: tuple(found) for subscription_id, found in under.items()}


async def daily(
    client: BaseDBAsyncClient, organization_id: str, *, period_start: datetime, member_id: str | None
) -> list[Row]:
    """Return a month's usage per day, member, tier, model and direction; of one member where one is given."""
    start = to_microseconds(period_start)
    if member_id is None:
        return await _DAILY.rows(client, organization_id=organization_id, period_start=start)
    return await _DAILY_OF_MEMBER.rows(client, organization_id=organization_id, period_start=start, member_id=member_id)


async def grouped(
    client: BaseDBAsyncClient,
    organization_id: str,
    *,
    period_start: datetime,
    by: Sequence[str],
    member_ids: Sequence[str] | None,
    limit: int,
) -> list[Row]:
    """Return a month's usage summed per value of the columns `by`, in their order, of some members or of all."""
    return await _grouped(tuple(by)).rows(
        client,
        organization_id=organization_id,
        period_start=to_microseconds(period_start),
        everybody=int(member_ids is None),
        member_ids=list(member_ids or ()),
        limit=limit,
    )


async def page_of(
    client: BaseDBAsyncClient, organization_id: str, window: Window, **conditions: Any
) -> Page[UsageEvent]:
    """Return one page of events, newest first; `conditions` are column equalities."""
    query = UsageEvent.filter(organization_id=organization_id, **conditions).using_db(client)
    return await page(query, window, descending=True)


async def count(client: BaseDBAsyncClient, organization_id: str, **conditions: Any) -> int:
    """Return how many events match."""
    return await UsageEvent.filter(organization_id=organization_id, **conditions).using_db(client).count()
