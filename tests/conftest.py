"""What every test may ask for. Fixtures only own what must be closed; everything else is a plain function."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.database import Database
from tests import databases


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
async def database_url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> str:
    return await databases.prepare(tmp_path_factory.mktemp("database"), worker_id)


@pytest.fixture
async def database(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    async with databases.fresh(database_url, tmp_path) as opened:
        yield opened
