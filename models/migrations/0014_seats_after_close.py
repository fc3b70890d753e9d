"""Which seats began in the instant of a boundary, but only after the boundary had been billed?"""

from tortoise.migrations.migration import Migration as BaseMigration

from models.ddl import Change


class Migration(BaseMigration):
    """Seats that no invoice of their first instant knows."""

    dependencies = [("models", "0013_asking_for_oneself")]  # noqa: RUF012  # Tortoise reads a plain class attribute
    operations = [  # noqa: RUF012  # Tortoise reads a plain class attribute
        Change(
            "seat_intervals",
            "after_close",
            """ALTER TABLE seat_intervals
               ADD COLUMN after_close INTEGER NOT NULL DEFAULT 0 CHECK (after_close IN (0, 1))""",
        ),
    ]
