"""An organization changes its name, language and payer, and what was issued keeps them."""

from typing import Any

import pytest

from tests.builders import Caller, Database, a_member, a_person, an_organization, refusals

UPDATED = "organization { name locale invoiceGraceHours billTo { legalName addressLines taxId country email } }"
ENTITY = {
    "legalName": "Acme Holding GmbH",
    "addressLines": ["Platz 1", "10115 Berlin"],
    "taxId": "DE1",
    "country": "DE",
    "email": "bills@acme.example",
}


async def test_changes_what_is_given_and_nothing_else(database: Database) -> None:
    owner = await an_organization(database)

    payload = await owner.do("updateOrganization", UPDATED, locale="de-DE", billTo=ENTITY, invoiceGraceHours=36)

    assert payload["userErrors"] == []
    assert payload["organization"] == {
        "name": "Acme",
        "locale": "de-DE",
        "invoiceGraceHours": "36",
        "billTo": ENTITY,
    }


async def test_writes_the_next_invoice_to_the_new_payer_and_leaves_the_last(database: Database) -> None:
    owner = await an_organization(database)
    await a_member(owner, "max")
    bill = "invoice { id billTo { legalName country email } total { formatted } }"
    october = await owner.later(40).do("closeBillingPeriod", bill, period="2026-10")

    await owner.later(41).do("updateOrganization", UPDATED, billTo=ENTITY)
    november = await owner.later(70).do("closeBillingPeriod", bill, period="2026-11")
    again = await owner.data(
        "query($id: ID!) { node(id: $id) { ... on Invoice { billTo { legalName } } } }", id=october["invoice"]["id"]
    )

    assert again["node"]["billTo"] == {"legalName": "Acme"}
    assert november["invoice"]["billTo"] == {
        "legalName": "Acme Holding GmbH",
        "country": "DE",
        "email": "bills@acme.example",
    }


async def test_says_in_the_log_what_was_changed(database: Database) -> None:
    owner = await an_organization(database)

    await owner.do("updateOrganization", UPDATED, name="Acme Ltd", locale="en")

    found = await owner.data(
        """query($id: ID!) { organization(id: $id) {
            auditEvents(filter: {kinds: ["OrganizationUpdated"]}) { nodes { payload } } } }""",
        id=owner.organization_id,
    )
    (entry,) = found["organization"]["auditEvents"]["nodes"]
    assert entry["payload"] == {"before": {"name": "Acme"}, "after": {"name": "Acme Ltd"}}


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ([], {}),
        (["name"], {"name": " "}),
        (["name"], {"name": "x" * 201}),
        (["locale"], {"locale": "german"}),
        (["invoiceGraceHours"], {"invoiceGraceHours": -1}),
        (["invoiceGraceHours"], {"invoiceGraceHours": 673}),
        (["billTo", "legalName"], {"billTo": {"legalName": ""}}),
        (["billTo", "addressLines"], {"billTo": {"legalName": "Acme", "addressLines": ["x"] * 11}}),
        (["billTo", "country"], {"billTo": {"legalName": "Acme", "country": "Germany"}}),
        (["billTo", "email"], {"billTo": {"legalName": "Acme", "email": "bills"}}),
    ],
)
async def test_names_the_field_that_is_wrong(database: Database, field: list[str], change: dict[str, Any]) -> None:
    owner = await an_organization(database)

    payload = await owner.do("updateOrganization", UPDATED, **change)

    assert payload["organization"] is None
    assert refusals(payload) == [("INPUT_INVALID", field)]


async def test_opens_a_sandbox_with_a_time_of_grace(database: Database) -> None:
    owner = await an_organization(database)
    newcomer = Caller(owner.books, a_person("newcomer"))
    document = """mutation($input: CreateOrganizationInput!) { createOrganization(input: $input) {
        organization { invoiceGraceHours testClock { now } evaluationEndsAt status } userErrors { code field } } }"""
    given = {
        "idempotencyKey": "open",
        "slug": "globex",
        "name": "Globex",
        "currency": "USD",
        "timeZone": "Europe/Berlin",
        "locale": "de-DE",
        "planKey": "pooled",
        "invoiceGraceHours": 48,
        "testClockAt": "2026-10-01T00:00:00Z",
        "evaluationEndsAt": "2026-11-01T00:00:00Z",
    }

    opened = (await newcomer.data(document, input=given))["createOrganization"]
    wrong = given | {"idempotencyKey": "other", "slug": "other"}
    grace = (await newcomer.data(document, input=wrong | {"invoiceGraceHours": 1_000}))["createOrganization"]
    clock = (await newcomer.data(document, input=wrong | {"testClockAt": "9999-12-31T00:00:00Z"}))["createOrganization"]

    assert opened["organization"] == {
        "invoiceGraceHours": "48",
        "testClock": {"now": "2026-10-01T00:00:00Z"},
        "evaluationEndsAt": "2026-11-01T00:00:00Z",
        "status": "EVALUATION",
    }
    assert refusals(grace) == [("INPUT_INVALID", ["invoiceGraceHours"])]
    assert refusals(clock) == [("TIME_OUT_OF_RANGE", ["testClockAt"])]
