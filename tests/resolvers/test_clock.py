"""Time passes in a sandbox, and the graph tells what happened."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schema.clock import DueKind
from services import due
from tests.builders import TRACKER, Database, a_member, a_sandbox, an_organization, refusals

MOVED = """clock { now } organization { status testClock { now } }
    happened { at what invoice { status total { amount } } userError { code message } }"""


async def test_closes_the_months_on_the_way(database: Database) -> None:
    owner = await a_sandbox(database)
    await a_member(owner, "max")

    payload = await owner.do("advanceTestClock", MOVED, to="2026-11-15T00:00:00Z")

    assert payload["userErrors"] == []
    assert payload["clock"] == payload["organization"]["testClock"] == {"now": "2026-11-15T00:00:00Z"}
    assert payload["happened"] == [
        {
            "at": "2026-11-01T00:00:00Z",
            "what": "MONTH",
            "invoice": {"status": "FINALIZED", "total": {"amount": "20.00"}},
            "userError": None,
        }
    ]


async def test_ends_an_evaluation_that_nobody_converted(database: Database) -> None:
    owner = await a_sandbox(database, evaluation_ends_at=datetime(2026, 10, 10, tzinfo=UTC))

    payload = await owner.do("advanceTestClock", MOVED, to="2026-10-11T00:00:00Z")

    assert [each["what"] for each in payload["happened"]] == ["LAPSE"]
    assert payload["organization"]["status"] == "READ_ONLY"


async def test_stops_at_the_first_thing_that_cannot_be_done(database: Database) -> None:
    owner = await a_sandbox(database, plan=TRACKER | {"items": [{**TRACKER["items"][0], "quote_above": 2}]})
    for name in ("max", "eve", "bob"):
        await a_member(owner, name, tier=None)

    payload = await owner.do("advanceTestClock", MOVED, to="2026-12-15T00:00:00Z")

    assert payload["clock"] == {"now": "2026-11-01T00:00:00Z"}
    assert [(each["what"], each["userError"]["code"]) for each in payload["happened"]] == [("MONTH", "QUOTE_REQUIRED")]
    assert refusals(payload) == [("QUOTE_REQUIRED", ["to"])]


async def test_moves_nothing_when_it_is_repeated(database: Database) -> None:
    owner = await a_sandbox(database)
    given = {"idempotencyKey": "same", "to": "2026-10-15T00:00:00Z"}

    first = await owner.do("advanceTestClock", MOVED, **given)
    again = await owner.do("advanceTestClock", MOVED, **given)

    assert again == first
    assert again["happened"] == []


@pytest.mark.parametrize("key", ["same", ""])
async def test_lets_nothing_happen_on_the_way_to_a_refusal(database: Database, key: str) -> None:
    owner = await a_sandbox(database)
    await a_member(owner, "max")
    await owner.do("advanceTestClock", MOVED, idempotencyKey="same", to="2026-10-15T00:00:00Z")

    payload = await owner.do("advanceTestClock", MOVED, idempotencyKey=key, to="2026-12-15T00:00:00Z")
    found = await owner.data(
        "query($id: ID!) { organization(id: $id) { testClock { now } invoices { totalCount } } }",
        id=owner.organization_id,
    )

    assert [path for _, path in refusals(payload)] == [["idempotencyKey"]]
    assert (payload["clock"], payload["happened"]) == (None, [])
    assert found["organization"] == {"testClock": {"now": "2026-10-15T00:00:00Z"}, "invoices": {"totalCount": 0}}


@pytest.mark.parametrize("to", ["2026-09-30T00:00:00Z", "2029-10-01T00:00:00Z"])
async def test_goes_neither_back_nor_too_far(database: Database, to: str) -> None:
    owner = await a_sandbox(database)

    payload = await owner.do("advanceTestClock", MOVED, to=to)

    assert refusals(payload) == [("TIME_OUT_OF_RANGE", ["to"])]


async def test_leaves_real_time_alone(database: Database) -> None:
    owner = await an_organization(database)

    payload: Any = await owner.do("advanceTestClock", MOVED, to="2026-11-01T00:00:00Z")

    assert refusals(payload) == [("STATUS_CONFLICT", ["organizationId"])]


def test_can_name_everything_that_falls_due() -> None:
    assert {kind.value for kind in DueKind} == {what.upper() for what in due.ORDER}
