"""From usage to an invoice, its explanation, a payment and a credit note, through the graph."""

from decimal import Decimal
from typing import Any

import pytest

from schema.ids import Kind
from tests.builders import TRACKER, Caller, Database, a_member, an_organization, event

INVOICE = """invoice { id number status currency period { label } subtotal { amount } tax { amount }
    includedTax { amount } total { amount formatted } amountDue { amount } dueAt digest billTo { legalName }
    lines { description quantity unit amount { amount } period { label }
        explanation { formula policy priceVersion steps { quantity unitAmount flatAmount amount }
            rounding { exact rounded rule } sources { kind count facts { name value } } } }
    memberBreakdown { totalCount nodes {
        memberId member { name } amount { amount } shares { lineKey amount { amount } } } }
    downloads { format url } payments { reference } creditNotes { number } }"""
CLOSE = f"period {INVOICE}"
USD = "USD"


def _usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": USD}


async def _billed(database: Database) -> tuple[Caller, Any]:
    """Return an owner in November, and October's invoice."""
    owner = await an_organization(database)
    for name, dollars in (("max", "12.345678"), ("eve", "7.5")):
        member_id, _ = await a_member(owner, name)
        await owner.do("recordUsage", "results { status }", events=[event(f"e-{name}", member_id, dollars)])
    november = owner.later(40)
    payload = await november.do("closeBillingPeriod", CLOSE, period="2026-10")
    assert payload["userErrors"] == []
    return november, payload["invoice"]


async def test_closes_a_month_into_an_invoice_that_explains_itself(database: Database) -> None:
    _, invoice = await _billed(database)

    lines = invoice["lines"]
    assert invoice["status"] == "FINALIZED"
    assert invoice["period"] == {"label": "2026-10"}
    # two seats of 20.00, and 19.845678 of usage
    assert invoice["total"] == {"amount": "59.85", "formatted": "$59.85"}
    assert invoice["amountDue"] == {"amount": "59.85"}
    assert [line["amount"]["amount"] for line in lines] == ["40.00", "19.85"]
    assert lines[0]["explanation"]["formula"] == "2 × 20.00 = 40.00 USD"
    assert lines[1]["explanation"]["rounding"] == {
        "exact": "19.845678",
        "rounded": "19.85",
        "rule": lines[1]["explanation"]["rounding"]["rule"],
    }
    assert [source["kind"] for source in lines[1]["explanation"]["sources"]] == ["USAGE"]
    assert invoice["downloads"][0] == {"format": "PDF", "url": f"/invoices/{invoice['id']}.pdf"}


async def test_breaks_an_invoice_down_to_its_members(database: Database) -> None:
    _, invoice = await _billed(database)

    nodes = invoice["memberBreakdown"]["nodes"]
    assert sorted((node["member"]["name"], node["amount"]["amount"]) for node in nodes) == [
        ("eve", "27.50"),
        ("max", "32.35"),
    ]


async def test_previews_what_it_bills(database: Database) -> None:
    owner = await an_organization(database)
    member_id, _ = await a_member(owner, "max")
    await owner.do("recordUsage", "results { status }", events=[event("e1", member_id, "3.21")])
    selection = "total { amount } lines { description amount { amount } explanation { formula } }"
    query = f"query($id: ID!) {{ organization(id: $id) {{ upcomingInvoice {{ period {{ label }} {selection} }} }} }}"

    preview = (await owner.later(30).data(query, id=owner.organization_id))["organization"]["upcomingInvoice"]
    closed = await owner.later(40).do("closeBillingPeriod", f"invoice {{ {selection} }}", period="2026-10")

    assert preview.pop("period") == {"label": "2026-10"}
    assert preview == closed["invoice"]


async def test_bills_a_peak_with_tax_inside(database: Database) -> None:
    owner = await an_organization(database, plan=TRACKER, slug="tracker")
    for number in range(6):
        await a_member(owner, f"m{number}", tier=None)

    payload = await owner.later(40).do("closeBillingPeriod", CLOSE, period="2026-10")

    invoice = payload["invoice"]
    # at a peak of 6 all 6 are billed: 6 × 440 RUB, a sixth of it tax
    assert (invoice["total"]["amount"], invoice["includedTax"]["amount"]) == ("2640.00", "440.00")
    assert invoice["lines"][0]["explanation"]["steps"] == [
        {"quantity": "6", "unitAmount": "440", "flatAmount": "0", "amount": "2640"}
    ]


async def test_answers_a_second_close_with_the_first_invoice(database: Database) -> None:
    november, invoice = await _billed(database)

    again = await november.do("closeBillingPeriod", "invoice { id }", period="2026-10")

    assert again["invoice"] == {"id": invoice["id"]}


@pytest.mark.parametrize(
    ("code", "period"),
    [("INPUT_INVALID", "october"), ("PERIOD_NOT_OVER", "2026-11"), ("PERIOD_OUT_OF_ORDER", "2026-08")],
)
async def test_closes_only_the_month_whose_turn_it_is(database: Database, code: str, period: str) -> None:
    november, _ = await _billed(database)

    payload = await november.do("closeBillingPeriod", CLOSE, period=period)

    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [(code, ["period"])]


async def test_books_payments_until_the_invoice_is_paid(database: Database) -> None:
    november, invoice = await _billed(database)
    selection = "payment { amount { amount } method } invoice { status amountDue { amount } payments { reference } }"
    given = {"invoiceId": invoice["id"], "reference": "wire-1", "receivedAt": "2026-11-09T00:00:00Z"}
    balance = "query($id: ID!) { organization(id: $id) { balance { amount } payments { totalCount } } }"

    part = await november.do("recordPayment", selection, amount=_usd("50.00"), **given)
    over = await november.do("recordPayment", selection, amount=_usd("9.86"), **given)
    rest = await november.do("recordPayment", selection, amount=_usd("9.85"), **given)
    found = await november.data(balance, id=november.organization_id)

    assert part["invoice"] == {
        "status": "FINALIZED",
        "amountDue": {"amount": "9.85"},
        "payments": [{"reference": "wire-1"}],
    }
    assert [(error["code"], error["field"]) for error in over["userErrors"]] == [("AMOUNT_INVALID", ["amount"])]
    assert rest["invoice"]["status"] == "PAID"
    assert found["organization"] == {"balance": {"amount": "0.00"}, "payments": {"totalCount": 2}}


async def test_gives_money_back_on_an_issued_invoice(database: Database) -> None:
    november, invoice = await _billed(database)
    selection = "creditNote { number amount { amount } reason } invoice { status amountDue { amount } }"

    note = await november.do(
        "issueCreditNote", selection, invoiceId=invoice["id"], amount=_usd("9.85"), reason="Goodwill"
    )
    listed = await november.data(
        "query($id: ID!) { organization(id: $id) { creditNotes { nodes { reason invoiceId } } } }",
        id=november.organization_id,
    )

    assert note["creditNote"]["amount"] == {"amount": "9.85"}
    assert note["invoice"] == {"status": "FINALIZED", "amountDue": {"amount": "50.00"}}
    assert listed["organization"]["creditNotes"]["nodes"] == [{"reason": "Goodwill", "invoiceId": invoice["id"]}]


async def test_credit_notes_give_back_the_tax_of_what_they_give_back(database: Database) -> None:
    november, invoice = await _billed(database)
    selection = "creditNote { amount { amount } net { amount } tax { amount } } invoice { amountDue { amount } }"
    given = {"invoiceId": invoice["id"], "reason": "Downgrade"}
    billed = await november.data(
        "query($id: ID!) { node(id: $id) { ... on Invoice { total { amount } tax { amount } subtotal { amount } } } }",
        id=invoice["id"],
    )

    first = await november.do("issueCreditNote", selection, net=_usd("10.01"), **given)
    above = await november.do("issueCreditNote", selection, net=_usd("100.00"), **given)
    both = await november.do("issueCreditNote", selection, net=_usd("1.00"), amount=_usd("1.00"), **given)
    neither = await november.do("issueCreditNote", selection, **given)
    rest = await november.do("issueCreditNote", selection, amount=_usd("1000.00"), excess="GIVE_WHAT_IS_LEFT", **given)

    notes = [first["creditNote"], rest["creditNote"]]
    sums = {name: sum(Decimal(note[name]["amount"]) for note in notes) for name in ("amount", "net", "tax")}
    assert first["creditNote"]["net"] == {"amount": "10.01"}
    assert {name: f"{value:.2f}" for name, value in sums.items()} == {
        "amount": billed["node"]["total"]["amount"],
        "net": billed["node"]["subtotal"]["amount"],
        "tax": billed["node"]["tax"]["amount"],
    }
    assert rest["invoice"] == {"amountDue": {"amount": "0.00"}}
    assert [(error["code"], error["field"]) for error in above["userErrors"]] == [("AMOUNT_INVALID", ["net"])]
    for refused in (both, neither):
        assert [(error["code"], error["field"]) for error in refused["userErrors"]] == [("INPUT_INVALID", ["amount"])]


async def test_gives_back_what_is_left_where_that_is_asked_for(database: Database) -> None:
    november, invoice = await _billed(database)
    selection = "creditNote { amount { amount } } invoice { amountDue { amount } }"
    given = {"invoiceId": invoice["id"], "reason": "Downgrade"}

    await november.do("issueCreditNote", selection, amount=_usd("50.00"), excess="GIVE_WHAT_IS_LEFT", **given)
    refused = await november.do("issueCreditNote", selection, amount=_usd("50.00"), **given)
    capped = await november.do("issueCreditNote", selection, amount=_usd("50.00"), excess="GIVE_WHAT_IS_LEFT", **given)
    spent = await november.do("issueCreditNote", selection, amount=_usd("0.01"), excess="GIVE_WHAT_IS_LEFT", **given)

    assert [(error["code"], error["field"]) for error in refused["userErrors"]] == [("AMOUNT_INVALID", ["amount"])]
    assert capped["creditNote"] == {"amount": {"amount": "9.85"}}
    assert capped["invoice"] == {"amountDue": {"amount": "0.00"}}
    assert [(error["code"], error["field"]) for error in spent["userErrors"]] == [("AMOUNT_INVALID", ["amount"])]


@pytest.mark.parametrize(
    ("code", "field", "change"),
    [
        ("ID_INVALID", ["invoiceId"], {"invoiceId": "1"}),
        ("NOT_FOUND", ["invoiceId"], {"invoiceId": None}),
        ("CURRENCY_MISMATCH", ["amount", "currency"], {"amount": {"amount": "1.00", "currency": "EUR"}}),
        ("AMOUNT_INVALID", ["amount"], {"amount": {"amount": "0.00", "currency": "USD"}}),
        ("AMOUNT_INVALID", ["amount", "amount"], {"amount": {"amount": "0.001", "currency": "USD"}}),
        ("INPUT_INVALID", ["reference"], {"reference": " "}),
        ("TIME_OUT_OF_RANGE", ["receivedAt"], {"receivedAt": "2027-01-01T00:00:00Z"}),
    ],
)
async def test_names_the_field_of_a_payment_that_is_wrong(
    database: Database, code: str, field: list[str], change: dict[str, Any]
) -> None:
    november, invoice = await _billed(database)
    foreign = november.id(Kind.INVOICE, "00000000000000000000000000")
    given = {
        "invoiceId": invoice["id"],
        "amount": _usd("1.00"),
        "reference": "wire",
        "receivedAt": "2026-11-09T00:00:00Z",
        **{name: foreign if value is None else value for name, value in change.items()},
    }

    payload = await november.do("recordPayment", "payment { id }", **given)

    assert payload["payment"] is None
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [(code, field)]


async def test_notes_how_the_organization_pays(database: Database) -> None:
    owner = await an_organization(database)
    await owner.do("setPaymentMethod", "paymentMethod { id }", kind="CARD", label="4242")

    payload = await owner.later(1).do(
        "setPaymentMethod", "paymentMethod { kind label since }", kind="BANK_TRANSFER", label="Main account"
    )
    listed = await owner.data(
        "query($id: ID!) { organization(id: $id) { paymentMethods { label endedAt } } }", id=owner.organization_id
    )

    assert payload["paymentMethod"] == {
        "kind": "BANK_TRANSFER",
        "label": "Main account",
        "since": "2026-10-02T00:00:00Z",
    }
    assert listed["organization"]["paymentMethods"] == [
        {"label": "Main account", "endedAt": None},
        {"label": "4242", "endedAt": "2026-10-02T00:00:00Z"},
    ]


async def test_lists_invoices_by_status_and_month(database: Database) -> None:
    november, invoice = await _billed(database)
    query = """query($id: ID!, $f: InvoiceFilter) { organization(id: $id) {
        invoices(filter: $f) { totalCount nodes { id } } } }"""

    async def found(**given: Any) -> Any:
        return (await november.data(query, id=november.organization_id, f=given))["organization"]["invoices"]

    assert await found(statuses=["FINALIZED"], period="2026-10") == {"totalCount": 1, "nodes": [{"id": invoice["id"]}]}
    assert await found(statuses=["PAID"]) == {"totalCount": 0, "nodes": []}
    assert await found(period="2026-09") == {"totalCount": 0, "nodes": []}
