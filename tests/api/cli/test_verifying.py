"""`billgraph verify` tells an operator whose rows are wrong, what they should be, and says so to a script."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.cli import verifying
from api.cli.closing import NoSuchOrganization
from api.settings import Settings
from models.database import opened
from tests import databases
from tests.services.books import a_use, books

BROKEN = "UPDATE spend_counters SET spent_nanos = spent_nanos + 1 WHERE level = 'MEMBER'"


@pytest.fixture
async def url(database_url: str, tmp_path: Path) -> str:
    """A database with two organizations; `acme` has used something."""
    async with databases.fresh(database_url, tmp_path) as database:
        ours = await books(database)
        await ours.use(a_use("1", await ours.add("bo", tier="chat"), 100))
        await books(database, slug="beta")
    return database_url if databases.on_postgres() else f"sqlite://{tmp_path / 'billgraph.db'}"


async def spoil(url: str) -> None:
    async with opened(url) as database:
        await database.writer.execute_query(BROKEN)


def settings(url: str) -> Settings:
    return Settings(database_url=SecretStr(url))


async def test_says_that_nothing_is_wrong(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = await verifying.verify(settings(url), None, most=10, as_json=False)

    assert status == 0
    assert "2 organizations" in (said := capsys.readouterr().out)
    assert said.endswith(": no differences\n")


async def test_tells_whose_what_expected_and_found(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    await spoil(url)

    status = await verifying.verify(settings(url), None, most=10, as_json=False)

    lines = capsys.readouterr().out.splitlines()
    assert status == 1
    assert lines[0].startswith("acme: spend.")
    assert any(line.endswith("expected 1000000000, found 1000000001") for line in lines)


async def test_is_read_by_a_script(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    await spoil(url)

    status = await verifying.verify(settings(url), "acme", most=1, as_json=True)

    said = json.loads(capsys.readouterr().out)
    assert status == 1
    assert said["organizations"] == 1
    assert said["complete"] is False
    (difference,) = said["differences"]
    assert difference["organization"] == "acme"
    assert set(difference) == {"organization", "invariant", "promise", "what", "expected", "found"}


async def test_looks_only_where_it_is_asked_to(url: str) -> None:
    await spoil(url)

    assert await verifying.verify(settings(url), "beta", most=10, as_json=False) == 0
    with pytest.raises(NoSuchOrganization):
        await verifying.verify(settings(url), "gone", most=10, as_json=False)


async def test_verifies_while_another_process_owns_the_database(url: str) -> None:
    command = (sys.executable, "-c", "from api.cli import main; main()", "verify")
    async with opened(url):
        process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, "DATABASE_URL": url}, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()

    assert process.returncode == 0, said
    assert b": no differences" in said
