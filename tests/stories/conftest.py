"""The demo for every story: seeded once, copied for each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.database import Database
from tests import databases
from tests.stories import seeded


@pytest.fixture(scope="session")
async def demo_url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> str:
    return await seeded.build(tmp_path_factory.mktemp("demo"), f"{worker_id}_demo")


@pytest.fixture
async def demo(demo_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    async with databases.copied(demo_url, tmp_path) as database:
        yield database
