"""A snapshot stands still while others write, and nobody writes through it."""

import asyncio
import shutil
from pathlib import Path

import pytest

from models.database import Database, opened, snapshot
from models.engines.ownership import ForeignTask
from models.sql import Client, Statement
from tests import databases

ADD = Statement("INSERT INTO number_series (series, last_number) VALUES (:series, 1)")
COUNT = Statement("SELECT count(*) AS total FROM number_series")


async def add(database: Database, series: str) -> None:
    async def write(client: Client) -> None:
        await ADD.run(client, series=series)

    await database.runner.run(write, lane="series")


async def counted(client: Client) -> int:
    row = await COUNT.first(client)
    assert row is not None
    return int(row["total"])


async def test_stands_still_while_others_write(database: Database) -> None:
    await add(database, "before")
    async with snapshot(database.reader) as still:
        assert await counted(still) == 1
        await add(database, "meanwhile")

        assert await counted(still) == 1
        assert await counted(database.reader) == 2

    assert await counted(database.reader) == 2


async def test_nobody_writes_through_it(database: Database) -> None:
    with pytest.raises(Exception, match=r"read-?only|readonly"):
        async with snapshot(database.reader) as still:
            await ADD.run(still, series="never")

    assert await counted(database.reader) == 0


async def test_belongs_to_the_task_that_took_it(database: Database) -> None:
    async with snapshot(database.reader) as still:
        with pytest.raises(ForeignTask):
            await asyncio.create_task(counted(still))


@pytest.mark.skipif(databases.on_postgres(), reason="it is about names of SQLite files, and a server has none")
@pytest.mark.parametrize("name", ["plain.db", "a name?with=marks#and%20.db"])
@pytest.mark.parametrize("slashes", ["", "/"])
async def test_reads_a_file_whatever_its_name(database_url: str, tmp_path: Path, name: str, slashes: str) -> None:
    shutil.copyfile(database_url.removeprefix("sqlite://"), tmp_path / name)
    quoted = name.replace("%", "%25")

    async with opened(f"sqlite://{slashes}{tmp_path}/{quoted}") as database:
        await add(database, "one")

        assert await counted(database.reader) == 1
