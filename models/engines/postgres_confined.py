"""PostgreSQL connections that see the rows of the organizations they were told of, and of no other.

The database itself keeps to it, by row level security: see `models.tenancy`. A connection is told for whom each time
it is lent out, so what it was told before never counts. That takes the place of the reset that other pools do at the
end of a loan: a read takes as many messages as any other.
"""

from collections.abc import Iterable
from copy import copy
from typing import Any, Self

import asyncpg  # type: ignore[import-untyped]  # it ships no types
from tortoise.backends.base.client import PoolConnectionWrapper

from models.engines.postgres import PostgresClient

SETTING = "app.organizations"
_TELL = f"SELECT set_config('{SETTING}', $1, false)"  # a constant


class ConfinedClient(PostgresClient):
    """A reader of some organizations: of none, until it is told of which."""

    organizations: str = ""

    async def create_pool(self, **kwargs: Any) -> asyncpg.Pool:
        return await super().create_pool(**{**kwargs, "reset": _keep})

    def confined_to(self, organizations: Iterable[str]) -> Self:
        """Return a reader of these organizations, over the same connections."""
        assert self._pool is not None, "the database is opened before it is used"
        told = copy(self)
        told.organizations = ",".join(sorted(organizations))
        return told

    def acquire_connection(self) -> PoolConnectionWrapper[asyncpg.Connection]:
        return _Loan(self, self._pool_init_lock)


class _Loan(PoolConnectionWrapper[asyncpg.Connection]):
    """A connection that knows for whom it reads."""

    __slots__ = ()

    async def __aenter__(self) -> asyncpg.Connection:
        connection = await super().__aenter__()
        try:
            assert isinstance(self.client, ConfinedClient), "only such a client lends out such connections"
            await connection.execute(_TELL, self.client.organizations)
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return connection


async def _keep(_connection: asyncpg.Connection) -> None:
    """Leave a connection as it is: whoever gets it next tells it everything anew."""


client_class = ConfinedClient
