"""The lived-in database: made once, copied for each thing that is broken."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.database import Database
from tests import databases
from tests.services.verification import lived_in


@pytest.fixture(scope="session")
async def lived_in_url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> str:
    return await lived_in.build(tmp_path_factory.mktemp("lived_in"), worker_id)


@pytest.fixture
async def copy(lived_in_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    async with databases.copied(lived_in_url, tmp_path) as database:
        yield database
