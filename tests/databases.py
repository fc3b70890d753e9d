"""The database that the tests run on: a SQLite file, or PostgreSQL where BILLGRAPH_TEST_DATABASE_URL names one.

Two dialects never share a process, because Tortoise caches SQL without regard to the dialect. A test gets a fresh
copy of a migrated SQLite file, or the worker's own PostgreSQL database emptied of its rows.
"""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from models.database import Database, opened
from models.migrate import migrate
from models.sql import Statement

SERVER_URL = os.environ.get("BILLGRAPH_TEST_DATABASE_URL", "")
_TABLES = Statement("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")


def on_postgres() -> bool:
    """Return whether this run is the PostgreSQL one."""
    return bool(SERVER_URL)


async def prepare(folder: Path, worker: str) -> str:
    """Create and migrate this worker's database, and return its URL."""
    url = await empty(folder, worker)
    async with opened(url) as database:
        await migrate(database)
    return url


async def empty(folder: Path, name: str) -> str:
    """Create a database without a table in it, and return its URL."""
    if not on_postgres():
        return f"sqlite://{folder / f'{name}.db'}"
    parts = urlsplit(SERVER_URL)
    name = f"{parts.path.lstrip('/')}_{name}"
    await _recreate(parts, name)
    return urlunsplit(parts._replace(path=f"/{name}"))


@asynccontextmanager
async def fresh(template_url: str, folder: Path) -> AsyncIterator[Database]:
    """Yield an open database without a row in it."""
    url = template_url
    if not on_postgres():
        target = folder / "billgraph.db"
        shutil.copyfile(template_url.removeprefix("sqlite://"), target)
        url = f"sqlite://{target}"
    async with opened(url) as database:
        if on_postgres():
            await _empty(database)
        yield database


@asynccontextmanager
async def copied(url: str, folder: Path) -> AsyncIterator[Database]:
    """Yield an open copy of a database."""
    if not on_postgres():
        target = folder / "copy.db"
        _copy_file(Path(url.removeprefix("sqlite://")), target)
        async with opened(f"sqlite://{target}") as database:
            yield database
        return
    parts = urlsplit(url)
    original = parts.path.lstrip("/")
    server = urlunsplit(parts._replace(path="/postgres"))
    copy = f"{original}_{os.getpid()}"
    await _execute(server, f'CREATE DATABASE "{copy}" TEMPLATE "{original}"')
    try:
        async with opened(urlunsplit(parts._replace(path=f"/{copy}"))) as database:
            yield database
    finally:
        await _execute(server, f'DROP DATABASE "{copy}" WITH (FORCE)')


async def _recreate(parts: object, name: str) -> None:
    connection = await asyncpg.connect(urlunsplit(parts._replace(path="/postgres")))  # type: ignore[attr-defined]
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()


async def _empty(database: Database) -> None:
    tables = [row["tablename"] for row in await _TABLES.rows(database.reader)]
    # Of a few rows in each table, DELETE is done long before TRUNCATE, which makes every file anew.
    deletions = "; ".join(f'DELETE FROM "{table}"' for table in tables if table != "tortoise_migrations")
    await database.writer.execute_script(deletions)


def _copy_file(source: Path, target: Path) -> None:
    for suffix in ("", "-wal"):  # what is committed may still be in the log beside the file
        part = source.with_name(source.name + suffix)
        if part.exists():
            shutil.copyfile(part, target.with_name(target.name + suffix))


async def _execute(server: str, command: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(command)
    finally:
        await connection.close()
