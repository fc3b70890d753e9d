"""The live schema: what the migrations make is what the code and the golden copy say, and the server checks it."""

import asyncio
import sys
from pathlib import Path

import pytest
from tortoise.models import Model

from models.database import ROW_MODULES, Database
from models.migrate import migrate
from models.schema_check import SchemaDiffers, describe, require_golden
from models.sql import Statement
from tests import databases

ROOT = Path(__file__).parents[2]
OPEN = """
import asyncio, sys
from models.database import opened
async def main():
    async with opened(sys.argv[1]):
        pass
asyncio.run(main())
"""
COLUMNS = {
    "sqlite": Statement("""
        SELECT m.name AS "table", c.name, c.type, c."notnull" AS required
        FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'
    """),
    "postgres": Statement("""
        SELECT table_name AS "table", column_name AS name,
               CASE data_type WHEN 'bigint' THEN 'INTEGER' ELSE 'TEXT' END AS type,
               CASE is_nullable WHEN 'NO' THEN 1 ELSE 0 END AS required
        FROM information_schema.columns WHERE table_schema = current_schema()
    """),
}


def row_models() -> list[type[Model]]:
    modules = [__import__(name, fromlist=["_"]) for name in ROW_MODULES]
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Model) and value is not Model
    }
    return sorted(found, key=lambda model: str(model._meta.db_table))


async def test_is_the_golden_copy(database: Database) -> None:
    await require_golden(database.reader)


async def test_migrating_again_changes_nothing(database: Database) -> None:
    before = await describe(database.reader)
    applied: list[str] = []

    await migrate(database, progress=applied.append)

    assert applied == []
    assert await describe(database.reader) == before


async def test_a_column_added_by_hand_is_refused(database: Database) -> None:
    await database.writer.execute_query("ALTER TABLE payments ADD COLUMN note TEXT")
    try:
        with pytest.raises(SchemaDiffers, match="payments"):
            await require_golden(database.reader)
    finally:
        await database.writer.execute_query("ALTER TABLE payments DROP COLUMN note")


async def test_every_model_has_exactly_the_columns_of_its_table(database: Database) -> None:
    tables: dict[str, dict[str, tuple[str, bool]]] = {}
    for row in await COLUMNS[database.dialect].rows(database.reader):
        tables.setdefault(row["table"], {})[row["name"]] = (row["type"], bool(row["required"]))

    for model in row_models():
        declared = {name: not field.null for name, field in model._meta.fields_map.items()}
        live = {name: required for name, (_, required) in tables[str(model._meta.db_table)].items()}
        assert declared == live, model.__name__


async def test_keys_start_with_the_organization(database: Database) -> None:
    shared = {"catalog_plans", "number_series", "sellers", "sessions", "signing_keys", "spent_tokens"}
    golden = (ROOT / "models" / "golden" / "postgres.txt").read_text(encoding="utf-8").splitlines()
    keys = [line for line in golden if line.startswith("index ") and "_pkey:" in line]

    assert len(keys) > 20
    for line in keys:
        table = line.split()[1]
        assert table in shared or "btree (organization_id" in line, line


@pytest.mark.skipif(databases.on_postgres(), reason="PostgreSQL serves many processes; a SQLite file has one owner")
async def test_a_second_process_is_turned_away(database: Database) -> None:
    url = f"sqlite://{database.writer.filename}"  # type: ignore[attr-defined]  # the engine's own attribute

    second = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OPEN, url, stderr=asyncio.subprocess.PIPE, env={"PYTHONPATH": str(ROOT)}
    )
    _, complaint = await asyncio.wait_for(second.communicate(), timeout=20)

    assert second.returncode != 0
    assert "open in another process" in complaint.decode()
