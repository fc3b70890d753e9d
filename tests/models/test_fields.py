"""A text that is too long for its column is refused when it is written, and found nowhere when it is looked for."""

import pytest
from tortoise.exceptions import ValidationError

from models import plans
from models.database import Database
from models.fields import KEY_LENGTH
from models.plans import CatalogPlan

LONG = "x" * (KEY_LENGTH + 1)


async def test_finds_nothing_under_a_key_that_is_too_long(database: Database) -> None:
    assert await plans.newest_in_catalog(database.reader, LONG, "USD") is None


def test_never_writes_one() -> None:
    row = CatalogPlan()

    with pytest.raises(ValidationError, match="Length"):
        CatalogPlan._meta.fields_map["key"].to_db_value(LONG, row)
