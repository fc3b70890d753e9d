"""Who asked for a higher limit, and what became of it?

A request is one row that is decided once. `limit_id` is the limit as it stood when the question was asked, `place` is
where an approval sets one. The unique index on (member, place) while it is pending is what makes "one open request"
true.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import Q
from tortoise.models import Model

from billing.limit_increases import Running, Status
from billing.periods import from_microseconds, to_microseconds
from models.fields import InstantField, code
from models.paging import Page, Window, page
from models.sql import Statement


class LimitIncrease(Model):
    """A request to raise a limit for one member, with its decision."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    member_id: str = code()
    limit_id: str = code()
    place = fields.TextField()
    asked_minor = fields.BigIntField()
    reason = fields.TextField()
    until_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    status: str = code()
    requested_by: str = code()
    requested_at: datetime = InstantField()  # type: ignore[assignment]
    expires_at: datetime = InstantField()  # type: ignore[assignment]
    decided_by: str | None = code(null=True)
    decided_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    note: Any = fields.TextField(null=True)
    granted_minor: Any = fields.BigIntField(null=True)
    granted_until_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    granted_limit_id: str | None = code(null=True)
    former_limit_id: str | None = code(null=True)
    ended_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "limit_increases"

    def status_at(self, at: datetime) -> Status:
        """Return where it stands at `at`: one that nobody answered in time is expired, also before the row says so."""
        status = Status(self.status)
        return Status.EXPIRED if status is Status.PENDING and self.expires_at <= at else status

    def over_at(self, at: datetime) -> datetime | None:
        """Return when a raise for a time was over, as of `at`, also before the row says so; None while it runs."""
        if self.ended_at is None and self.granted_until_at is not None and self.granted_until_at <= at:
            return self.granted_until_at
        return self.ended_at

    def as_running(self) -> Running:
        """Return a raise for a time as the rules know it."""
        assert self.granted_limit_id is not None, "a raise made a limit"
        assert self.granted_until_at is not None, "only a raise for a time runs"
        return Running(self.granted_limit_id, self.former_limit_id, self.granted_until_at)


@dataclass(frozen=True, slots=True)
class NextEnd:
    """The request or the raise whose time is over first, and when that is."""

    request_id: str
    is_pending: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Over:
    """A raise whose time is over and that nobody has taken back, and whether the limit it made is still in force."""

    running: Running
    is_in_force: bool


_NEXT_END = Statement("""
    SELECT id, 1 AS pending, expires_at AS due_at FROM limit_increases
    WHERE organization_id = :organization_id AND status = 'PENDING'
    UNION ALL
    SELECT id, 0 AS pending, granted_until_at AS due_at FROM limit_increases
    WHERE organization_id = :organization_id AND granted_until_at IS NOT NULL AND ended_at IS NULL
    ORDER BY due_at, id LIMIT 1
""")
_OVER = Statement("""
    SELECT raised.granted_limit_id, raised.former_limit_id, raised.granted_until_at,
        CASE WHEN made.ends_at IS NULL THEN 1 ELSE 0 END AS is_in_force
    FROM limit_increases raised
    JOIN spend_limits made ON made.organization_id = raised.organization_id AND made.id = raised.granted_limit_id
    WHERE raised.organization_id = :organization_id AND raised.granted_until_at <= :at AND raised.ended_at IS NULL
    ORDER BY raised.granted_until_at, raised.id LIMIT 1000
""")
_NEWEST_OF = Statement("""
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY member_id ORDER BY id DESC) AS place_in_line
        FROM limit_increases WHERE organization_id = :organization_id AND member_id IN :member_ids[]
    ) AS ranked WHERE place_in_line <= :each
""")


async def find(client: BaseDBAsyncClient, organization_id: str, request_id: str) -> LimitIncrease | None:
    """Return one request by id."""
    return await LimitIncrease.filter(organization_id=organization_id, id=request_id).using_db(client).first()


async def newest_of(
    client: BaseDBAsyncClient, organization_id: str, member_ids: Sequence[str], *, each: int
) -> list[LimitIncrease]:
    """Return the newest requests of several members, so many of each, newest first."""
    found = await _NEWEST_OF.rows(client, organization_id=organization_id, member_ids=member_ids, each=each)
    query = LimitIncrease.filter(organization_id=organization_id, id__in=[row["id"] for row in found])
    return await query.using_db(client).order_by("-id")


async def find_open(
    client: BaseDBAsyncClient, organization_id: str, *, member_id: str, place: str
) -> LimitIncrease | None:
    """Return the request that waits for an answer about one place of one member."""
    query = LimitIncrease.filter(
        organization_id=organization_id, member_id=member_id, place=place, status=Status.PENDING.value
    )
    return await query.using_db(client).first()


async def running_at(client: BaseDBAsyncClient, organization_id: str, *, place: str) -> list[LimitIncrease]:
    """Return the raises for a time at one place that have not ended, the first granted first."""
    query = LimitIncrease.filter(
        organization_id=organization_id, place=place, granted_until_at__isnull=False, ended_at__isnull=True
    )
    return await query.using_db(client).order_by("decided_at", "id").limit(1_000)


async def next_end(client: BaseDBAsyncClient, organization_id: str) -> NextEnd | None:
    """Return what ends first: a request nobody decided, or a raise for a time."""
    row = await _NEXT_END.first(client, organization_id=organization_id)
    return NextEnd(row["id"], bool(row["pending"]), from_microseconds(row["due_at"])) if row else None


async def lapsed(client: BaseDBAsyncClient, organization_id: str, *, at: datetime, limit: int) -> list[str]:
    """Return the raises for a time that are over at `at` and still in force, the first to be over first."""
    query = LimitIncrease.filter(organization_id=organization_id, granted_until_at__lte=at, ended_at__isnull=True)
    found = await query.using_db(client).order_by("granted_until_at", "id").limit(limit).values_list("id", flat=True)
    return [str(each) for each in found]


async def over(client: BaseDBAsyncClient, organization_id: str, *, at: datetime) -> list[Over]:
    """Return the raises for a time that are over at `at` and not taken back, the first to be over first."""
    found = await _OVER.rows(client, organization_id=organization_id, at=to_microseconds(at))
    return [
        Over(
            Running(row["granted_limit_id"], row["former_limit_id"], from_microseconds(row["granted_until_at"])),
            bool(row["is_in_force"]),
        )
        for row in found
    ]


async def page_of(
    client: BaseDBAsyncClient, organization_id: str, window: Window, **conditions: Any
) -> Page[LimitIncrease]:
    """Return one page of requests, newest first; `conditions` as `matching` takes them."""
    return await page(_matching(organization_id, **conditions).using_db(client), window, descending=True)


async def count(client: BaseDBAsyncClient, organization_id: str, **conditions: Any) -> int:
    """Return how many requests match."""
    return int(await _matching(organization_id, **conditions).using_db(client).count())


async def insert(client: BaseDBAsyncClient, **columns: Any) -> LimitIncrease:
    """Keep a new request."""
    return await LimitIncrease.create(using_db=client, **columns)


async def update(client: BaseDBAsyncClient, request: LimitIncrease, **columns: Any) -> None:
    """Change columns of one request."""
    query = LimitIncrease.filter(organization_id=request.organization_id, id=request.id)
    await query.using_db(client).update(**columns)


async def renew_granted(client: BaseDBAsyncClient, organization_id: str, *, before: str, now: str) -> None:
    """Tell the raise that made the limit `before`, where it still runs, that its limit is called `now`."""
    query = LimitIncrease.filter(organization_id=organization_id, granted_limit_id=before, ended_at__isnull=True)
    await query.using_db(client).update(granted_limit_id=now)


def _matching(
    organization_id: str, *, at: datetime, status: Status | None = None, members: Sequence[str] | None = None
) -> Any:
    """Return the query for requests that stand somewhere at `at`, and for some members, or for all."""
    query = LimitIncrease.filter(organization_id=organization_id)
    if status is Status.PENDING:
        query = query.filter(status=status.value, expires_at__gt=at)
    elif status is Status.EXPIRED:
        query = query.filter(Q(status=status.value) | Q(status=Status.PENDING.value, expires_at__lte=at))
    elif status is not None:
        query = query.filter(status=status.value)
    return query if members is None else query.filter(member_id__in=list(members))
