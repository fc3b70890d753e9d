"""Short forms of two measures: what they compare is equal before it is timed."""

from benchmarks import databases, reserve, totals
from tests.databases import SERVER_URL

DATABASE = SERVER_URL or databases.SQLITE


async def test_totals_are_those_of_the_events() -> None:
    timed = await totals.measure(500, 1, DATABASE)

    assert len(timed.rollups) == len(timed.raw) == 1, "both were equal, or nothing was timed"


async def test_the_bare_statements_leave_the_same_counters() -> None:
    proof = await reserve.measure(2, DATABASE)

    assert proof.differing == 0
    assert proof.statements > 10
