"""What the tests of this folder must close again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from auth.sessions import Sessions
from auth.signing import SigningKey
from models import database, migrate
from tests.auth.house import Browser, House, a_browser, a_house


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return SigningKey.load_or_create(tmp_path_factory.mktemp("keys") / "idp.pem")


@pytest.fixture
async def sessions(tmp_path: Path) -> AsyncIterator[Sessions]:
    async with database.opened(f"sqlite://{tmp_path}/billgraph.db") as opened:
        await migrate.migrate(opened)
        yield Sessions(opened)


@pytest.fixture
async def house(sessions: Sessions, signing_key: SigningKey) -> AsyncIterator[House]:
    async with a_house(sessions, signing_key) as opened:
        yield opened


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    async with a_browser(house) as opened:
        yield opened
