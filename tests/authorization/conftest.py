"""Two furnished organizations, made once for a run; each test gets a copy of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.database import Database, opened
from tests import databases
from tests.authorization import world
from tests.authorization.callers import CANARY, Home

Ids = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Worlds:
    """A database with two organizations in it, and the ids of each: its own, and of two members."""

    url: str
    home: Ids
    other: Ids


@pytest.fixture(scope="session")
async def worlds(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Worlds:
    url = await databases.prepare(tmp_path_factory.mktemp("worlds"), f"{worker_id}_worlds")
    async with opened(url) as database:
        homes = [await world.furnished(database, slug=slug) for slug in ("home", CANARY)]
    home, other = ((each.organization_id, each.member_id, each.other_id) for each in homes)
    return Worlds(url, home, other)


@pytest.fixture
async def copied(worlds: Worlds, tmp_path: Path) -> AsyncIterator[Database]:
    async with databases.copied(worlds.url, tmp_path) as database:
        yield database


@pytest.fixture
def home(worlds: Worlds, copied: Database) -> Home:
    return Home(copied, *worlds.home)


@pytest.fixture
def other(worlds: Worlds, copied: Database) -> Home:
    """The organization whose every name holds the canary."""
    return Home(copied, *worlds.other)
