"""A contract is amended and renewed, and every version of it can be read for ever."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.builders import CONTRACTED, Caller, Database, a_contract, a_sandbox, refusals, usd

FEBRUARY = "2027-02-01T00:00:00Z"
CONTRACT = """contract { number version band purchaseOrder total { amount } effectiveAt billTo { legalName }
    instalments { amount { amount } } versions { totalCount nodes { version band total { amount } effectiveAt } } }"""
HELD = f"query($id: ID!) {{ organization(id: $id) {{ {CONTRACT} contracts {{ nodes {{ number start }} }} }} }}"


async def _under_contract(database: Database, **terms: Any) -> Caller:
    """Return the owner of a sandbox in February, four months into a year's contract for 100,000 dollars."""
    owner = await a_sandbox(database, plan=CONTRACTED, evaluation_ends_at=datetime(2026, 12, 1, tzinfo=UTC))
    signed = await owner.do(
        "convertEvaluation",
        "contract { number }",
        planKey="contract",
        contract=a_contract(purchaseOrder="PO-1", **terms),
    )
    assert signed["userErrors"] == []
    for to in ("2026-11-15T00:00:00Z", "2026-12-15T00:00:00Z", FEBRUARY):
        moved = await owner.do("advanceTestClock", "clock { now }", to=to)
        assert moved["userErrors"] == []
        await _pay_everything(owner)
    return owner


async def _pay_everything(owner: Caller) -> None:
    """Pay what is owed, so that nothing is dunned."""
    unpaid = (
        "query($id: ID!) { organization(id: $id) { invoices { nodes { id status amountDue { amount currency } } } } }"
    )
    found = await owner.data(unpaid, id=owner.organization_id)
    for invoice in found["organization"]["invoices"]["nodes"]:
        if invoice["status"] == "FINALIZED":
            paid = {"invoiceId": invoice["id"], "amount": invoice["amountDue"], "reference": "wire"}
            await owner.do("recordPayment", "payment { id }", receivedAt="2026-10-01T00:00:00Z", **paid)


async def test_amends_the_running_contract_and_keeps_what_it_was(database: Database) -> None:
    owner = await _under_contract(database)

    payload = await owner.do(
        "amendContract",
        CONTRACT,
        effectiveAt=FEBRUARY,
        changes={"bandUpTo": 400, "total": usd("130000.00"), "billTo": {"legalName": "Acme Holding"}},
    )
    found = await owner.data(HELD, id=owner.organization_id)

    assert payload["userErrors"] == []
    contract = payload["contract"]
    assert (contract["version"], contract["band"], contract["billTo"]) == (2, 400, {"legalName": "Acme Holding"})
    # two instalments of 25,000 are invoiced; what is left of 130,000 is spread over the two to come
    assert [part["amount"]["amount"] for part in contract["instalments"]] == [
        "25000.00",
        "25000.00",
        "40000.00",
        "40000.00",
    ]
    assert found["organization"]["contract"] == contract
    assert contract["versions"]["nodes"] == [
        {"version": 1, "band": 3, "total": {"amount": "100000.00"}, "effectiveAt": "2026-10-01T00:00:00Z"},
        {"version": 2, "band": 400, "total": {"amount": "130000.00"}, "effectiveAt": FEBRUARY},
    ]


async def test_takes_an_optional_term_away_and_leaves_the_others(database: Database) -> None:
    owner = await _under_contract(database)

    payload = await owner.do("amendContract", CONTRACT, effectiveAt=FEBRUARY, changes={"purchaseOrder": None})

    assert payload["contract"]["purchaseOrder"] is None
    assert (payload["contract"]["band"], payload["contract"]["total"]) == (3, {"amount": "100000.00"})


async def test_walks_the_versions_page_by_page(database: Database) -> None:
    owner = await _under_contract(database)
    for band in (10, 20):
        await owner.do("amendContract", "contract { version }", effectiveAt=FEBRUARY, changes={"bandUpTo": band})
    query = """query($id: ID!, $after: String) { organization(id: $id) { contract {
        versions(first: 2, after: $after) { totalCount nodes { band } pageInfo { endCursor hasNextPage } } } } }"""

    first = (await owner.data(query, id=owner.organization_id))["organization"]["contract"]["versions"]
    rest = await owner.data(query, id=owner.organization_id, after=first["pageInfo"]["endCursor"])

    assert [node["band"] for node in first["nodes"]] == [3, 10]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    assert rest["organization"]["contract"]["versions"]["nodes"] == [{"band": 20}]


@pytest.mark.parametrize(
    ("code", "field", "fields"),
    [
        ("CONTRACT_INVALID", ["changes", "bandUpTo"], {"changes": {"bandUpTo": 0}}),
        ("CONTRACT_INVALID", ["changes", "total"], {"changes": {"total": usd("40000.00")}}),
        ("CONTRACT_INVALID", ["changes", "total", "amount"], {"changes": {"total": usd("1.001")}}),
        ("CURRENCY_MISMATCH", ["changes", "total"], {"changes": {"total": {"amount": "1.00", "currency": "EUR"}}}),
        (
            "CONTRACT_INVALID",
            ["changes", "prices", "0", "price", "band", "bands", "1", "upTo"],
            {
                "changes": {
                    "prices": [
                        {
                            "itemKey": "users",
                            "priceVersion": "1",
                            "price": {"band": {"bands": [{"upTo": "9", "amount": "1"}, {"upTo": "8", "amount": "1"}]}},
                        }
                    ]
                }
            },
        ),
        ("TIME_OUT_OF_RANGE", ["effectiveAt"], {"effectiveAt": "2027-01-31T00:00:00Z", "changes": {"bandUpTo": 9}}),
        ("TIME_OUT_OF_RANGE", ["effectiveAt"], {"effectiveAt": "2027-10-01T00:00:00Z", "changes": {"bandUpTo": 9}}),
    ],
)
async def test_names_the_term_that_is_wrong(
    database: Database, code: str, field: list[str], fields: dict[str, Any]
) -> None:
    owner = await _under_contract(database)

    payload = await owner.do("amendContract", CONTRACT, **{"effectiveAt": FEBRUARY, **fields})

    assert payload["contract"] is None
    assert refusals(payload) == [(code, field)]


async def test_renews_for_another_term_that_follows_without_a_gap(database: Database) -> None:
    owner = await _under_contract(database)

    payload = await owner.do(
        "renewContract", "contract { number start end band schedule }", changes={"bandUpTo": 10, "termYears": 2}
    )
    again = await owner.do("renewContract", "contract { number }")
    found = await owner.data(HELD, id=owner.organization_id)

    assert payload["contract"] == {
        "number": "C-7-R",
        "start": "2027-10-01T00:00:00Z",
        "end": "2029-10-01T00:00:00Z",
        "band": 10,
        "schedule": "QUARTERLY",
    }
    assert refusals(again) == [("ALREADY_EXISTS", ["organizationId"])]
    assert found["organization"]["contract"]["number"] == "C-7"
    assert [node["number"] for node in found["organization"]["contracts"]["nodes"]] == ["C-7", "C-7-R"]


@pytest.mark.parametrize("years", [0, 21, 2_000_000_000])
async def test_refuses_a_term_that_no_contract_can_have(database: Database, years: int) -> None:
    owner = await _under_contract(database)

    payload = await owner.do("renewContract", "contract { number }", changes={"termYears": years})

    assert refusals(payload) == [("CONTRACT_INVALID", ["changes", "termYears"])]


async def test_renews_in_the_currency_of_the_contract(database: Database) -> None:
    owner = await _under_contract(database)

    payload = await owner.do(
        "renewContract", "contract { number }", changes={"total": {"amount": "1.00", "currency": "EUR"}}
    )

    assert refusals(payload) == [("CURRENCY_MISMATCH", ["changes", "total"])]


async def test_has_nothing_to_amend_without_a_contract(database: Database) -> None:
    owner = await a_sandbox(database)

    amended = await owner.do("amendContract", CONTRACT, effectiveAt=FEBRUARY, changes={"bandUpTo": 9})
    renewed = await owner.do("renewContract", CONTRACT)

    assert refusals(amended) == refusals(renewed) == [("NOT_FOUND", ["organizationId"])]
