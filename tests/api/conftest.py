"""What must be closed again: the server and the clients."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.api.house import House, serving


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
async def house() -> AsyncIterator[House]:
    """One server for every test that leaves the limits alone; others serve for themselves."""
    async with serving() as house:
        yield house


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=house.url, timeout=10) as client:
        yield client
