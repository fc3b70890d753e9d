"""The demo for every story: seeded once by whichever worker needs it first, copied for each."""

import fcntl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.database import Database
from tests import databases
from tests.stories import seeded


@pytest.fixture(scope="session")
async def demo_url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> str:
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "demo"
    shared.mkdir(exist_ok=True)
    with (shared / "url").open("a+", encoding="utf-8") as note:
        fcntl.flock(note, fcntl.LOCK_EX)  # the others wait for the first
        note.seek(0)
        url = note.read()
        if not url:
            url = await seeded.build(shared, "demo")
            note.write(url)
    return url


@pytest.fixture
async def demo(demo_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    async with databases.copied(demo_url, tmp_path) as database:
        yield database
