"""Is the live schema the one this code was written for?

A migration that half worked, or a column somebody added by hand, must stop the server at start and not at month
close. The live schema is described as sorted text and compared with the golden copy beside this module.
"""

from pathlib import Path

from tortoise.backends.base.client import BaseDBAsyncClient

from models.sql import Statement

GOLDEN = Path(__file__).parent / "golden"
_LEDGER = "tortoise_migrations"

_SQLITE = Statement("""
    SELECT m.type AS kind, m.tbl_name AS "table", m.name AS name, m.sql AS definition
    FROM sqlite_master m WHERE m.sql IS NOT NULL AND m.name NOT LIKE 'sqlite_%'
""")
_POSTGRES_COLUMNS = Statement("""
    SELECT table_name AS "table", column_name AS name,
           data_type || ' ' || coalesce(collation_name, '') || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END
           AS definition
    FROM information_schema.columns WHERE table_schema = current_schema()
""")
_POSTGRES_INDEXES = Statement("""
    SELECT tablename AS "table", indexname AS name, replace(indexdef, schemaname || '.', '') AS definition
    FROM pg_indexes WHERE schemaname = current_schema()
""")
_POSTGRES_CHECKS = Statement("""
    SELECT r.relname AS "table", c.conname AS name, pg_get_constraintdef(c.oid) AS definition
    FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = r.relnamespace
    WHERE c.contype = 'c' AND n.nspname = current_schema()
""")


class SchemaDiffers(RuntimeError):
    """The live schema is not the golden one; the message lists the first differences."""


async def describe(client: BaseDBAsyncClient) -> str:
    """Return the live schema as text, one column, index or check a line, sorted."""
    if client.capabilities.dialect == "sqlite":
        rows = await _SQLITE.rows(client)
        lines = [f"{row['kind']} {row['table']} {row['name']}: {' '.join(row['definition'].split())}" for row in rows]
    else:
        lines = []
        for kind, statement in (
            ("column", _POSTGRES_COLUMNS),
            ("index", _POSTGRES_INDEXES),
            ("check", _POSTGRES_CHECKS),
        ):
            rows = await statement.rows(client)
            lines += [f"{kind} {row['table']} {row['name']}: {' '.join(row['definition'].split())}" for row in rows]
    return "".join(sorted(f"{line}\n" for line in lines if _LEDGER not in line))


async def require_golden(client: BaseDBAsyncClient) -> None:
    """Raise `SchemaDiffers` unless the live schema equals the golden copy of its dialect."""
    golden = (GOLDEN / f"{client.capabilities.dialect}.txt").read_text(encoding="utf-8")
    live = await describe(client)
    if live == golden:
        return
    missing = sorted(set(golden.splitlines()) - set(live.splitlines()))[:5]
    surplus = sorted(set(live.splitlines()) - set(golden.splitlines()))[:5]
    raise SchemaDiffers(
        "the database schema is not the one this version expects; `billgraph migrate` brings an older release up to "
        "date, and a database of a version that was never released must be made anew. "
        + "; ".join([f"missing: {line}" for line in missing] + [f"unexpected: {line}" for line in surplus])
    )
