"""Which tables have a column of this name?

Asked of the database itself, so that what is true of every such column holds for a table that is added tomorrow.
"""

from tortoise.backends.base.client import BaseDBAsyncClient

from models.sql import Statement

_TABLES = {
    "sqlite": Statement("""
        SELECT m.name AS name FROM sqlite_master m
        WHERE m.type = 'table' AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) c WHERE c.name = :column)
        ORDER BY m.name
    """),
    "postgres": Statement("""
        SELECT table_name AS name FROM information_schema.columns
        WHERE table_schema = current_schema() AND column_name = :column ORDER BY table_name
    """),
}


async def tables_with(client: BaseDBAsyncClient, *columns: str) -> list[str]:
    """Return the names of the tables that have all of the given columns, sorted."""
    statement = _TABLES[client.capabilities.dialect]
    found = [{row["name"] for row in await statement.rows(client, column=column)} for column in columns]
    return sorted(set.intersection(*found))
