"""How are many rows written at once?

In one statement, whatever their number: on PostgreSQL by COPY, or from arrays where few rows come or a conflict is to
be resolved; on SQLite by one prepared statement. Where several transactions may write the same rows, the caller gives
them in the one order of their keys, so that two never wait for each other.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, runtime_checkable

from models.sql import Client

TEXT: Final = "text"
INTEGER: Final = "bigint"
COPY_MIN = 16
"""From how many rows on the start of a COPY is worth its two messages."""


@runtime_checkable
class Copying(Protocol):
    """A client whose database takes rows as they are."""

    async def copy(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None: ...


class Insert:
    """The insertion of rows into one table; `conflict` is what to do with one that is there."""

    def __init__(self, table: str, columns: Mapping[str, str], conflict: str = "") -> None:
        self.table, self.columns, self._conflict = table, tuple(columns), conflict
        names = ", ".join(columns)
        into = f"INSERT INTO {table} ({names})"
        arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(columns.values(), start=1))
        self._sqlite = f"{into} VALUES ({', '.join('?' * len(columns))}) {conflict}"
        # WHERE TRUE: without it the grammar takes ON CONFLICT for a join's condition.
        self._postgres = f"{into} SELECT * FROM unnest({arrays}) AS given ({names}) WHERE TRUE {conflict}"  # noqa: S608  # constants

    async def rows(self, client: Client, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows, each with a value for every column in the order of the columns."""
        if not rows:
            return
        if client.capabilities.dialect == "sqlite":
            await client.execute_many(self._sqlite, rows)  # type: ignore[arg-type]  # any sequences do
        elif not self._conflict and len(rows) >= COPY_MIN and isinstance(client, Copying):
            await client.copy(self.table, self.columns, rows)
        else:
            await client.execute_query(self._postgres, [list(values) for values in zip(*rows, strict=True)])
