"""What every test may ask for. Fixtures only own what must be closed; everything else is a plain function."""

from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path

import httpcore2
import pytest

from models.database import Database
from tests import databases

# Each HTTP client reads the machine's certificate authorities anew, which takes longer than a test: once is enough.
httpcore2.default_ssl_context = cache(httpcore2.default_ssl_context)


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
