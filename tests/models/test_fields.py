"""A text that is too long for its column is refused when it is written, and found nowhere when it is looked for.

A document has one text, whichever library writes it.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tortoise.exceptions import ValidationError

from models import plans
from models.database import Database
from models.fields import KEY_LENGTH, dump
from models.plans import CatalogPlan

LONG = "x" * (KEY_LENGTH + 1)
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@dataclass(frozen=True)
class Span:
    """Something that is no document."""

    days: int


async def test_finds_nothing_under_a_key_that_is_too_long(database: Database) -> None:
    assert await plans.newest_in_catalog(database.reader, LONG, "USD") is None


def test_never_writes_one() -> None:
    row = CatalogPlan()

    with pytest.raises(ValidationError, match="Length"):
        CatalogPlan._meta.fields_map["key"].to_db_value(LONG, row)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON)
def test_a_document_has_one_text_whatever_writes_it(document: Any) -> None:
    assert dump(document) == json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def test_what_is_no_document_is_not_written() -> None:
    for value in (datetime(2026, 10, 1, tzinfo=UTC), Span(1), object()):
        with pytest.raises(TypeError):
            dump({"value": value})
