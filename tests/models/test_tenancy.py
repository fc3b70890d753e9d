"""On PostgreSQL the database itself keeps one organization's rows from another, should a query forget to."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from tortoise.exceptions import OperationalError, TransactionManagementError

from models import tenancy
from models.database import Database, UnsupportedDatabase, opened
from models.sql import Statement
from models.tenancy import NotConfined
from tests import databases
from tests.authorization import matrix, world
from tests.authorization.callers import Home
from tests.builders import an_organization

ROLE = "bg_confined_by_tests"
_COUNT = "SELECT count(*) AS total, count(DISTINCT organization_id) AS owners FROM {}"
_OWNER_EXISTS = Statement("SELECT 1 AS found FROM pg_roles WHERE rolname = :role")
only_postgres = pytest.mark.skipif(not databases.on_postgres(), reason="SQLite has no row level security")


def as_role(url: str, role: str = ROLE) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{role}:secret@{parts.hostname}:{parts.port or 5432}"))


@pytest.fixture
async def second(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """A database of which answers are read as a role that is confined."""
    async with databases.fresh(database_url, tmp_path) as database:
        if await _OWNER_EXISTS.first(database.reader, role=ROLE) is None:
            await database.writer.execute_script(f"CREATE ROLE {ROLE} LOGIN PASSWORD 'secret'")
        await tenancy.confine(database.writer, ROLE)
    async with opened(database_url, as_role(database_url)) as database:
        yield database


async def tables(database: Database) -> list[str]:
    return [row["name"] for row in await tenancy._TABLES.rows(database.reader)]


async def owners(client: object, table: str) -> tuple[int, int]:
    [row] = await Statement(_COUNT.format(table)).rows(client)  # type: ignore[arg-type]
    return row["total"], row["owners"]


@only_postgres
async def test_a_query_that_forgets_its_organization_sees_one_at_most(second: Database) -> None:
    home = await world.furnished(second)
    other = await world.furnished(second, slug="other")
    nobody = tenancy.confined(second.answering, ())
    mine = tenancy.confined(second.answering, [home.organization_id])
    both = tenancy.confined(second.answering, [home.organization_id, other.organization_id])
    filled = 0

    for table in await tables(second):
        everything, own = await owners(second.reader, table), await owners(mine, table)
        assert await owners(nobody, table) == (0, 0), table
        assert own[1] <= 1, table
        assert await owners(both, table) >= own, table
        filled += everything[1] >= 2 and 0 < own[0] < everything[0]

    assert filled > 40
    assert (await owners(second.answering, "members")) == (0, 0), "whoever is told of nothing sees nothing"


@only_postgres
async def test_what_callers_are_told_is_the_same(second: Database) -> None:
    home = await world.furnished(second)
    confined = Home(second, home.organization_id, home.member_id, home.other_id, second.answering)
    paths = await confined.paths()

    for caller in ("primary_owner", "member", "stranger"):
        expected = {row: told[caller] for row, told in matrix.expected().items()}
        found = await matrix.column(confined, caller, paths)
        assert {row: (expected[row], told) for row, told in found.items() if expected[row] != told} == {}


@only_postgres
async def test_writes_nothing_and_reads_no_keys(second: Database) -> None:
    with pytest.raises(TransactionManagementError, match="read-only transaction"):
        await second.answering.execute_query("DELETE FROM members")
    for table in tenancy.UNREADABLE:
        with pytest.raises(OperationalError, match="permission denied"):
            await second.answering.execute_query(f"SELECT 1 FROM {table}")


@only_postgres
async def test_is_refused_where_it_would_be_no_line_at_all(second: Database) -> None:
    with pytest.raises(NotConfined, match="it is a superuser"):
        await tenancy.require_confined(second.reader)
    await second.writer.execute_script("DROP POLICY confined ON members")
    with pytest.raises(NotConfined, match="all rows of members: run `billgraph confine`"):
        await tenancy.require_confined(second.answering)
    for role, told in (('x"; DROP TABLE members', "no plain name"), ("nobody_of_that_name", "there is no role")):
        with pytest.raises(NotConfined, match=told):
            await tenancy.confine(second.writer, role)


async def test_without_such_a_role_everything_is_as_it_was(database: Database) -> None:
    owner = await an_organization(database)

    assert tenancy.confined(database.answering, [owner.books.organization_id]) is database.reader


async def test_only_postgresql_has_it(database_url: str) -> None:
    with pytest.raises(UnsupportedDatabase, match="only PostgreSQL confines a role"):
        async with opened(database_url, "sqlite://other.db"):
            raise AssertionError("opened")
