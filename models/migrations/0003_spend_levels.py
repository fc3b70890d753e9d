"""Groups as a level of spend, limits of three kinds and three intervals, and counters for each interval.

What is there stays as it was meant: every limit is HARD and monthly, every counter counts a month. The counters of
weeks and days are summed from the rollups, which hold what each local day's usage comes to after corrections. All days
and weeks are filled in, not only the present ones, so that the counters of any window equal its usage.
"""

from collections import defaultdict
from datetime import date
from typing import Any

from tortoise.migrations.migration import Migration as BaseMigration
from tortoise.migrations.operations import RunPython

from billing.periods import to_microseconds
from billing.windows import Interval, windows_of_day
from models.ddl import Change, Define
from models.sql import Client, Row, Statement

GROUPS = (
    """
    CREATE TABLE IF NOT EXISTS groups (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        key TEXT NOT NULL,
        name TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        archived_at INTEGER,
        PRIMARY KEY (organization_id, id)
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS groups_key ON groups (organization_id, key)",
    """
    CREATE TABLE IF NOT EXISTS group_memberships (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        member_id TEXT NOT NULL,
        group_id TEXT NOT NULL,
        starts_at INTEGER NOT NULL,
        ends_at INTEGER,
        PRIMARY KEY (organization_id, id),
        CHECK (ends_at IS NULL OR ends_at > starts_at)
    )
    """,
    """CREATE INDEX IF NOT EXISTS group_memberships_member
       ON group_memberships (organization_id, member_id, starts_at)""",
    """CREATE UNIQUE INDEX IF NOT EXISTS group_memberships_open ON group_memberships (organization_id, member_id)
       WHERE ends_at IS NULL""",
    """CREATE INDEX IF NOT EXISTS group_memberships_group ON group_memberships (organization_id, group_id, member_id)
       WHERE ends_at IS NULL""",
)
LIMITS = (
    "CREATE TEMPORARY TABLE spend_limits_before AS SELECT * FROM spend_limits",
    "DROP TABLE spend_limits",
    """
    CREATE TABLE spend_limits (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        level TEXT NOT NULL CHECK (level IN ('ORGANIZATION', 'GROUP', 'SEAT_TIER', 'MEMBER')),
        subject TEXT NOT NULL,
        scope TEXT NOT NULL CHECK (scope IN ('POOLED', 'PER_MEMBER')),
        kind TEXT NOT NULL CHECK (kind IN ('HARD', 'SOFT', 'NOTIFY')),
        interval TEXT NOT NULL CHECK (interval IN ('MONTH', 'WEEK', 'DAY')),
        override TEXT NOT NULL CHECK (override IN ('WITHIN', 'INSTEAD')),
        cap_nanos INTEGER CHECK (cap_nanos >= 0),
        thresholds TEXT NOT NULL,
        amount_thresholds TEXT NOT NULL,
        repeat_every TEXT,
        version INTEGER NOT NULL,
        set_by TEXT NOT NULL,
        starts_at INTEGER NOT NULL,
        ends_at INTEGER,
        PRIMARY KEY (organization_id, id)
    )
    """,
    """
    INSERT INTO spend_limits (
        organization_id, id, level, subject, scope, kind, interval, override, cap_nanos, thresholds,
        amount_thresholds, repeat_every, version, set_by, starts_at, ends_at)
    SELECT organization_id, id, level, subject, scope, 'HARD', 'MONTH', 'WITHIN', cap_nanos, thresholds,
           '[]', NULL, version, set_by, starts_at, ends_at
    FROM spend_limits_before
    """,
    "DROP TABLE spend_limits_before",
    """CREATE UNIQUE INDEX spend_limits_open ON spend_limits (organization_id, level, subject, scope, interval)
       WHERE ends_at IS NULL""",
)
COUNTERS = (
    "CREATE TEMPORARY TABLE spend_counters_before AS SELECT * FROM spend_counters",
    "DROP TABLE spend_counters",
    """
    CREATE TABLE spend_counters (
        organization_id TEXT NOT NULL,
        period_start INTEGER NOT NULL,
        interval TEXT NOT NULL CHECK (interval IN ('MONTH', 'WEEK', 'DAY')),
        level TEXT NOT NULL CHECK (level IN ('ORGANIZATION', 'GROUP', 'SEAT_TIER', 'MEMBER')),
        subject TEXT NOT NULL,
        spent_nanos INTEGER NOT NULL CHECK (spent_nanos >= 0),
        held_nanos INTEGER NOT NULL CHECK (held_nanos >= 0),
        PRIMARY KEY (organization_id, period_start, interval, level, subject)
    )
    """,
    """
    INSERT INTO spend_counters (organization_id, period_start, interval, level, subject, spent_nanos, held_nanos)
    SELECT organization_id, period_start, 'MONTH', level, subject, spent_nanos, held_nanos FROM spend_counters_before
    """,
    "DROP TABLE spend_counters_before",
)
ALERTS = (
    "CREATE TEMPORARY TABLE limit_alerts_before AS SELECT * FROM limit_alerts",
    "DROP TABLE limit_alerts",
    """
    CREATE TABLE limit_alerts (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        dedup_id TEXT NOT NULL,
        limit_id TEXT NOT NULL,
        limit_version INTEGER NOT NULL,
        level TEXT NOT NULL,
        subject TEXT NOT NULL,
        scope TEXT NOT NULL,
        kind TEXT NOT NULL,
        interval TEXT NOT NULL,
        member_id TEXT,
        threshold INTEGER NOT NULL,
        threshold_nanos INTEGER,
        reached_nanos INTEGER NOT NULL,
        cap_nanos INTEGER,
        spent_nanos INTEGER NOT NULL,
        period_start INTEGER NOT NULL,
        period_end INTEGER NOT NULL,
        raised_at INTEGER NOT NULL,
        PRIMARY KEY (organization_id, id)
    )
    """,
    """
    INSERT INTO limit_alerts (
        organization_id, id, dedup_id, limit_id, limit_version, level, subject, scope, kind, interval, member_id,
        threshold, threshold_nanos, reached_nanos, cap_nanos, spent_nanos, period_start, period_end, raised_at)
    SELECT organization_id, id, dedup_id, limit_id, limit_version, level, subject, scope, 'HARD', 'MONTH', member_id,
           threshold, NULL, (cap_nanos / 100) * threshold + ((cap_nanos % 100) * threshold + 99) / 100, cap_nanos,
           spent_nanos, period_start, period_end, raised_at
    FROM limit_alerts_before
    """,
    "DROP TABLE limit_alerts_before",
    "CREATE UNIQUE INDEX limit_alerts_dedup ON limit_alerts (organization_id, dedup_id)",
    "CREATE INDEX limit_alerts_limit ON limit_alerts (organization_id, limit_id, period_start, reached_nanos)",
)
_TIME_ZONES = Statement("""
    SELECT organization_id, time_zone FROM organizations o
    WHERE NOT EXISTS (
        SELECT 1 FROM spend_counters c WHERE c.organization_id = o.organization_id AND c.interval <> 'MONTH')
    ORDER BY organization_id
""")
_DAYS = Statement("""
    SELECT day, member_id, tier, CAST(sum(cost_nanos) AS BIGINT) AS cost_nanos FROM usage_rollups
    WHERE organization_id = :organization_id GROUP BY day, member_id, tier
""")
_INSERT = Statement("""
    INSERT INTO spend_counters (organization_id, period_start, interval, level, subject, spent_nanos, held_nanos)
    VALUES (:organization_id, :period_start, :interval, :level, :subject, :spent_nanos, 0)
""")


async def count_weeks_and_days(_apps: Any, state_editor: Any) -> None:
    """Fill in the counters of every week and day, for organizations that have none yet."""
    client: Client = state_editor.client
    for organization in await _TIME_ZONES.rows(client):
        organization_id = organization["organization_id"]
        days = await _DAYS.rows(client, organization_id=organization_id)
        await _INSERT.run_many(client, _counters(organization_id, organization["time_zone"], days))


def _counters(organization_id: str, time_zone: str, days: list[Row]) -> list[Row]:
    sums: defaultdict[tuple[int, str, str, str], int] = defaultdict(int)
    for row in days:
        windows = windows_of_day(date.fromisoformat(row["day"]), time_zone)
        for interval in (Interval.WEEK, Interval.DAY):
            start = to_microseconds(windows[interval].start)
            for level, subject in (
                ("ORGANIZATION", organization_id),
                ("SEAT_TIER", row["tier"]),
                ("MEMBER", row["member_id"]),
            ):
                sums[start, interval.value, level, subject] += row["cost_nanos"]
    names = ("period_start", "interval", "level", "subject")
    return [
        {"organization_id": organization_id, **dict(zip(names, key, strict=True)), "spent_nanos": spent}
        for key, spent in sorted(sums.items())
    ]


class Migration(BaseMigration):
    """Levels, kinds and intervals of spend limits."""

    dependencies = [("models", "0002_audit_chain")]  # noqa: RUF012  # Tortoise reads a plain class attribute
    operations = [  # noqa: RUF012  # Tortoise reads a plain class attribute
        Define(*GROUPS),
        Change("spend_limits", "kind", *LIMITS),
        Change("spend_counters", "interval", *COUNTERS),
        Change("limit_alerts", "kind", *ALERTS),
        Change("usage_events", "group_id", "ALTER TABLE usage_events ADD COLUMN group_id TEXT NOT NULL DEFAULT ''"),
        RunPython(count_weeks_and_days),
    ]
