"""Usage through the graph: recorded once, stopped at the tightest limit, and told event by event."""

from typing import Any

import pytest

from tests.builders import START, Caller, Database, a_member, an_organization, days_later, event

RESULTS = "results { eventId status usageId cost { amount currency } overLimit }"


async def _limited(database: Database, level: str, amount: str) -> tuple[Caller, str]:
    """Return an owner and a member whose spend is capped at one level, with loose caps at the others."""
    owner = await an_organization(database)
    member_id, _ = await a_member(owner, "max")
    for each in ("ORGANIZATION", "SEAT_TIER", "MEMBER"):
        cap = {"amount": amount if each == level else "1000.00", "currency": "USD"}
        subject = {"SEAT_TIER": {"tier": "chat"}, "MEMBER": {"memberId": member_id}}.get(each, {})
        payload = await owner.do("setSpendLimit", "limit { version }", level=each, amount=cap, **subject)
        assert payload["userErrors"] == []
    return owner, member_id


def _row(global_id: str) -> str:
    return global_id.rpartition("_")[2]


async def test_records_usage_and_shows_it_everywhere(database: Database) -> None:
    owner = await an_organization(database)
    member_id, max_ = await a_member(owner, "max")

    payload = await owner.do(
        "recordUsage", RESULTS, events=[event("e1", member_id, "1.5"), event("e2", member_id, "0.000003")]
    )

    own = await max_.data(
        "query($id: ID!) { node(id: $id) { ... on Member { monthToDate { amount } } } }", id=member_id
    )
    report = await owner.data(
        """query($id: ID!) { organization(id: $id) { usage(groupBy: [MEMBER, MODEL, DAY]) {
            total { amount formatted } events
            rows { keys { value } member { name } model day direction quantity cost { amount } } } } }""",
        id=owner.organization_id,
    )
    assert payload["userErrors"] == []
    assert [result["status"] for result in payload["results"]] == ["RECORDED", "RECORDED"]
    assert payload["results"][1]["cost"] == {"amount": "0.000003", "currency": "USD"}
    assert own["node"]["monthToDate"] == {"amount": "1.500003"}
    usage = report["organization"]["usage"]
    assert usage["total"] == {"amount": "1.500003", "formatted": "$1.500003"}
    (row,) = usage["rows"]
    assert [key["value"] for key in row["keys"]] == [member_id, "atlas", "2026-10-01"]
    assert row["member"] == {"name": "max"}
    assert row["day"] == "2026-10-01"
    assert row["direction"] is None
    assert row["quantity"] == "1500003"


async def test_gives_the_total_alone_when_nothing_is_grouped(database: Database) -> None:
    owner = await an_organization(database)
    member_id, _ = await a_member(owner, "max")
    await owner.do("recordUsage", RESULTS, events=[event("e1", member_id, "2")])
    query = """query($id: ID!, $p: String) { organization(id: $id) {
        usage(period: $p) { total { amount } rows { model } period { label } } } }"""

    october = (await owner.data(query, id=owner.organization_id))["organization"]["usage"]
    september = (await owner.data(query, id=owner.organization_id, p="2026-09"))["organization"]["usage"]

    assert october == {"total": {"amount": "2.00"}, "rows": [], "period": {"label": "2026-10"}}
    assert september["total"] == {"amount": "0.00"}


@pytest.mark.parametrize("period", ["2026-13", "2026", "october", "0000-01", ""])
async def test_refuses_what_is_no_month(database: Database, period: str) -> None:
    owner = await an_organization(database)

    fault = await owner.fault(
        "query($id: ID!, $p: String) { organization(id: $id) { usage(period: $p) { events } } }",
        id=owner.organization_id,
        p=period,
    )

    assert fault["extensions"]["code"] == "BAD_USER_INPUT"
    assert fault["extensions"]["field"] == "period"
    assert fault["message"].startswith("period: ")


@pytest.mark.parametrize("level", ["ORGANIZATION", "SEAT_TIER", "MEMBER"])
async def test_blocks_at_the_tightest_limit(database: Database, level: str) -> None:
    owner, member_id = await _limited(database, level, "10.00")
    await owner.do("recordUsage", RESULTS, events=[event("e1", member_id, "8")])

    payload = await owner.do("recordUsage", RESULTS, events=[event("e2", member_id, "3"), event("e3", member_id, "2")])

    assert [result["status"] for result in payload["results"]] == ["REFUSED", "RECORDED"]
    (error,) = payload["userErrors"]
    assert error["__typename"] == "SpendLimitReached"
    assert error["code"] == "SPEND_LIMIT_REACHED"
    assert error["field"] == ["events", "0"]
    assert error["eventId"] == "e2"
    assert error["level"] == level == error["bindingLimit"]["level"]
    assert error["bindingLimit"]["cap"] == {"amount": "10.00"}
    assert error["headroom"] == {"amount": "2.00"}
    assert error["shortfall"] == {"amount": "1.00", "currency": "USD"}
    assert error["resetsAt"] == "2026-11-01T00:00:00Z"


async def test_explains_the_whole_chain(database: Database) -> None:
    owner, member_id = await _limited(database, "SEAT_TIER", "10.00")
    await owner.do("recordUsage", RESULTS, events=[event("e1", member_id, "4")])

    found = await owner.data(
        """query($id: ID!) { node(id: $id) { ... on Member { effectiveLimit {
            amount { amount } remaining { amount } bindingLevel whoCanRaise { name email }
            chain { level subject scope spent { amount } remaining { amount } } } } } }""",
        id=member_id,
    )

    limit = found["node"]["effectiveLimit"]
    assert (limit["amount"], limit["remaining"], limit["bindingLevel"]) == (
        {"amount": "10.00"},
        {"amount": "6.00"},
        "SEAT_TIER",
    )
    assert limit["whoCanRaise"] == [{"name": "Ann", "email": "ann@x.example"}]
    assert [(link["level"], link["subject"], link["scope"]) for link in limit["chain"]] == [
        ("ORGANIZATION", owner.organization_id, None),
        ("SEAT_TIER", "chat", "PER_MEMBER"),
        ("MEMBER", member_id, None),
    ]
    assert {link["spent"]["amount"] for link in limit["chain"]} == {"4.00"}
    assert [link["remaining"]["amount"] for link in limit["chain"]] == ["996.00", "6.00", "996.00"]


async def test_keeps_what_has_happened_already(database: Database) -> None:
    owner, member_id = await _limited(database, "MEMBER", "1.00")

    payload = await owner.do("recordUsage", RESULTS, events=[event("e1", member_id, "5")], overage="RECORD")

    assert payload["userErrors"] == []
    assert payload["results"][0]["status"] == "RECORDED"
    assert payload["results"][0]["overLimit"] is True


async def test_counts_an_event_once(database: Database) -> None:
    owner = await an_organization(database)
    member_id, _ = await a_member(owner, "max")
    first = await owner.do("recordUsage", RESULTS, events=[event("e1", member_id, "1")])

    again = await owner.do("recordUsage", RESULTS, events=[event("e1", member_id, "1"), event("e1", member_id, "2")])

    assert [result["status"] for result in again["results"]] == ["DUPLICATE", "REFUSED"]
    assert again["results"][0]["usageId"] == first["results"][0]["usageId"]
    assert [(error["code"], error["field"]) for error in again["userErrors"]] == [
        ("EVENT_ID_CONFLICT", ["events", "1", "id"])
    ]


async def test_names_a_member_in_any_of_three_ways(database: Database) -> None:
    owner = await an_organization(database)
    member_id = await owner.books.add("max", external_id="directory-7")
    base = {"model": "atlas", "direction": "INPUT", "quantity": 1_000_000, "occurredAt": START.isoformat()}

    payload = await owner.do(
        "recordUsage",
        RESULTS,
        events=[
            {**base, "id": "e1", "memberExternalId": "directory-7"},
            {**base, "id": "e2", "memberEmail": "MAX@x.example"},
            {**base, "id": "e3", "memberExternalId": "directory-8"},
            {**base, "id": "e4", "memberEmail": "nobody@x.example"},
        ],
    )

    assert [result["status"] for result in payload["results"]] == ["RECORDED", "RECORDED", "REFUSED", "REFUSED"]
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [
        ("NOT_FOUND", ["events", "2", "memberExternalId"]),
        ("NOT_FOUND", ["events", "3", "memberEmail"]),
    ]
    spent = await owner.books.spent(member_id)
    assert spent[member_id] == 2_000_000


@pytest.mark.parametrize(
    ("code", "field", "change"),
    [
        ("ID_INVALID", ["events", "0", "memberId"], {"memberId": "max"}),
        (
            "NOT_FOUND",
            ["events", "0", "memberId"],
            {"memberId": "mem_00000000000000000000000000_00000000000000000000000000"},
        ),
        ("INPUT_INVALID", ["events", "0", "memberId"], {"memberEmail": "max@x.example"}),
        ("INPUT_INVALID", ["events", "0", "quantity"], {"quantity": -1}),
        ("INPUT_INVALID", ["events", "0", "id"], {"id": ""}),
        ("PRICE_MISSING", ["events", "0", "model"], {"model": "unheard-of"}),
        ("PRICE_MISSING", ["events", "0", "meter"], {"meter": "pages"}),
        ("TIME_OUT_OF_RANGE", ["events", "0", "occurredAt"], {"occurredAt": "2027-01-01T00:00:00Z"}),
    ],
)
async def test_names_the_field_that_is_wrong(
    database: Database, code: str, field: list[str], change: dict[str, Any]
) -> None:
    owner = await an_organization(database)
    member_id, _ = await a_member(owner, "max")

    payload = await owner.do("recordUsage", RESULTS, events=[event("e1", member_id, "1") | change])

    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [(code, field)]
    assert await owner.books.spent(_row(member_id)) == {}


async def test_bounds_a_batch(database: Database) -> None:
    owner = await an_organization(database)
    member_id, _ = await a_member(owner, "max")

    none = await owner.do("recordUsage", RESULTS, events=[])
    many = await owner.do("recordUsage", RESULTS, events=[event(f"e{n}", member_id, "0") for n in range(1001)])

    assert [payload["userErrors"][0]["field"] for payload in (none, many)] == [["events"], ["events"]]
    assert "1001 events: give 1 to 1000" in many["userErrors"][0]["message"]


async def test_answers_a_replay_alike_and_refuses_another_body(database: Database) -> None:
    owner = await an_organization(database)
    member_id, _ = await a_member(owner, "max")
    given = {"idempotencyKey": "same", "events": [event("e1", member_id, "1")]}

    first = await owner.do("recordUsage", RESULTS, **given)
    again = await owner.do("recordUsage", RESULTS, **given)
    other = await owner.do("recordUsage", RESULTS, **{**given, "events": [event("e2", member_id, "1")]})

    assert first == again
    assert [error["code"] for error in other["userErrors"]] == ["IDEMPOTENCY_MISMATCH"]
    assert other["userErrors"][0]["__typename"] == "ConflictError"
    assert (await owner.books.spent(_row(member_id)))[_row(member_id)] == 1_000_000


async def test_shows_every_level_of_a_month(database: Database) -> None:
    owner, member_id = await _limited(database, "MEMBER", "10.00")
    await owner.do("recordUsage", RESULTS, events=[event("e1", member_id, "4")])
    query = """query($id: ID!, $p: String) { organization(id: $id) { spendStatus(period: $p) {
        level subject cap { amount } spent { amount } held { amount } remaining { amount } } } }"""

    now = (await owner.later(3).data(query, id=owner.organization_id))["organization"]["spendStatus"]
    before = (await owner.data(query, id=owner.organization_id, p="2026-09"))["organization"]["spendStatus"]

    assert [(each["level"], each["subject"]) for each in now] == [
        ("ORGANIZATION", owner.organization_id),
        ("SEAT_TIER", "chat"),
        ("SEAT_TIER", "chat_code"),
        ("MEMBER", member_id),
    ]
    assert [each["spent"]["amount"] for each in now] == ["4.00", "4.00", "0.00", "4.00"]
    assert [each["remaining"] and each["remaining"]["amount"] for each in now] == ["996.00", None, None, "6.00"]
    assert {each["spent"]["amount"] for each in before} == {"0.00"}
    assert days_later(3) > START
