"""What is held, for whom, and on which counters?

A row keeps the chain and the starts of the windows its amount was put on, so that it leaves exactly those counters
again, whatever became of the member, the tier, the group or the month in the meantime. A hold ends once: every
statement that ends one says that it must still be HELD.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import Q
from tortoise.models import Model
from tortoise.queryset import QuerySet

from billing.limits import Chain
from billing.periods import from_microseconds, to_microseconds
from billing.windows import Interval
from models.counters import WindowKey
from models.fields import DocumentField, InstantField, code, dump
from models.inserting import INTEGER, TEXT, Insert
from models.paging import Page, Window, page
from models.selecting import Select
from models.sql import Row, Statement


class Reservation(Model):
    """An amount held until `expires_at`, or what became of it. `usage_ids` are the events that were captured."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    external_id: str = code()
    digest: str = code()
    status: str = code()
    member_id: str = code()
    tier: str = code()
    group_id: str = code()
    month_start: datetime = InstantField()  # type: ignore[assignment]
    week_start: datetime = InstantField()  # type: ignore[assignment]
    day_start: datetime = InstantField()  # type: ignore[assignment]
    held_nanos = fields.BigIntField()
    settled_nanos = fields.BigIntField(null=True)
    excess_nanos = fields.BigIntField()
    over_limit = fields.IntField()
    usage_ids: Any = DocumentField()
    reserved_at: datetime = InstantField()  # type: ignore[assignment]
    expires_at: datetime = InstantField()  # type: ignore[assignment]
    ended_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "reservations"

    @property
    def chain(self) -> Chain:
        """Whose spend it was put on."""
        return Chain(self.organization_id, self.group_id, self.tier, self.member_id)

    @property
    def keys(self) -> tuple[WindowKey, ...]:
        """The counters it was put on."""
        return _keys(self.chain, self.month_start, self.week_start, self.day_start)


_INSERT = Insert(
    "reservations",
    {
        **dict.fromkeys(("organization_id", "id", "external_id", "digest", "status"), TEXT),
        **dict.fromkeys(("member_id", "tier", "group_id"), TEXT),
        **dict.fromkeys(("month_start", "week_start", "day_start"), INTEGER),
        **dict.fromkeys(("held_nanos", "settled_nanos", "excess_nanos", "over_limit"), INTEGER),
        "usage_ids": TEXT,
        **dict.fromkeys(("reserved_at", "expires_at", "ended_at"), INTEGER),
    },
)
_END = Statement("""
    UPDATE reservations SET status = :status, ended_at = :ended_at, settled_nanos = :settled_nanos,
        excess_nanos = :excess_nanos, over_limit = :over_limit, usage_ids = :usage_ids
    WHERE organization_id = :organization_id AND id = :id AND status = :was
""")
_EXPIRE = Statement("""
    UPDATE reservations SET status = 'EXPIRED', ended_at = expires_at
    WHERE organization_id = :organization_id AND status = 'HELD' AND id IN :ids[]
""")

_OVERDUE = Statement("""
    SELECT month_start, week_start, day_start, member_id, tier, group_id, CAST(sum(held_nanos) AS BIGINT) AS held_nanos
    FROM reservations WHERE organization_id = :organization_id AND status = 'HELD' AND expires_at <= :at
    GROUP BY month_start, week_start, day_start, member_id, tier, group_id
""")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which reservations: those live at an instant or those that are not, of one member or of all."""

    at: datetime
    is_open: bool | None = None
    member_id: str | None = None

    def query(self, organization_id: str) -> QuerySet[Reservation]:
        """Return the query for them."""
        found = Reservation.filter(organization_id=organization_id)
        live = Q(status="HELD", expires_at__gt=self.at)
        if self.is_open is not None:
            found = found.filter(live if self.is_open else ~live)
        return found if self.member_id is None else found.filter(member_id=self.member_id)


async def find_many(
    client: BaseDBAsyncClient, organization_id: str, reservation_ids: Sequence[str]
) -> list[Reservation]:
    """Return reservations by id, in no particular order."""
    return await Reservation.filter(organization_id=organization_id, id__in=list(reservation_ids)).using_db(client)


_BY_IDS = Select(Reservation, "WHERE organization_id = :organization_id AND id IN :ids[]")
_BY_EXTERNAL_IDS = Select(Reservation, "WHERE organization_id = :organization_id AND external_id IN :external_ids[]")


async def find_many_by(
    client: BaseDBAsyncClient, organization_id: str, *, ids: Sequence[str], external_ids: Sequence[str]
) -> list[Reservation]:
    """Return the reservations known by any of these ids, ours or the caller's, each once."""
    found: list[Reservation] = []
    if ids:
        found += await _BY_IDS.all(client, organization_id=organization_id, ids=ids)
    if external_ids:
        found += await _BY_EXTERNAL_IDS.all(client, organization_id=organization_id, external_ids=external_ids)
    return list({row.id: row for row in found}.values())


async def due(client: BaseDBAsyncClient, organization_id: str, *, at: datetime, limit: int) -> list[Reservation]:
    """Return holds whose time is over and that still stand on their counters, the earliest first, up to a number."""
    query = Reservation.filter(organization_id=organization_id, status="HELD", expires_at__lte=at)
    return await query.using_db(client).order_by("expires_at", "id").limit(limit)


async def overdue(client: BaseDBAsyncClient, organization_id: str, *, at: datetime) -> dict[WindowKey, int]:
    """Return what holds whose time is over still take up, by counter: nothing where they have been swept."""
    found: Counter[WindowKey] = Counter()
    for row in await _OVERDUE.rows(client, organization_id=organization_id, at=to_microseconds(at)):
        chain = Chain(organization_id, row["group_id"], row["tier"], row["member_id"])
        starts = (from_microseconds(row[name]) for name in ("month_start", "week_start", "day_start"))
        for key in _keys(chain, *starts):
            found[key] += row["held_nanos"]
    return dict(found)


async def next_due(client: BaseDBAsyncClient, organization_id: str) -> Reservation | None:
    """Return the hold that expires first."""
    query = Reservation.filter(organization_id=organization_id, status="HELD").using_db(client)
    return await query.order_by("expires_at", "id").first()


async def insert_many(client: BaseDBAsyncClient, reservations: Sequence[Reservation]) -> None:
    """Keep new holds, all in one statement."""
    await _INSERT.rows(client, [_columns(row) for row in reservations])


async def expire(client: BaseDBAsyncClient, organization_id: str, reservation_ids: Sequence[str]) -> None:
    """End holds at the instant at which each of them was to end."""
    await _EXPIRE.run(client, organization_id=organization_id, ids=reservation_ids)


async def end_many(client: BaseDBAsyncClient, ended: Sequence[tuple[Reservation, str]]) -> None:
    """Write how reservations ended, each given as it is now with the status it had before."""
    await _END.run_many(client, [_ending(row, was) for row, was in ended])


def _columns(row: Reservation) -> tuple[Any, ...]:
    """Return a new hold as the columns of its row."""
    starts = (row.month_start, row.week_start, row.day_start)
    return (
        *(row.organization_id, row.id, row.external_id, row.digest, row.status),
        *(row.member_id, row.tier, row.group_id),
        *(to_microseconds(start) for start in starts),
        *(row.held_nanos, row.settled_nanos, row.excess_nanos, row.over_limit, dump(row.usage_ids)),
        *(to_microseconds(row.reserved_at), to_microseconds(row.expires_at), None),
    )


def _ending(row: Reservation, was: str) -> Row:
    assert row.ended_at is not None, "what has ended ended at some instant"
    return {
        "organization_id": row.organization_id,
        "id": row.id,
        "was": was,
        "status": row.status,
        "ended_at": to_microseconds(row.ended_at),
        "settled_nanos": row.settled_nanos,
        "excess_nanos": row.excess_nanos,
        "over_limit": row.over_limit,
        "usage_ids": dump(row.usage_ids),
    }


async def page_of(
    client: BaseDBAsyncClient, organization_id: str, window: Window, selection: Selection
) -> Page[Reservation]:
    """Return one page of reservations, newest first."""
    return await page(selection.query(organization_id).using_db(client), window, descending=True)


async def count(client: BaseDBAsyncClient, organization_id: str, selection: Selection) -> int:
    """Return how many reservations are selected."""
    return await selection.query(organization_id).using_db(client).count()


def _keys(chain: Chain, month: datetime, week: datetime, day: datetime) -> tuple[WindowKey, ...]:
    starts = {Interval.MONTH: month, Interval.WEEK: week, Interval.DAY: day}
    return tuple(
        (interval, start, level, subject) for interval, start in starts.items() for level, subject in chain.counted
    )
