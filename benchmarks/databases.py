"""On which database does a proof run?

On a SQLite file that is thrown away, or on the PostgreSQL server that a URL names: there in a database of its own,
made for the run and dropped after it, so that no proof can touch what somebody keeps.
"""

import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg  # type: ignore[import-untyped]  # it ships no types

from models.database import opened
from models.migrate import migrate

SQLITE = "sqlite"


@asynccontextmanager
async def thrown_away(database: str) -> AsyncIterator[str]:
    """Yield the URL of a new, migrated database: a file for `sqlite`, or one on the server at a URL."""
    async with empty(database) as url:
        async with opened(url) as house:
            await migrate(house)
        yield url


@asynccontextmanager
async def empty(database: str) -> AsyncIterator[str]:
    """Yield the URL of a new database with nothing in it, for a process that migrates it itself."""
    if database == SQLITE:
        with tempfile.TemporaryDirectory(prefix="billgraph-bench-") as folder:
            yield f"sqlite://{Path(folder) / 'bench.db'}"
        return
    parts = urlsplit(database)
    name = f"{parts.path.strip('/') or 'billgraph'}_bench_{secrets.token_hex(4)}"
    await _on_server(database, f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        await _on_server(database, f'DROP DATABASE "{name}" WITH (FORCE)')


def dialect_of(database: str) -> str:
    """Return what to call the database in a table's title."""
    return "SQLite" if database.startswith(SQLITE) else "PostgreSQL"


async def _on_server(url: str, command: str) -> None:
    connection = await asyncpg.connect(urlunsplit(urlsplit(url)._replace(path="/postgres")))
    try:
        await connection.execute(command)
    finally:
        await connection.close()
