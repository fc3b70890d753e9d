"""What must be closed again: a house."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models.database import Database
from tests.sign_in.houses import House, a_house


@pytest.fixture
async def alone(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    """A house whose organizations have no provider of their own."""
    async with a_house(database, tmp_path) as house:
        yield house
