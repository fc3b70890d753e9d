"""A read of SQLite that takes no time needs no thread, and nobody can tell that one of the others did."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tortoise.exceptions import OperationalError

from models.engines.sqlite_at_once import PAUSE, AtOnce
from models.sql import Client, Statement
from tests import databases
from tests.builders import Database, an_organization

pytestmark = pytest.mark.skipif(databases.on_postgres(), reason="SQLite answers in this process, a server does not")

QUICK = "SELECT 1 AS found WHERE ? = 7"
LONG = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT max(i) AS found FROM n"
LONG_ENOUGH = 20_000


@pytest.fixture
def at_once(tmp_path: Path) -> Iterator[AtOnce]:
    opened = AtOnce(f"file:{tmp_path}/empty.db", ())
    yield opened
    opened.close()


def test_what_takes_no_time_is_answered(at_once: AtOnce) -> None:
    answered = at_once.fetch(QUICK, [7])

    assert answered is not None
    assert [dict(record) for record in answered] == [{"found": 1}]


def test_what_takes_long_is_broken_off_and_left_to_threads_for_a_while(at_once: AtOnce) -> None:
    assert at_once.fetch(LONG, [10]) is not None, "it is not the text that takes long"

    assert at_once.fetch(LONG, [LONG_ENOUGH]) is None
    assert [at_once.fetch(LONG, [10]) is None for _ in range(PAUSE + 1)] == [True] * PAUSE + [False]
    assert at_once.fetch(QUICK, [7]) is not None, "another statement is as quick as ever"


async def test_a_thread_answers_what_was_broken_off(database: Database) -> None:
    count = Statement(LONG.replace("?", ":upto"))

    assert await count.rows(database.reader, upto=LONG_ENOUGH) == [{"found": LONG_ENOUGH}]
    assert await count.rows(database.reader, upto=10) == [{"found": 10}]


async def test_what_is_wrong_is_told_as_ever(database: Database) -> None:
    with pytest.raises(OperationalError, match="no such table: nowhere"):
        await Statement("SELECT 1 FROM nowhere").rows(database.reader)
    with pytest.raises(OperationalError, match="readonly database"):
        await Statement("UPDATE members SET name = 'x'").rows(database.reader)


async def test_sees_what_was_committed_while_somebody_writes(database: Database) -> None:
    owner = await an_organization(database)
    names = Statement("SELECT name FROM organizations WHERE organization_id = :organization_id")
    rename = Statement("UPDATE organizations SET name = :name WHERE organization_id = :organization_id")
    found = []

    async def write(client: Client) -> None:
        await rename.run(client, name="Later", organization_id=owner.books.organization_id)
        found.append(await names.rows(database.reader, organization_id=owner.books.organization_id))

    await database.runner.run(write, lane="test")
    found.append(await names.rows(database.reader, organization_id=owner.books.organization_id))

    assert [[row["name"] == "Later" for row in rows] for rows in found] == [[False], [True]]
