"""How is one table definition written for two databases?

Tables are written by hand with two column types, TEXT and INTEGER, because generated definitions cannot express a
key that starts with the organization, partial unique indexes or STRICT. On SQLite a table is STRICT; on PostgreSQL
INTEGER is BIGINT and TEXT compares by bytes, so that both databases sort alike.
"""

import re
from typing import Any

from tortoise.migrations.operations import RunSQL

from models.sql import Client, Statement

_HAS_COLUMN = {
    "sqlite": Statement("SELECT 1 AS found FROM pragma_table_info(:table_name) WHERE name = :column"),
    "postgres": Statement("""
        SELECT 1 AS found FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name = :table_name AND column_name = :column
    """),
}


def sqlite(statement: str) -> str:
    """Return `statement` as SQLite wants it."""
    return f"{statement} STRICT" if statement.lstrip().startswith("CREATE TABLE") else statement


def postgres(statement: str) -> str:
    """Return `statement` as PostgreSQL wants it."""
    if not statement.lstrip().startswith(("CREATE TABLE", "ALTER TABLE")):
        return statement
    return re.sub(r"\bTEXT\b", 'TEXT COLLATE "C"', re.sub(r"\bINTEGER\b", "BIGINT", statement))


class Define(RunSQL):
    """Run definitions one statement at a time, inside the migration's own transaction.

    Tortoise records a migration after its transaction, so a crash in between runs it again: every definition says
    IF NOT EXISTS.
    """

    def __init__(self, *statements: str) -> None:
        super().__init__([statement.strip() for statement in statements])

    def describe(self) -> str:
        return f"Define {len(self.sql)} tables and indexes"

    async def _run_sql(self, state_editor: Any, sqls: Any) -> None:
        translate = sqlite if state_editor.client.capabilities.dialect == "sqlite" else postgres
        for statement in sqls:
            if state_editor.collect_sql:
                state_editor.collected_sql.append(translate(statement))
            else:
                await state_editor.client.execute_query(translate(statement))


class Change(Define):
    """Run definitions only while a table lacks a column: changing a table twice is not the same as once."""

    def __init__(self, table: str, column: str, *statements: str) -> None:
        super().__init__(*statements)
        self._table, self._column = table, column

    async def _run_sql(self, state_editor: Any, sqls: Any) -> None:
        if state_editor.collect_sql or not await has_column(state_editor.client, self._table, self._column):
            await super()._run_sql(state_editor, sqls)


async def has_column(client: Client, table: str, column: str) -> bool:
    """Return whether a table has a column."""
    found = await _HAS_COLUMN[client.capabilities.dialect].first(client, table_name=table, column=column)
    return found is not None
