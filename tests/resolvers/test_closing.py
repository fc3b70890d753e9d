"""An invoice is drafted, issued, taken back or given up, and never edited."""

from typing import Any

import pytest

from tests.builders import Caller, Database, a_member, a_sandbox, event, refusals, usd

INVOICE = "invoice { id number status total { amount } amountDue { amount } }"
LISTED = "query($id: ID!) { organization(id: $id) { invoices { nodes { id status number total { amount } } } } }"


async def _drafted(database: Database) -> tuple[Caller, str, str]:
    """Return the owner of a sandbox one day into November, October's draft, and the member billed on it."""
    owner = await a_sandbox(database, invoice_grace_seconds=2 * 86_400)
    member_id, _ = await a_member(owner, "max")
    moved = await owner.do(
        "advanceTestClock", "happened { what invoice { id status number } }", to="2026-11-02T00:00:00Z"
    )
    (drafted,) = moved["happened"]
    assert (drafted["what"], drafted["invoice"]["status"], drafted["invoice"]["number"]) == ("DRAFT", "DRAFT", None)
    return owner, drafted["invoice"]["id"], member_id


async def _issued(database: Database) -> tuple[Caller, str]:
    owner = await a_sandbox(database)
    await a_member(owner, "max")
    moved = await owner.do("advanceTestClock", "happened { invoice { id } }", to="2026-11-02T00:00:00Z")
    return owner, moved["happened"][0]["invoice"]["id"]


async def test_issues_a_draft_with_everything_that_came_meanwhile(database: Database) -> None:
    owner, draft_id, member_id = await _drafted(database)
    late = event("late", member_id, "5", at=owner.at.replace(day=31))
    await owner.do("recordUsage", "results { status }", events=[late])

    payload = await owner.do("finalizeInvoice", INVOICE, invoiceId=draft_id)
    listed = await owner.data(LISTED, id=owner.organization_id)

    # a seat of 20.00, and 5.00 of usage that came after the draft
    assert payload["userErrors"] == []
    assert payload["invoice"]["number"] == "BILLGRAPH-000001"
    assert (payload["invoice"]["status"], payload["invoice"]["total"]) == ("FINALIZED", {"amount": "25.00"})
    assert [node["id"] for node in listed["organization"]["invoices"]["nodes"]] == [payload["invoice"]["id"]]


async def test_issues_an_invoice_only_once(database: Database) -> None:
    owner, draft_id, _ = await _drafted(database)
    issued = await owner.do("finalizeInvoice", INVOICE, invoiceId=draft_id)

    again = await owner.do("finalizeInvoice", INVOICE, invoiceId=issued["invoice"]["id"])

    assert again["invoice"] is None
    assert refusals(again) == [("STATUS_CONFLICT", ["invoiceId"])]


async def test_answers_a_repeated_issue_alike(database: Database) -> None:
    owner, draft_id, _ = await _drafted(database)

    first = await owner.do("finalizeInvoice", INVOICE, idempotencyKey="same", invoiceId=draft_id)
    again = await owner.do("finalizeInvoice", INVOICE, idempotencyKey="same", invoiceId=draft_id)

    assert first == again
    assert first["invoice"]["status"] == "FINALIZED"


async def test_takes_an_invoice_back_and_leaves_nothing_owed(database: Database) -> None:
    owner, invoice_id = await _issued(database)

    payload = await owner.do("voidInvoice", INVOICE, invoiceId=invoice_id, reason="Wrong address")
    found = await owner.data(
        "query($id: ID!) { organization(id: $id) { balance { amount } } }", id=owner.organization_id
    )

    assert payload["invoice"]["status"] == "VOIDED"
    assert payload["invoice"]["number"] == "BILLGRAPH-000001"
    assert payload["invoice"]["amountDue"] == {"amount": "0.00"}
    assert found["organization"]["balance"] == {"amount": "0.00"}


async def test_gives_an_invoice_up_and_still_takes_the_money(database: Database) -> None:
    owner, invoice_id = await _issued(database)

    payload = await owner.do("markInvoiceUncollectible", INVOICE, invoiceId=invoice_id, reason="Bankrupt")
    paid = await owner.do(
        "recordPayment",
        INVOICE,
        invoiceId=invoice_id,
        amount=usd("20.00"),
        reference="late wire",
        receivedAt="2026-11-01T12:00:00Z",
    )

    assert (payload["invoice"]["status"], payload["invoice"]["amountDue"]) == ("UNCOLLECTIBLE", {"amount": "20.00"})
    assert (paid["invoice"]["status"], paid["invoice"]["amountDue"]) == ("PAID", {"amount": "0.00"})


async def test_bills_the_month_of_a_voided_invoice_anew(database: Database) -> None:
    owner, invoice_id = await _issued(database)
    await owner.do("voidInvoice", INVOICE, invoiceId=invoice_id, reason="Wrong address")

    selection = "invoice { id number status replaces total { amount } }"
    payload = await owner.do("closeBillingPeriod", selection, period="2026-10")
    again = await owner.do("closeBillingPeriod", selection, period="2026-10")

    assert payload["userErrors"] == []
    assert payload["invoice"]["id"] != invoice_id
    assert (payload["invoice"]["number"], payload["invoice"]["status"]) == ("BILLGRAPH-000002", "FINALIZED")
    assert (payload["invoice"]["replaces"], payload["invoice"]["total"]) == ("BILLGRAPH-000001", {"amount": "20.00"})
    assert again == payload


@pytest.mark.parametrize("name", ["voidInvoice", "markInvoiceUncollectible"])
@pytest.mark.parametrize(
    ("code", "field", "change"),
    [
        ("ID_INVALID", ["invoiceId"], {"invoiceId": "1"}),
        ("INPUT_INVALID", ["reason"], {"reason": " "}),
        ("INPUT_INVALID", ["reason"], {"reason": "x" * 201}),
    ],
)
async def test_names_the_field_that_is_wrong(
    database: Database, name: str, code: str, field: list[str], change: dict[str, Any]
) -> None:
    owner, invoice_id = await _issued(database)

    payload = await owner.do(name, INVOICE, **{"invoiceId": invoice_id, "reason": "Because", **change})

    assert payload["invoice"] is None
    assert refusals(payload) == [(code, field)]


async def test_leaves_an_invoice_alone_that_something_was_paid_on(database: Database) -> None:
    owner, invoice_id = await _issued(database)
    await owner.do(
        "recordPayment",
        "payment { id }",
        invoiceId=invoice_id,
        amount=usd("1.00"),
        reference="wire",
        receivedAt="2026-11-01T12:00:00Z",
    )

    payload = await owner.do("voidInvoice", INVOICE, invoiceId=invoice_id, reason="Wrong")

    assert refusals(payload) == [("STATUS_CONFLICT", ["invoiceId"])]
