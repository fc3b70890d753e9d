"""What the tests of this folder must close again."""

from collections.abc import AsyncIterator

import pytest

from auth.sessions import Sessions
from auth.signing import SigningKey
from models.database import Database
from tests.auth.house import Browser, House, a_browser, a_house
from tests.signing_keys import a_key


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    return a_key()


@pytest.fixture
def sessions(database: Database) -> Sessions:
    return Sessions(database)


@pytest.fixture
async def house(sessions: Sessions, signing_key: SigningKey) -> AsyncIterator[House]:
    async with a_house(sessions, signing_key) as opened:
        yield opened


@pytest.fixture
async def browser(house: House) -> AsyncIterator[Browser]:
    async with a_browser(house) as opened:
        yield opened
