"""How many statements does an answer take?"""

from typing import Any

from models.sql import Client


class CountingReader:
    """A reader that passes everything on and counts the statements."""

    def __init__(self, reader: Client) -> None:
        self._reader = reader
        self.statements: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    async def execute_query(self, query: str, values: list[Any] | None = None) -> Any:
        self.statements.append(query)
        return await self._reader.execute_query(query, values)

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> Any:
        self.statements.append(query)
        return await self._reader.execute_query_dict(query, values)

    async def fetch(self, query: str, values: Any) -> Any:
        self.statements.append(query)
        return await self._reader.fetch(query, values)  # type: ignore[attr-defined]  # every reader of ours does
