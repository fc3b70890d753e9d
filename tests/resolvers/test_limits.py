"""Spend limits through the graph: set, replaced, lifted, and refused with the field that is wrong."""

from typing import Any

import pytest

from tests.builders import Database, a_member, an_organization, event, usd

LIMIT = "limit { id level subject scope cap { amount currency } thresholds version setAt endedAt member { name } }"
CAP = {"amount": "200.00", "currency": "USD"}


async def test_sets_a_limit_at_every_level(database: Database) -> None:
    owner = await an_organization(database)
    member_id, _ = await a_member(owner, "max")

    made = [
        await owner.do("setSpendLimit", LIMIT, level="ORGANIZATION", amount=CAP),
        await owner.do("setSpendLimit", LIMIT, level="SEAT_TIER", tier="chat", amount=CAP),
        await owner.do("setSpendLimit", LIMIT, level="SEAT_TIER", tier="chat", scope="POOLED", amount=CAP),
        await owner.do("setSpendLimit", LIMIT, level="MEMBER", memberId=member_id, amount=CAP, thresholds=[50]),
    ]
    listed = await owner.data(
        "query($id: ID!) { organization(id: $id) { spendLimits { totalCount nodes { id } } } }",
        id=owner.organization_id,
    )

    limits = [payload["limit"] for payload in made]
    assert [(each["level"], each["subject"], each["scope"]) for each in limits] == [
        ("ORGANIZATION", owner.organization_id, None),
        ("SEAT_TIER", "chat", "PER_MEMBER"),
        ("SEAT_TIER", "chat", "POOLED"),
        ("MEMBER", member_id, None),
    ]
    assert [each["thresholds"] for each in limits] == [[75, 90, 100]] * 3 + [[50]]
    assert limits[3]["member"] == {"name": "max"}
    assert listed["organization"]["spendLimits"]["totalCount"] == 4
    assert {node["id"] for node in listed["organization"]["spendLimits"]["nodes"]} == {each["id"] for each in limits}


async def test_replaces_and_lifts_a_limit(database: Database) -> None:
    owner = await an_organization(database)
    await owner.do("setSpendLimit", LIMIT, level="ORGANIZATION", amount=CAP)

    second = await owner.later(1).do(
        "setSpendLimit",
        f"{LIMIT} previousCap {{ amount }}",
        level="ORGANIZATION",
        amount={"amount": "300", "currency": "USD"},
    )
    lifted = await owner.later(2).do("clearSpendLimit", LIMIT, level="ORGANIZATION")
    twice = await owner.later(3).do("clearSpendLimit", LIMIT, level="ORGANIZATION")

    assert (second["limit"]["version"], second["previousCap"]) == (2, {"amount": "200.00"})
    assert lifted["limit"]["endedAt"] == "2026-10-03T00:00:00Z"
    assert [error["code"] for error in twice["userErrors"]] == ["NOT_FOUND"]


@pytest.mark.parametrize(
    ("code", "field", "change"),
    [
        ("AMOUNT_INVALID", ["amount", "amount"], {"amount": {"amount": "1.005", "currency": "USD"}}),
        ("CURRENCY_UNKNOWN", ["amount", "currency"], {"amount": {"amount": "1.00", "currency": "usd"}}),
        ("CURRENCY_MISMATCH", ["amount", "currency"], {"amount": {"amount": "1.00", "currency": "EUR"}}),
        ("AMOUNT_INVALID", ["amount"], {"amount": {"amount": "-1.00", "currency": "USD"}}),
        ("INPUT_INVALID", ["thresholds"], {"thresholds": [90, 75]}),
        ("INPUT_INVALID", ["thresholds"], {"thresholds": [101]}),
        ("INPUT_INVALID", ["tier"], {"tier": "chat"}),
        ("INPUT_INVALID", ["memberId"], {"memberId": "mem_x"}),
        ("INPUT_INVALID", ["scope"], {"scope": "POOLED"}),
        ("INPUT_INVALID", ["tier"], {"level": "SEAT_TIER"}),
        ("NOT_FOUND", ["tier"], {"level": "SEAT_TIER", "tier": "gold"}),
        ("INPUT_INVALID", ["memberId"], {"level": "MEMBER"}),
        ("ID_INVALID", ["memberId"], {"level": "MEMBER", "memberId": "mem_x"}),
    ],
)
async def test_names_the_field_that_is_wrong(
    database: Database, code: str, field: list[str], change: dict[str, Any]
) -> None:
    owner = await an_organization(database)

    payload = await owner.do("setSpendLimit", LIMIT, **{"level": "ORGANIZATION", "amount": CAP, **change})

    assert payload["limit"] is None
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [(code, field)]


@pytest.mark.parametrize("amount", [200.5, 200, "2e2", "NaN", "1,00", None])
async def test_takes_an_amount_as_exact_text_only(database: Database, amount: object) -> None:
    owner = await an_organization(database)
    given = {
        "organizationId": owner.organization_id,
        "idempotencyKey": "k",
        "level": "ORGANIZATION",
        "amount": {"amount": amount, "currency": "USD"},
    }

    fault = await owner.fault(
        "mutation($i: SetSpendLimitInput!) { setSpendLimit(input: $i) { limit { id } } }", i=given
    )

    assert fault["extensions"]["code"] == "BAD_USER_INPUT"
    assert "amount" in fault["message"]


async def test_a_member_without_a_limit_is_limited_by_nothing(database: Database) -> None:
    owner = await an_organization(database)
    member_id, max_ = await a_member(owner, "max")

    found = await max_.data(
        """query($id: ID!) { node(id: $id) { ... on Member { effectiveLimit {
            amount { amount } remaining { amount } bindingLevel resetsAt chain { level } } } } }""",
        id=member_id,
    )

    assert found["node"]["effectiveLimit"] == {
        "amount": None,
        "remaining": None,
        "bindingLevel": None,
        "resetsAt": "2026-11-01T00:00:00Z",
        "chain": [],
    }


async def test_a_month_that_is_yet_to_come_has_the_limits_of_now_and_no_spend(database: Database) -> None:
    owner = await an_organization(database)
    member_id, _ = await a_member(owner, "max")
    await owner.do("setSpendLimit", "limit { id }", level="ORGANIZATION", amount=usd("5"))
    await owner.do("setSpendLimit", "limit { id }", level="MEMBER", memberId=member_id, amount=usd("3"), interval="DAY")
    await owner.do("recordUsage", "results { status }", events=[event("u1", member_id, "2")])

    data = await owner.data(
        """query($id: ID!) { organization(id: $id) { spendStatus(period: "2026-12") {
               level interval cap { amount } spent { amount } remaining { amount } resetsAt
               forecast { period { label } } } } }""",
        id=owner.organization_id,
    )

    of_all = next(each for each in data["organization"]["spendStatus"] if each["level"] == "ORGANIZATION")
    of_max = next(each for each in data["organization"]["spendStatus"] if each["level"] == "MEMBER")
    assert (of_all["spent"], of_all["remaining"]) == ({"amount": "0.00"}, {"amount": "5.00"})
    assert of_all["resetsAt"] == "2027-01-01T00:00:00Z"
    assert of_all["forecast"]["period"]["label"] == "2026-12"
    assert (of_max["spent"], of_max["resetsAt"]) == ({"amount": "0.00"}, "2026-12-02T00:00:00Z")
