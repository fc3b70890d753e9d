"""What was reported wrongly is corrected, and what was said first stays on record."""

from typing import Any

import pytest

from tests.builders import Caller, Database, a_member, an_organization, event, refusals

CORRECTED = """usageEvent { id eventId quantity cost { amount } supersedesId member { name } }
    superseded { id eventId quantity cost { amount } supersedesId } difference { amount } billedLater"""
BILL = "invoice { number total { amount } lines { description amount { amount } } }"


async def _used(database: Database) -> tuple[Caller, str]:
    """Return the owner of an organization in which one member used ten dollars."""
    owner = await an_organization(database)
    member_id, _ = await a_member(owner, "max")
    await owner.do("recordUsage", "results { status }", events=[event("e1", member_id, "10")])
    return owner, member_id


async def test_lets_a_correction_count_in_the_place_of_the_event(database: Database) -> None:
    owner, member_id = await _used(database)

    payload = await owner.do("correctUsage", CORRECTED, eventId="e1", correctionId="c1", quantity="4000000")
    spent = await owner.data(
        "query($id: ID!) { node(id: $id) { ... on Member { monthToDate { amount } } } }", id=member_id
    )

    assert payload["userErrors"] == []
    assert payload["superseded"] | {"id": ""} == {
        "id": "",
        "eventId": "e1",
        "quantity": "10000000",
        "cost": {"amount": "10.00"},
        "supersedesId": None,
    }
    assert payload["usageEvent"] | {"id": ""} == {
        "id": "",
        "eventId": "c1",
        "quantity": "4000000",
        "cost": {"amount": "4.00"},
        "supersedesId": payload["superseded"]["id"],
        "member": {"name": "max"},
    }
    assert (payload["difference"], payload["billedLater"]) == ({"amount": "-6.00"}, False)
    assert spent["node"]["monthToDate"] == {"amount": "4.00"}


async def test_bills_the_difference_of_a_closed_month_on_the_next_invoice(database: Database) -> None:
    owner, _ = await _used(database)
    october = await owner.later(40).do("closeBillingPeriod", BILL, period="2026-10")

    payload = await owner.later(41).do("correctUsage", CORRECTED, eventId="e1", correctionId="c1", quantity="4000000")
    november = await owner.later(70).do("closeBillingPeriod", BILL, period="2026-11")

    assert payload["billedLater"] is True
    assert october["invoice"]["total"] == {"amount": "30.00"}
    # a seat of 20.00, less the 6.00 that October charged too much
    assert november["invoice"]["total"] == {"amount": "14.00"}
    assert any(line["amount"] == {"amount": "-6.00"} for line in november["invoice"]["lines"])


async def test_finds_an_event_again_by_its_id(database: Database) -> None:
    owner, _ = await _used(database)
    _, eve = await a_member(owner, "eve")
    document = "query($id: ID!) { node(id: $id) { ... on UsageEvent { eventId model direction seatTier overLimit } } }"
    payload = await owner.do("correctUsage", CORRECTED, eventId="e1", correctionId="c1", quantity="0")

    found = await owner.data(document, id=payload["superseded"]["id"])

    assert found["node"] == {
        "eventId": "e1",
        "model": "atlas",
        "direction": "INPUT",
        "seatTier": "chat",
        "overLimit": False,
    }
    assert await eve.code(document, id=payload["superseded"]["id"]) == "FORBIDDEN"


@pytest.mark.parametrize(
    ("code", "field", "change"),
    [
        ("NOT_FOUND", ["eventId"], {"eventId": "never"}),
        ("EVENT_ID_CONFLICT", ["correctionId"], {"correctionId": "e1"}),
        ("INPUT_INVALID", ["correctionId"], {"correctionId": ""}),
        ("INPUT_INVALID", ["quantity"], {"quantity": "-1"}),
    ],
)
async def test_names_the_field_that_is_wrong(
    database: Database, code: str, field: list[str], change: dict[str, Any]
) -> None:
    owner, _ = await _used(database)

    payload = await owner.do(
        "correctUsage", CORRECTED, **{"eventId": "e1", "correctionId": "c1", "quantity": "1", **change}
    )

    assert payload["usageEvent"] is None
    assert refusals(payload) == [(code, field)]


async def test_corrects_an_event_once_and_then_its_correction(database: Database) -> None:
    owner, _ = await _used(database)
    await owner.do("correctUsage", CORRECTED, eventId="e1", correctionId="c1", quantity="1")

    twice = await owner.do("correctUsage", CORRECTED, eventId="e1", correctionId="c2", quantity="2")
    further = await owner.do("correctUsage", CORRECTED, eventId="c1", correctionId="c2", quantity="2")

    assert refusals(twice) == [("STATUS_CONFLICT", ["eventId"])]
    assert further["superseded"]["eventId"] == "c1"


async def test_does_not_know_the_events_of_others(database: Database) -> None:
    await _used(database)
    other = await an_organization(database, slug="globex")

    payload = await other.do("correctUsage", CORRECTED, eventId="e1", correctionId="c1", quantity="1")

    assert refusals(payload) == [("NOT_FOUND", ["eventId"])]
