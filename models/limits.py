"""Which limits hold, and how much of each is used?

A limit is history: a change ends one row and starts the next with a higher version. A counter is one row per level,
subject and month. It exists whether or not there is a cap, so that a limit set in the middle of a month knows at
once what was spent before it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import Q
from tortoise.models import Model

from billing import limits as rules
from billing.periods import to_microseconds
from models.fields import DocumentField, InstantField, code
from models.paging import Page, Window, page
from models.sql import Row, Statement


class SpendLimit(Model):
    """A cap as set by somebody at `starts_at`, in force until `ends_at`."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    level: str = code()
    subject: str = code()
    scope: str = code()
    cap_nanos = fields.BigIntField()
    thresholds: Any = DocumentField()
    version = fields.BigIntField()
    set_by: str = code()
    starts_at: datetime = InstantField()  # type: ignore[assignment]
    ends_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "spend_limits"

    def as_rule(self) -> rules.Limit:
        """Return the limit as the rules know it."""
        return rules.Limit(
            id=self.id,
            level=rules.SpendLevel(self.level),
            subject=self.subject,
            scope=rules.TierScope(self.scope),
            cap_nanos=self.cap_nanos,
            version=self.version,
            thresholds=tuple(self.thresholds),
        )


@dataclass(frozen=True, slots=True)
class Delta:
    """What a counter gains."""

    level: rules.SpendLevel
    subject: str
    spent_nanos: int
    held_nanos: int = 0

    @property
    def takes_back(self) -> bool:
        """Whether something leaves the counter."""
        return self.spent_nanos < 0 or self.held_nanos < 0


_COUNTERS = Statement("""
    SELECT level, subject, spent_nanos, held_nanos FROM spend_counters
    WHERE organization_id = :organization_id AND period_start = :period_start
      AND (level = 'ORGANIZATION'
           OR level = 'SEAT_TIER' AND subject IN :tiers[]
           OR level = 'MEMBER' AND subject IN :members[])
""")
_ALL_OF_LEVEL = Statement("""
    SELECT level, subject, spent_nanos, held_nanos FROM spend_counters
    WHERE organization_id = :organization_id AND period_start = :period_start AND level = :level
    ORDER BY subject LIMIT 100000
""")
_ADD = Statement("""
    INSERT INTO spend_counters (organization_id, period_start, level, subject, spent_nanos, held_nanos)
    VALUES (:organization_id, :period_start, :level, :subject, :spent_nanos, :held_nanos)
    ON CONFLICT (organization_id, period_start, level, subject) DO UPDATE SET
        spent_nanos = spend_counters.spent_nanos + excluded.spent_nanos,
        held_nanos = spend_counters.held_nanos + excluded.held_nanos
""")

_TAKE_BACK = Statement("""
    UPDATE spend_counters SET spent_nanos = spent_nanos + :spent_nanos, held_nanos = held_nanos + :held_nanos
    WHERE organization_id = :organization_id AND period_start = :period_start AND level = :level AND subject = :subject
""")


async def in_force(client: BaseDBAsyncClient, organization_id: str) -> list[SpendLimit]:
    """Return every limit in force, the organization's own first."""
    query = SpendLimit.filter(organization_id=organization_id, ends_at__isnull=True).using_db(client)
    return await query.order_by("level", "subject", "scope").limit(100_000)


async def in_force_at(
    client: BaseDBAsyncClient, organization_id: str, at: datetime, *, size_max: int
) -> list[SpendLimit]:
    """Return the limits in force at `at`: the organization's and the tiers' first, then members', up to a number."""
    query = SpendLimit.filter(organization_id=organization_id, starts_at__lte=at).using_db(client)
    query = query.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))
    return await query.order_by("-level", "subject", "scope").limit(size_max)


async def page_in_force(client: BaseDBAsyncClient, organization_id: str, window: Window) -> Page[SpendLimit]:
    """Return one page of the limits in force, oldest first."""
    return await page(SpendLimit.filter(organization_id=organization_id, ends_at__isnull=True).using_db(client), window)


async def count_in_force(client: BaseDBAsyncClient, organization_id: str) -> int:
    """Return how many limits are in force."""
    return await SpendLimit.filter(organization_id=organization_id, ends_at__isnull=True).using_db(client).count()


async def in_force_for(
    client: BaseDBAsyncClient, organization_id: str, *, tiers: Sequence[str], members: Sequence[str]
) -> list[SpendLimit]:
    """Return the limits that bear on the given tiers and members, with the organization's own."""
    subjects = [organization_id, *tiers, *members]
    query = SpendLimit.filter(organization_id=organization_id, ends_at__isnull=True, subject__in=subjects)
    return await query.using_db(client).order_by("level", "subject", "scope")


async def find_open(
    client: BaseDBAsyncClient, organization_id: str, *, level: str, subject: str, scope: str
) -> SpendLimit | None:
    """Return the limit in force at one level for one subject."""
    query = SpendLimit.filter(
        organization_id=organization_id, level=level, subject=subject, scope=scope, ends_at__isnull=True
    )
    return await query.using_db(client).first()


async def newest_version(
    client: BaseDBAsyncClient, organization_id: str, *, level: str, subject: str, scope: str
) -> int:
    """Return the highest version ever given to this limit, 0 where it never was."""
    query = SpendLimit.filter(organization_id=organization_id, level=level, subject=subject, scope=scope)
    newest = await query.using_db(client).order_by("-version").first()
    return newest.version if newest else 0


async def find_many(client: BaseDBAsyncClient, organization_id: str, limit_ids: Sequence[str]) -> list[SpendLimit]:
    """Return limits by id, also ended ones."""
    return await SpendLimit.filter(organization_id=organization_id, id__in=list(limit_ids)).using_db(client)


async def insert(client: BaseDBAsyncClient, **columns: Any) -> SpendLimit:
    """Start a limit."""
    return await SpendLimit.create(using_db=client, **columns)


async def end(client: BaseDBAsyncClient, limit: SpendLimit, *, at: datetime) -> None:
    """End a limit."""
    query = SpendLimit.filter(organization_id=limit.organization_id, id=limit.id).using_db(client)
    await query.update(ends_at=at)


async def counters(
    client: BaseDBAsyncClient,
    organization_id: str,
    *,
    period_start: datetime,
    tiers: Iterable[str],
    members: Iterable[str],
) -> dict[tuple[rules.SpendLevel, str], rules.Counter]:
    """Return the counters of the organization, the given tiers and the given members; a missing one is all zero."""
    rows = await _COUNTERS.rows(
        client,
        organization_id=organization_id,
        period_start=to_microseconds(period_start),
        tiers=sorted(set(tiers)),
        members=sorted(set(members)),
    )
    return {(counter.level, counter.subject): counter for counter in map(_counter, rows)}


async def counters_of_level(
    client: BaseDBAsyncClient, organization_id: str, *, period_start: datetime, level: rules.SpendLevel
) -> list[rules.Counter]:
    """Return every counter of one level in a month."""
    rows = await _ALL_OF_LEVEL.rows(
        client, organization_id=organization_id, period_start=to_microseconds(period_start), level=level.value
    )
    return [_counter(row) for row in rows]


async def add(
    client: BaseDBAsyncClient, organization_id: str, *, period_start: datetime, deltas: Iterable[Delta]
) -> None:
    """Add to counters, creating those that are missing, in one global order; a delta below zero takes back."""
    start = to_microseconds(period_start)
    ordered = sorted(deltas, key=lambda delta: (delta.level.value, delta.subject))
    # A row proposed by INSERT must pass its CHECKs before the conflict is seen, so what takes back is an UPDATE.
    await _ADD.run_many(client, [_move(organization_id, start, delta) for delta in ordered if not delta.takes_back])
    await _TAKE_BACK.run_many(client, [_move(organization_id, start, delta) for delta in ordered if delta.takes_back])


def _move(organization_id: str, period_start: int, delta: Delta) -> Row:
    return {
        "organization_id": organization_id,
        "period_start": period_start,
        "level": delta.level.value,
        "subject": delta.subject,
        "spent_nanos": delta.spent_nanos,
        "held_nanos": delta.held_nanos,
    }


def _counter(row: Row) -> rules.Counter:
    return rules.Counter(
        level=rules.SpendLevel(row["level"]),
        subject=row["subject"],
        spent_nanos=row["spent_nanos"],
        held_nanos=row["held_nanos"],
    )
