"""How is one SQL text written for two databases?

Parameters are named, `:like_this`, and become `?` on SQLite and `$1` on PostgreSQL. A list is `:names[]` and stands
where a subquery may stand: `member_id IN :ids[]`, or `start IN :starts[int]` for integers. Nothing else differs:
statements keep to the common subset.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, cast

from tortoise.backends.base.client import BaseDBAsyncClient

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]+)(\[(?:int)?\])?")
_LIST_TYPES = {"[]": "text", "[int]": "bigint"}

Row = dict[str, Any]
Client = BaseDBAsyncClient
"""What a query runs on: a reader, or the transaction of one write."""


class Record(Protocol):
    """A row as the driver gives it: its values in the order of the columns, and each by its column's name."""

    def __iter__(self) -> Iterator[Any]: ...
    def __getitem__(self, name: str, /) -> Any: ...
    def keys(self) -> Iterable[str]: ...


class Fetching(Protocol):
    """A client that gives rows as they are, as every client of our engines does."""

    async def fetch(self, query: str, values: Sequence[Any]) -> Sequence[Record]: ...


class Statement:
    """A named SQL statement, translated once per dialect."""

    def __init__(self, text: str) -> None:
        self.names: tuple[tuple[str, bool], ...] = tuple(
            (match[1], bool(match[2])) for match in _PARAMETER.finditer(text)
        )
        self._sqlite = _PARAMETER.sub(lambda m: "(SELECT value FROM json_each(?))" if m[2] else "?", text)
        order: dict[tuple[str, bool], int] = {}
        for name in self.names:
            order.setdefault(name, len(order) + 1)
        self._order = tuple(order)
        self._postgres = _PARAMETER.sub(
            lambda m: (
                f"(SELECT unnest(${order[m[1], True]}::{_LIST_TYPES[m[2]]}[]))" if m[2] else f"${order[m[1], False]}"
            ),
            text,
        )

    async def records(self, client: BaseDBAsyncClient, **parameters: Any) -> Sequence[Record]:
        """Return every row as the driver gives it."""
        text, values = self._bind(client, parameters)
        if hasattr(client, "fetch"):
            return await cast(Fetching, client).fetch(text, values)
        _, found = await client.execute_query(text, values)  # Tortoise's own client, as a migration has it
        return cast(Sequence[Record], found)

    async def rows(self, client: BaseDBAsyncClient, **parameters: Any) -> list[Row]:
        """Return every row, also those of a RETURNING clause."""
        return [dict(record) for record in await self.records(client, **parameters)]

    async def first(self, client: BaseDBAsyncClient, **parameters: Any) -> Row | None:
        """Return the first row, or None where there is none."""
        rows = await self.rows(client, **parameters)
        return rows[0] if rows else None

    async def run(self, client: BaseDBAsyncClient, **parameters: Any) -> int:
        """Execute, and return how many rows were touched."""
        text, values = self._bind(client, parameters)
        touched, _ = await client.execute_query(text, values)
        return touched

    async def run_many(self, client: BaseDBAsyncClient, rows: Sequence[Row]) -> None:
        """Execute once for each row of parameters, in one round trip."""
        if not rows:
            return
        text, _ = self._bind(client, rows[0])
        await client.execute_many(text, [self._bind(client, row)[1] for row in rows])

    def _bind(self, client: BaseDBAsyncClient, parameters: Row) -> tuple[str, list[Any]]:
        if client.capabilities.dialect == "sqlite":
            return self._sqlite, [
                json.dumps(list(parameters[name])) if many else parameters[name] for name, many in self.names
            ]
        return self._postgres, [list(parameters[name]) if many else parameters[name] for name, many in self._order]
