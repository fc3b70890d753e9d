"""Open an organization, try the product, sign a contract: through the graph."""

from typing import Any

import pytest

from tests.builders import CONTRACTED, Caller, Database, a_contract, a_member, a_person, an_organization

CREATE = """mutation($input: CreateOrganizationInput!) { createOrganization(input: $input) {
    organization { id slug status members { totalCount } roles { key } }
    member { name role { key } } userErrors { code field message } } }"""
NEW = {
    "idempotencyKey": "open",
    "slug": "globex",
    "name": "Globex",
    "currency": "USD",
    "timeZone": "Europe/Berlin",
    "locale": "de-DE",
    "planKey": "pooled",
}


async def _somebody(database: Database) -> Caller:
    """Return an account that belongs nowhere yet, where plans are on offer."""
    owner = await an_organization(database)
    return Caller(owner.books, a_person("newcomer"))


async def test_opens_an_organization_for_its_caller(database: Database) -> None:
    newcomer = await _somebody(database)

    first = (await newcomer.data(CREATE, input=NEW))["createOrganization"]
    again = (await newcomer.data(CREATE, input=NEW))["createOrganization"]

    assert first["userErrors"] == []
    assert first["organization"]["members"] == {"totalCount": 1}
    assert first["member"] == {"name": "Newcomer", "role": {"key": "primary_owner"}}
    assert again == first


@pytest.mark.parametrize(
    ("code", "field", "change"),
    [
        ("INPUT_INVALID", ["slug"], {"slug": "Globex!"}),
        ("ALREADY_EXISTS", ["slug"], {"slug": "acme"}),
        ("CURRENCY_UNKNOWN", ["currency"], {"currency": "XXX"}),
        ("TIME_ZONE_UNKNOWN", ["timeZone"], {"timeZone": "Mars/Olympus"}),
        ("INPUT_INVALID", ["locale"], {"locale": "german"}),
        ("NOT_FOUND", ["planKey"], {"planKey": "free-beer"}),
        ("INPUT_INVALID", ["idempotencyKey"], {"idempotencyKey": ""}),
    ],
)
async def test_names_the_field_that_is_wrong(
    database: Database, code: str, field: list[str], change: dict[str, Any]
) -> None:
    newcomer = await _somebody(database)

    payload = (await newcomer.data(CREATE, input=NEW | change))["createOrganization"]

    assert payload["organization"] is None
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [(code, field)]


CONVERT = "organization { status } contract { number total { amount } instalments { amount { amount } } }"
CONTRACT = """query($id: ID!) { organization(id: $id) { status contract {
    number version start end termYears renewalAt band seatsUsed total { amount formatted } schedule netTermsDays
    purchaseOrder taxId supportResponseTime billTo { legalName addressLines } accountManager { name email }
    instalments { position amount { amount } issueAt dueAt covers { start end } } reviews { reason seatsUsed bandUpTo }
    } priceBook { currency tax { mode percent } prices { itemKey negotiated price { __typename
        ... on BandPrice { bands { upTo amount } beyond } } } } plan { key items { key quantity { kind } } } } }"""


async def _evaluating(database: Database) -> Caller:
    from datetime import UTC, datetime

    return await an_organization(
        database, plan=CONTRACTED, slug="big", evaluation_ends_at=datetime(2026, 12, 1, tzinfo=UTC)
    )


async def test_turns_an_evaluation_into_a_contract_and_shows_it(database: Database) -> None:
    owner = await _evaluating(database)
    given = a_contract(
        purchaseOrder="PO-9",
        netTermsDays=45,
        supportResponseTime="PT1H",
        renewalAt="2027-08-01T00:00:00Z",
        billTo={"legalName": "Big GmbH", "addressLines": ["Platz 1"], "taxId": "DE1"},
        accountManager={"name": "Mia", "email": "mia@vendor.example"},
        prices=[
            {
                "itemKey": "users",
                "price": {"band": {"bands": [{"upTo": "3", "amount": "80000"}]}},
                "priceVersion": "C-7",
            }
        ],
    )

    payload = await owner.do("convertEvaluation", CONVERT, planKey="contract", contract=given)
    for name in ("a", "b", "c", "d"):
        await a_member(owner, name, tier=None)
    found = (await owner.data(CONTRACT, id=owner.organization_id))["organization"]

    assert payload["userErrors"] == []
    assert payload["organization"] == {"status": "ACTIVE"}
    assert [each["amount"]["amount"] for each in payload["contract"]["instalments"]] == ["25000.00"] * 4
    contract = found["contract"]
    assert contract["seatsUsed"] == 4
    assert contract["reviews"] == [{"reason": "BAND_CROSSED", "seatsUsed": 4, "bandUpTo": 3}]
    assert contract["billTo"] == {"legalName": "Big GmbH", "addressLines": ["Platz 1"]}
    assert (contract["taxId"], contract["purchaseOrder"], contract["netTermsDays"]) == ("DE1", "PO-9", 45)
    assert contract["accountManager"] == {"name": "Mia", "email": "mia@vendor.example"}
    (price,) = found["priceBook"]["prices"]
    assert price["negotiated"] is True
    assert price["price"]["bands"] == [{"upTo": "3", "amount": "80000"}]
    assert found["plan"] == {"key": "contract", "items": [{"key": "users", "quantity": {"kind": "CONTRACT_BAND"}}]}


@pytest.mark.parametrize(
    ("code", "field", "change"),
    [
        ("CONTRACT_INVALID", ["contract", "end"], {"end": "2026-09-01T00:00:00Z"}),
        ("CONTRACT_INVALID", ["contract", "termYears"], {"termYears": 0}),
        ("CONTRACT_INVALID", ["contract", "total", "amount"], {"total": {"amount": "1.001", "currency": "USD"}}),
        ("CONTRACT_INVALID", ["contract", "custom"], {"schedule": "CUSTOM"}),
        (
            "CONTRACT_INVALID",
            ["contract", "prices", "0", "price", "band", "bands", "1", "upTo"],
            {
                "prices": [
                    {
                        "itemKey": "users",
                        "priceVersion": "1",
                        "price": {"band": {"bands": [{"upTo": "9", "amount": "1"}, {"upTo": "8", "amount": "1"}]}},
                    }
                ]
            },
        ),
        ("CURRENCY_MISMATCH", ["contract", "total"], {"total": {"amount": "1.00", "currency": "EUR"}}),
    ],
)
async def test_names_the_term_that_is_wrong(
    database: Database, code: str, field: list[str], change: dict[str, Any]
) -> None:
    owner = await _evaluating(database)

    payload = await owner.do("convertEvaluation", CONVERT, planKey="contract", contract=a_contract(**change))

    assert payload["contract"] is None
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [(code, field)]


async def test_lists_only_the_organizations_one_belongs_to(database: Database) -> None:
    owner = await an_organization(database)
    await an_organization(database, slug="globex")

    found = await owner.data("{ organizations { totalCount nodes { slug } } }")

    assert found["organizations"] == {"totalCount": 1, "nodes": [{"slug": "acme"}]}
