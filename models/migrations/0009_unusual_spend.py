"""Days on which members spent far more than usual, and what a day is compared with."""

from tortoise.migrations.migration import Migration as BaseMigration

from models.ddl import Define

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS spend_watches (
        organization_id TEXT NOT NULL PRIMARY KEY,
        sensitivity TEXT NOT NULL CHECK (sensitivity IN ('OFF', 'LOW', 'NORMAL', 'HIGH')),
        floor_minor INTEGER NOT NULL CHECK (floor_minor >= 0)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS spend_baselines (
        organization_id TEXT NOT NULL,
        member_id TEXT NOT NULL,
        day TEXT NOT NULL,
        median_nanos INTEGER,
        distance_nanos INTEGER,
        history_days INTEGER,
        threshold_nanos INTEGER,
        told INTEGER NOT NULL CHECK (told IN (0, 1)),
        PRIMARY KEY (organization_id, member_id, day)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS spend_anomalies (
        organization_id TEXT NOT NULL,
        id TEXT NOT NULL,
        dedup_id TEXT NOT NULL,
        member_id TEXT NOT NULL,
        day TEXT NOT NULL,
        spent_nanos INTEGER NOT NULL,
        median_nanos INTEGER NOT NULL,
        distance_nanos INTEGER NOT NULL,
        threshold_nanos INTEGER NOT NULL,
        history_days INTEGER NOT NULL,
        detected_at INTEGER NOT NULL,
        PRIMARY KEY (organization_id, id)
    )
    """,
    "CREATE UNIQUE INDEX IF NOT EXISTS spend_anomalies_dedup ON spend_anomalies (organization_id, dedup_id)",
    "CREATE INDEX IF NOT EXISTS spend_anomalies_member ON spend_anomalies (organization_id, member_id, id)",
)


class Migration(BaseMigration):
    """Unusual spend is noticed."""

    dependencies = [("models", "0008_limit_increases")]  # noqa: RUF012  # Tortoise reads a plain class attribute
    operations = [Define(*TABLES)]  # noqa: RUF012  # Tortoise reads a plain class attribute
