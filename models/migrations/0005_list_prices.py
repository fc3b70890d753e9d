"""List prices with a date from which they are in force; what was on offer before has always been."""

from tortoise.migrations.migration import Migration as BaseMigration

from models.ddl import Change


class Migration(BaseMigration):
    """Dated list prices."""

    dependencies = [("models", "0004_seat_releases")]  # noqa: RUF012  # Tortoise reads a plain class attribute
    operations = [  # noqa: RUF012  # Tortoise reads a plain class attribute
        Change(
            "catalog_plans",
            "effective_at",
            "ALTER TABLE catalog_plans ADD COLUMN effective_at INTEGER NOT NULL DEFAULT 0",
        ),
    ]
