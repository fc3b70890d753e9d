"""Prepaid credit is granted, drawn, given back and expires, and every movement can be read."""

from typing import Any

import pytest

from tests.builders import Caller, Database, a_member, a_sandbox, an_organization, refusals, usd

GRANTED = "creditGrant { id amount { amount } kind priority reason expiresAt remaining { amount } }"
CREDIT = """query($id: ID!) { organization(id: $id) { creditBalance { amount }
    creditGrants { totalCount nodes { reason remaining { amount } } }
    creditEntries { totalCount nodes { kind amount { amount } grant { reason } invoice { number } } } } }"""


async def _credit(owner: Caller) -> Any:
    return (await owner.data(CREDIT, id=owner.organization_id))["organization"]


async def _one_seat(database: Database) -> Caller:
    """Return the owner of a sandbox that is billed 20.00 a month."""
    owner = await a_sandbox(database)
    await a_member(owner, "max")
    return owner


async def test_grants_credit_that_can_be_drawn(database: Database) -> None:
    owner = await _one_seat(database)

    payload = await owner.do(
        "grantCredit",
        GRANTED,
        amount=usd("50.00"),
        reason="Launch",
        kind="PAID",
        priority=10,
        expiresAt="2027-01-01T00:00:00Z",
    )
    found = await owner.data(
        "query($id: ID!) { node(id: $id) { ... on CreditGrant { reason } } }", id=payload["creditGrant"]["id"]
    )

    assert payload["userErrors"] == []
    assert payload["creditGrant"] | {"id": ""} == {
        "id": "",
        "amount": {"amount": "50.00"},
        "kind": "PAID",
        "priority": 10,
        "reason": "Launch",
        "expiresAt": "2027-01-01T00:00:00Z",
        "remaining": {"amount": "50.00"},
    }
    assert found["node"] == {"reason": "Launch"}
    assert (await _credit(owner))["creditBalance"] == {"amount": "50.00"}


@pytest.mark.parametrize(("granted", "pending"), [("50.00", "30.00"), ("15.00", "-5.00")])
async def test_says_what_the_running_month_will_leave(database: Database, granted: str, pending: str) -> None:
    owner = await _one_seat(database)
    await owner.do("grantCredit", GRANTED, amount=usd(granted), reason="Launch")

    found = await owner.data(
        "query($id: ID!) { organization(id: $id) { creditBalance { amount } pendingCreditBalance { amount } } }",
        id=owner.organization_id,
    )

    assert found["organization"] == {"creditBalance": {"amount": granted}, "pendingCreditBalance": {"amount": pending}}


async def test_shows_every_movement(database: Database) -> None:
    owner = await _one_seat(database)
    await owner.do("grantCredit", GRANTED, amount=usd("50.00"), reason="Launch")

    moved = await owner.do(
        "advanceTestClock",
        "happened { what invoice { id number status credits { amount } amountDue { amount } } }",
        to="2026-11-02T00:00:00Z",
    )
    found = await _credit(owner)

    (month,) = moved["happened"]
    assert (month["invoice"]["status"], month["invoice"]["credits"]) == ("PAID", {"amount": "20.00"})
    assert found["creditBalance"] == {"amount": "30.00"}
    assert found["creditGrants"]["nodes"] == [{"reason": "Launch", "remaining": {"amount": "30.00"}}]
    number = month["invoice"]["number"]
    assert found["creditEntries"]["nodes"] == [
        {"kind": "DRAWN", "amount": {"amount": "-20.00"}, "grant": {"reason": "Launch"}, "invoice": {"number": number}},
        {"kind": "GRANTED", "amount": {"amount": "50.00"}, "grant": {"reason": "Launch"}, "invoice": None},
    ]


async def test_gives_back_what_a_voided_invoice_drew(database: Database) -> None:
    owner = await _one_seat(database)
    await owner.do("grantCredit", GRANTED, amount=usd("15.00"), reason="Launch")
    moved = await owner.do("advanceTestClock", "happened { invoice { id } }", to="2026-11-02T00:00:00Z")

    await owner.do(
        "voidInvoice", "invoice { id }", invoiceId=moved["happened"][0]["invoice"]["id"], reason="Wrong address"
    )

    found = await _credit(owner)
    assert found["creditBalance"] == {"amount": "15.00"}
    assert [node["kind"] for node in found["creditEntries"]["nodes"]] == ["RETURNED", "DRAWN", "GRANTED"]


async def test_takes_away_what_has_expired(database: Database) -> None:
    owner = await a_sandbox(database)
    await owner.do("grantCredit", GRANTED, amount=usd("15.00"), reason="Launch", expiresAt="2026-10-20T00:00:00Z")

    moved = await owner.do("advanceTestClock", "happened { at what }", to="2026-10-21T00:00:00Z")

    found = await _credit(owner)
    assert moved["happened"] == [{"at": "2026-10-20T00:00:00Z", "what": "CREDIT"}]
    assert found["creditBalance"] == {"amount": "0.00"}
    assert found["creditEntries"]["nodes"][0]["kind"] == "EXPIRED"


@pytest.mark.parametrize(
    ("code", "field", "change"),
    [
        ("AMOUNT_INVALID", ["amount"], {"amount": usd("0.00")}),
        ("AMOUNT_INVALID", ["amount", "amount"], {"amount": usd("0.001")}),
        ("CURRENCY_MISMATCH", ["amount", "currency"], {"amount": {"amount": "1.00", "currency": "EUR"}}),
        ("CURRENCY_UNKNOWN", ["amount", "currency"], {"amount": {"amount": "1.00", "currency": "XXX"}}),
        ("INPUT_INVALID", ["priority"], {"priority": 101}),
        ("INPUT_INVALID", ["reason"], {"reason": ""}),
        ("TIME_OUT_OF_RANGE", ["expiresAt"], {"expiresAt": "2026-10-01T00:00:00Z"}),
    ],
)
async def test_names_the_field_that_is_wrong(
    database: Database, code: str, field: list[str], change: dict[str, Any]
) -> None:
    owner = await an_organization(database)

    payload = await owner.do("grantCredit", GRANTED, **{"amount": usd("1.00"), "reason": "Launch", **change})

    assert payload["creditGrant"] is None
    assert refusals(payload) == [(code, field)]
