"""A database file holds people's names and what they owe: nobody but its owner may read it."""

import stat
from pathlib import Path

import pytest

from models.database import opened
from models.migrate import migrate
from tests import databases


@pytest.mark.skipif(databases.on_postgres(), reason="it opens a SQLite file, and a process speaks one dialect")
async def test_makes_files_that_only_their_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "new" / "billgraph.db"

    async with opened(f"sqlite://{path}") as database:
        await migrate(database)
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}

    assert modes["billgraph.db"] == modes["billgraph.db-wal"] == 0o600
    assert set(modes.values()) == {0o600}, modes
