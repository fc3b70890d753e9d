"""What is open while the process runs: one writer behind the runner, and readers that never wait for it.

`Database.open` connects, brings nothing up to date by itself and refuses a schema that is not the one this code was
written for. Every query names the client it runs on, so that a read cannot slip into somebody's transaction.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import unquote, urlsplit

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.context import TortoiseContext

from models import tenancy
from models.runner import Runner, Writer

ROW_MODULES = (
    "models.alerts",
    "models.anomalies",
    "models.api_clients",
    "models.contracts",
    "models.credits",
    "models.deliveries",
    "models.directory_groups",
    "models.directory_users",
    "models.exemptions",
    "models.groups",
    "models.identities",
    "models.identity_providers",
    "models.imports",
    "models.invitations",
    "models.invoices",
    "models.limit_increases",
    "models.limits",
    "models.members",
    "models.organizations",
    "models.payments",
    "models.plans",
    "models.releases",
    "models.reservations",
    "models.roles",
    "models.scim_tokens",
    "models.seats",
    "models.sessions",
    "models.signing_keys",
    "models.usage",
    "models.webhooks",
)
MIGRATIONS = "models.migrations"
POOL_SIZE = 10
_POSTGRES = frozenset({"postgres", "postgresql", "asyncpg"})
_worked_out = ""  # the scheme of the database that every row was last worked out for


class SnapshotReader(Protocol):
    """A reader as the engines make it."""

    def snapshot(self) -> AbstractAsyncContextManager[BaseDBAsyncClient]: ...


class UnsupportedDatabase(ValueError):
    """The database URL names neither SQLite nor PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Database:
    """An open database: `reader` for queries, `runner` for transactions."""

    dialect: str
    reader: BaseDBAsyncClient
    writer: BaseDBAsyncClient
    runner: Runner
    context: TortoiseContext
    url: str = field(default="", repr=False)  # it may carry a password
    confined: BaseDBAsyncClient | None = None

    @property
    def answering(self) -> BaseDBAsyncClient:
        """What callers are answered from: a reader that the database itself confines, where there is one."""
        return self.confined or self.reader


@asynccontextmanager
async def opened(url: str, confined_url: str | None = None) -> AsyncIterator[Database]:
    """Yield the database at `url`, and close every connection at the end, whatever happened.

    `confined_url` is the same PostgreSQL database as a role that row level security confines; raise
    `tenancy.NotConfined` where it does not.
    """
    context = TortoiseContext()
    async with context:
        await _init(context, url, confined_url)
        writer = context.connections.get("writer")
        reader = context.connections.get("reader")
        await writer.create_connection(with_db=True)
        runner = Runner(cast(Writer, writer))
        confined = None
        if confined_url is not None:
            confined = context.connections.get("confined")
            await confined.create_connection(with_db=True)
            await tenancy.require_confined(confined)
        try:
            yield Database(writer.capabilities.dialect, reader, writer, runner, context, url, confined)
        finally:
            await runner.drain()


@asynccontextmanager
async def reading(url: str) -> AsyncIterator[BaseDBAsyncClient]:
    """Yield a client that only reads, also while another process owns and serves the same SQLite file."""
    context = TortoiseContext()
    async with context:
        await _init(context, url)
        yield context.connections.get("reader")


def snapshot(reader: BaseDBAsyncClient) -> AbstractAsyncContextManager[BaseDBAsyncClient]:
    """Return a client of `reader` for which the database stands still until it is closed; writers go on beside it.

    Only the task that opened it may use it.
    """
    return cast(SnapshotReader, reader).snapshot()


def sqlite_path(url: str) -> Path | None:
    """Return the file that `url` names, or None where it names a server."""
    parts = urlsplit(url)
    return Path(unquote(url.removeprefix("sqlite://"))) if parts.scheme == "sqlite" else None


async def _init(context: TortoiseContext, url: str, confined_url: str | None = None) -> None:
    """Tell `context` of the rows and connections.

    Tortoise works out every column, filter and base query of every row at each init. They depend on the dialect
    alone, so they are worked out again only where it is another one than before.
    """
    global _worked_out
    scheme = urlsplit(url).scheme
    await context.init(
        config=_configuration(url, confined_url),
        use_tz=True,
        timezone="UTC",
        init_connections=scheme != _worked_out,
        _enable_global_fallback=True,
    )
    _worked_out = scheme


def _configuration(url: str, confined_url: str | None) -> dict[str, Any]:
    connections = _connections(url)
    if confined_url is not None:
        parts = urlsplit(confined_url)
        if parts.scheme not in _POSTGRES:
            raise UnsupportedDatabase(f"only PostgreSQL confines a role; the URL starts with {parts.scheme!r}")
        connections["confined"] = _postgres(parts, read_only="on") | {"engine": "models.engines.postgres_confined"}
    app = {"models": list(ROW_MODULES), "default_connection": "writer", "migrations": MIGRATIONS}
    return {"connections": connections, "apps": {"models": app}}


def _connections(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        credentials = {"file_path": str(sqlite_path(url))}
        return {
            "writer": {"engine": "models.engines.sqlite_writer", "credentials": credentials},
            "reader": {"engine": "models.engines.sqlite_reader", "credentials": credentials},
        }
    if parts.scheme in _POSTGRES:
        return {"writer": _postgres(parts, read_only="off"), "reader": _postgres(parts, read_only="on")}
    raise UnsupportedDatabase(f"DATABASE_URL starts with {parts.scheme!r}: expected sqlite:// or postgres://")


def _postgres(parts: Any, *, read_only: str) -> dict[str, Any]:
    settings = {
        "default_transaction_read_only": read_only,
        "statement_timeout": "30000",
        "lock_timeout": "10000",
        "idle_in_transaction_session_timeout": "60000",
        "timezone": "UTC",
    }
    return {
        "engine": "models.engines.postgres",
        "credentials": {
            "host": parts.hostname or "127.0.0.1",
            "port": parts.port or 5432,
            "user": unquote(parts.username or "postgres"),
            "password": unquote(parts.password) if parts.password else None,
            "database": parts.path.lstrip("/"),
            "minsize": 1,
            "maxsize": POOL_SIZE,
            "server_settings": settings,
            "application_name": "billgraph",
        },
    }
