"""A sound database verifies clean, and each thing that is broken by hand is found, and nothing else."""

import pytest

from models import organizations
from models.database import Database
from services import verification
from services.verification import INVARIANTS, Finding
from tests.services.books import books
from tests.services.verification.breakages import BREAKAGES, Break


async def everything(database: Database, *, most: int = 100) -> list[Finding]:
    """Return all that is wrong."""
    found = await verification.of_database(database.reader, most=most)
    for organization_id in await organizations.all_ids(database.reader, after="", limit=100):
        found += await verification.of_organization(database.reader, organization_id, most=most)
    return found


async def test_nothing_is_wrong_with_what_the_services_wrote(copy: Database) -> None:
    assert await everything(copy) == []


async def test_nothing_is_wrong_with_nothing(database: Database) -> None:
    await books(database)

    assert await everything(database) == []
    assert await verification.of_organization(database.reader, "gone") == []


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda each: each.invariant)
async def test_finds_what_was_broken_by_hand(copy: Database, breakage: Break) -> None:
    for statement in breakage.statements:
        await copy.writer.execute_query(statement)

    found = await everything(copy)

    assert {finding.invariant.name for finding in found} == {breakage.invariant} | breakage.also
    assert all(finding.difference.expected != finding.difference.found for finding in found)


def test_every_invariant_was_broken() -> None:
    assert sorted({breakage.invariant for breakage in BREAKAGES}) == sorted(each.name for each in INVARIANTS)


async def test_a_look_ends_after_so_many_differences(copy: Database) -> None:
    await copy.writer.execute_query("UPDATE usage_rollups SET cost_nanos = cost_nanos + 1")
    await copy.writer.execute_query("UPDATE usage_events SET cost_nanos = cost_nanos + 3")

    found = await everything(copy, most=3)

    assert len(found) == 3
