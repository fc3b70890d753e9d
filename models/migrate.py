"""Bring a database to the newest schema, once, however many processes start together."""

from collections.abc import Callable

from tortoise.migrations.executor import MigrationExecutor

from models.database import MIGRATIONS, Database
from models.sql import Statement

_APPS = {"models": {"models": [], "migrations": MIGRATIONS}}
_ADVISORY_KEY = 5_131_712_460
_LOCK = Statement("SELECT pg_advisory_xact_lock(:key)")


def _quiet(_name: str) -> None:
    """Report nothing."""


async def migrate(database: Database, *, progress: Callable[[str], None] = _quiet) -> None:
    """Apply every migration that is missing, calling `progress` with the name of each."""
    executor = MigrationExecutor(database.writer, _APPS)

    def report(event: str, _app: str, name: str) -> None:
        if event == "apply_done":
            progress(name)

    if database.dialect == "sqlite":
        await executor.migrate(direction="forward", progress=report)
        return
    # The lock lives on a transaction of its own connection, so that it is given back even if this process dies.
    async with database.writer.transaction() as guard:  # type: ignore[attr-defined]  # our engine's own method
        await _LOCK.rows(guard, key=_ADVISORY_KEY)
        await executor.migrate(direction="forward", progress=report)
