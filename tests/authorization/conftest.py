"""Two furnished organizations, made once for all workers of a run; each test gets a copy of them."""

import fcntl
import pickle
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.database import Database, opened
from tests import databases
from tests.authorization import world
from tests.authorization.callers import CANARY, Home
from tests.authorization.reach import Path as Way

Ids = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Worlds:
    """A database with two organizations in it, the ids of each (its own, and of two members), and the ways in one."""

    url: str
    home: Ids
    other: Ids
    ways: Mapping[str, Way]


@pytest.fixture(scope="session")
async def worlds(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Worlds:
    folder = tmp_path_factory.getbasetemp()
    folder = folder if worker_id == "master" else folder.parent
    kept = folder / "worlds.pickle"
    with _first_come(folder / "worlds.lock"):
        if not kept.exists():
            kept.write_bytes(pickle.dumps(await _made(folder)))
    found = pickle.loads(kept.read_bytes())
    assert isinstance(found, Worlds)
    return found


@contextmanager
def _first_come(path: Path) -> Iterator[None]:
    """Hold up every other worker meanwhile."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


async def _made(folder: Path) -> Worlds:
    url = await databases.prepare(folder, "worlds")
    async with opened(url) as database:
        homes = [await world.furnished(database, slug=slug) for slug in ("home", CANARY)]
        ways = await homes[0].paths()
    home, other = ((each.organization_id, each.member_id, each.other_id) for each in homes)
    return Worlds(url, home, other, ways)


@pytest.fixture
async def copied(worlds: Worlds, tmp_path: Path) -> AsyncIterator[Database]:
    async with databases.copied(worlds.url, tmp_path) as database:
        yield database


@pytest.fixture
def home(worlds: Worlds, copied: Database) -> Home:
    return Home(copied, *worlds.home, ways=worlds.ways)


@pytest.fixture
def other(worlds: Worlds, copied: Database) -> Home:
    """The organization whose every name holds the canary."""
    return Home(copied, *worlds.other)
