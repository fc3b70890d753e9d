"""Who held which seat when?

A change of role, tier or add-on ends one interval and starts the next; nothing else is ever updated. The intervals
are half-open, so a seat revoked and a seat granted at the same instant never overlap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import Q
from tortoise.fields import IntField
from tortoise.models import Model
from tortoise.queryset import QuerySet

from billing import seats as rules
from billing.periods import Period, to_microseconds
from models.fields import DocumentField, InstantField, code, dump
from models.inserting import INTEGER, TEXT, Insert
from models.paging import Page, Window, page
from models.selecting import Lookup
from models.sql import Statement


class SeatInterval(Model):
    """One member's seat, unchanged from `starts_at` until `ends_at`.

    `after_close` says that the boundary at `starts_at` had been billed when the seat was granted.
    """

    organization_id: str = code()
    id: str = code(primary_key=True)
    member_id: str = code()
    role: str = code()
    billable = IntField()
    tier: str | None = code(null=True)
    add_ons: Any = DocumentField()
    starts_at: datetime = InstantField()  # type: ignore[assignment]
    ends_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]
    after_close = IntField(default=0)

    class Meta:
        table = "seat_intervals"

    def as_rule(self) -> rules.SeatInterval:
        """Return the interval as the rules know it."""
        return rules.SeatInterval(
            member_id=self.member_id,
            role=self.role,
            billable=bool(self.billable),
            tier=self.tier,
            add_ons=tuple(self.add_ons),
            start=self.starts_at,
            end=self.ends_at,
            after_close=bool(self.after_close),
        )


_INSERT = Insert(
    "seat_intervals",
    {
        "organization_id": TEXT,
        "id": TEXT,
        "member_id": TEXT,
        "role": TEXT,
        "billable": INTEGER,
        "tier": TEXT,
        "add_ons": TEXT,
        "starts_at": INTEGER,
        "ends_at": INTEGER,
        "after_close": INTEGER,
    },
)
_COUNT_BILLABLE = Statement("""
    SELECT count(*) AS total FROM seat_intervals
    WHERE organization_id = :organization_id AND billable = 1 AND ends_at IS NULL
""")


async def open_seat(client: BaseDBAsyncClient, organization_id: str, member_id: str) -> SeatInterval | None:
    """Return the seat a member holds now."""
    query = SeatInterval.filter(organization_id=organization_id, member_id=member_id, ends_at__isnull=True)
    return await query.using_db(client).first()


async def last_seat(client: BaseDBAsyncClient, organization_id: str, member_id: str) -> SeatInterval | None:
    """Return the seat a member held last, or holds."""
    query = SeatInterval.filter(organization_id=organization_id, member_id=member_id).using_db(client)
    return await query.order_by("-starts_at", "-id").first()


@dataclass(frozen=True, slots=True)
class Place:
    """The group and the tier that a member's spend counts for now, each empty for none."""

    group_id: str
    tier: str

    def joined(self, group_id: str, tier: str) -> "Place":
        """Return the place with what is known of another part of it."""
        return Place(group_id or self.group_id, tier or self.tier)


_PLACES = Statement("""
    SELECT member_id, tier, '' AS group_id FROM seat_intervals
    WHERE organization_id = :organization_id AND member_id IN :member_ids[] AND ends_at IS NULL
    UNION ALL
    SELECT member_id, '' AS tier, group_id FROM group_memberships
    WHERE organization_id = :organization_id AND member_id IN :member_ids[] AND ends_at IS NULL
""")


async def places(client: BaseDBAsyncClient, organization_id: str, member_ids: Sequence[str]) -> dict[str, Place]:
    """Return where the spend of the given members counts now; one without seat and group has no place."""
    found: dict[str, Place] = {}
    for member_id, tier, group_id in await _PLACES.records(
        client, organization_id=organization_id, member_ids=member_ids
    ):
        known = found.get(member_id)
        found[member_id] = Place(group_id, tier or "") if known is None else known.joined(group_id, tier or "")
    return found


_OPEN = Lookup(SeatInterval, "member_id", "ends_at IS NULL")


async def open_seats(client: BaseDBAsyncClient, organization_id: str, member_ids: Sequence[str]) -> list[SeatInterval]:
    """Return the seats that the given members hold now."""
    return await _OPEN.all(client, organization_id, member_ids)


async def members_of_tier(client: BaseDBAsyncClient, organization_id: str, tier: str) -> list[str]:
    """Return the ids of the members who hold a seat of this tier now."""
    query = SeatInterval.filter(organization_id=organization_id, tier=tier, ends_at__isnull=True).using_db(client)
    return [str(found) for found in await query.limit(100_000).values_list("member_id", flat=True)]


async def history(client: BaseDBAsyncClient, organization_id: str, member_ids: Sequence[str]) -> list[SeatInterval]:
    """Return every seat the given members ever held, oldest first."""
    query = SeatInterval.filter(organization_id=organization_id, member_id__in=list(member_ids))
    return await query.using_db(client).order_by("starts_at", "id").limit(100_000)


async def overlapping(client: BaseDBAsyncClient, organization_id: str, period: Period) -> list[SeatInterval]:
    """Return the intervals that share at least an instant with `period`, in order of their start."""
    query = sharing(organization_id, period).using_db(client)
    return await query.order_by("starts_at", "id").limit(1_000_000)


async def page_of(
    client: BaseDBAsyncClient, organization_id: str, window: Window, *, period: Period
) -> Page[SeatInterval]:
    """Return one page of the intervals that share at least an instant with `period`, oldest first."""
    return await page(sharing(organization_id, period).using_db(client), window)


async def count(client: BaseDBAsyncClient, organization_id: str, *, period: Period) -> int:
    """Return how many intervals share at least an instant with `period`."""
    return await sharing(organization_id, period).using_db(client).count()


async def any_ends(client: BaseDBAsyncClient, organization_id: str, *, at: datetime) -> bool:
    """Return whether a seat ends at `at`."""
    return await SeatInterval.filter(organization_id=organization_id, ends_at=at).using_db(client).exists()


async def first_billable_at(client: BaseDBAsyncClient, organization_id: str) -> datetime | None:
    """Return when the organization first had a paid seat."""
    query = SeatInterval.filter(organization_id=organization_id, billable=1).using_db(client)
    first = await query.order_by("starts_at").first()
    return first.starts_at if first else None


async def count_billable(client: BaseDBAsyncClient, organization_id: str) -> int:
    """Return how many paid seats are held now."""
    row = await _COUNT_BILLABLE.first(client, organization_id=organization_id)
    return int(row["total"]) if row else 0


async def insert(client: BaseDBAsyncClient, **columns: Any) -> SeatInterval:
    """Start an interval."""
    return await SeatInterval.create(using_db=client, **columns)


async def insert_many(client: BaseDBAsyncClient, intervals: Sequence[SeatInterval]) -> None:
    """Start intervals, all in one statement."""
    await _INSERT.rows(
        client,
        [
            (
                seat.organization_id,
                seat.id,
                seat.member_id,
                seat.role,
                seat.billable,
                seat.tier,
                dump(seat.add_ons),
                to_microseconds(seat.starts_at),
                None if seat.ends_at is None else to_microseconds(seat.ends_at),
                seat.after_close,
            )
            for seat in intervals
        ],
    )


async def end(client: BaseDBAsyncClient, seat: SeatInterval, *, at: datetime) -> None:
    """End an open interval at `at`; one that starts at that very instant never was, and goes."""
    query = SeatInterval.filter(organization_id=seat.organization_id, id=seat.id, ends_at__isnull=True)
    if seat.starts_at >= at:
        await query.using_db(client).delete()
    else:
        await query.using_db(client).update(ends_at=at)


def sharing(organization_id: str, period: Period) -> QuerySet[SeatInterval]:
    """Return the query for the intervals that share at least an instant with `period`."""
    query = SeatInterval.filter(organization_id=organization_id, starts_at__lt=period.end)
    return query.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=period.start))


def holding(organization_id: str, at: datetime) -> QuerySet[SeatInterval]:
    """Return the query for the intervals that were held at `at`."""
    query = SeatInterval.filter(organization_id=organization_id, starts_at__lte=at)
    return query.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))
