"""Tax is shown rate by rate, on an estimate as on an invoice, with the exemption where there is one."""

import copy

from auth.principal import Principal
from models.database import Database
from services import exemptions
from tests.builders import POOLED, a_member, a_sandbox
from tests.conformance import graph
from tests.services.books import START

ESTIMATE = """query($input: EstimateInput!) { estimate(input: $input) { tax { amount }
    taxRates { percent base { amount } amount { amount } } } }"""
SHOWN = """query($id: ID!) { organization(id: $id) {
    taxExemptions { certificate jurisdiction reason inForce validUntil }
    invoices { nodes { tax { amount } taxExemption taxRates { percent base { amount } amount { amount } } } } } }"""


def an_item(key: str, **own: str) -> dict[str, object]:
    price = {"unit": {"unit": "100"}}
    return {"item": {"key": key, "quantity": {"kind": "FLAT"}, "price": price, **own}, "quantity": "1"}


def test_an_estimate_divides_the_tax_by_rate() -> None:
    items = [an_item("fee"), an_item("book", taxPercent="7")]
    asked = {"currency": "EUR", "items": items, "tax": {"percent": "19"}}

    found = graph.executed(ESTIMATE, {"input": asked})["estimate"]

    assert found["tax"]["amount"] == "26.00"
    assert [(rate["percent"], rate["base"]["amount"], rate["amount"]["amount"]) for rate in found["taxRates"]] == [
        ("7", "100.00", "7.00"),
        ("19", "100.00", "19.00"),
    ]


async def test_an_exempt_customer_sees_why_and_until_when(database: Database) -> None:
    plan = copy.deepcopy(POOLED) | {"key": "taxed", "tax": {"mode": "EXCLUSIVE", "percent": "20"}}
    owner = await a_sandbox(database, plan=plan)
    await a_member(owner, "bo")
    certificate = {"certificate": "DE-77", "jurisdiction": "DE", "reason": "Supply abroad", "valid_from": START}
    system = Principal.system(owner.books.organization_id)
    await owner.books.do(exemptions.accept, exemptions.Accept, actor=system, **certificate)

    await owner.do("advanceTestClock", "organization { id }", to="2026-11-02T00:00:00Z")
    found = (await owner.data(SHOWN, id=owner.organization_id))["organization"]

    assert found["taxExemptions"] == [
        {"certificate": "DE-77", "jurisdiction": "DE", "reason": "Supply abroad", "inForce": True, "validUntil": None}
    ]
    (invoice,) = found["invoices"]["nodes"]
    assert invoice["taxExemption"] == "Supply abroad (certificate DE-77, DE)"
    assert invoice["tax"]["amount"] == "0.00"
    assert [(rate["percent"], rate["amount"]["amount"]) for rate in invoice["taxRates"]] == [("20", "0.00")]
