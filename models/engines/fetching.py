"""How does SQLite give rows as they are?"""

from collections.abc import Sequence
from typing import Any, cast

import aiosqlite
from tortoise.backends.base.client import ConnectionWrapper
from tortoise.backends.sqlite.client import translate_exceptions

from models.sql import Record


class SqliteFetching:
    """Mixin of a client of SQLite."""

    def acquire_connection(self) -> ConnectionWrapper[aiosqlite.Connection]:
        """Return the loan of a connection: the client's own."""
        return super().acquire_connection()  # type: ignore[misc,no-any-return]  # a mixin of a client

    @translate_exceptions
    async def fetch(self, query: str, values: Sequence[Any]) -> Sequence[Record]:
        """Return every row of a query as the driver gives it."""
        async with self.acquire_connection() as connection:
            return cast(Sequence[Record], await connection.execute_fetchall(query, values))
