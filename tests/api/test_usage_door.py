"""A gateway that knows no GraphQL reports usage, by the same rules and with a result for each event."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.house import now
from models import events
from models.database import Database
from services import verification
from tests.api.served import Served, served

LINES = "application/x-ndjson"
_CLIENT = "clientSecret apiClient { id }"


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[Served]:
    async with served(database, tmp_path) as open_house:
        yield open_house


def an_event(name: str, cents: int, **fields: Any) -> dict[str, Any]:
    """Return usage of Bo's that costs so many cents."""
    event = {"id": name, "memberEmail": "bo@acme.example", "model": "atlas", "direction": "INPUT"}
    return {**event, "quantity": str(cents * 10_000), "occurredAt": now().isoformat(), **fields}


async def post(house: Served, content: Any, *, who: str = "ann", query: str = "", **headers: str) -> Any:
    """Send a body: lines where it is a text or bytes, else JSON; return the response."""
    is_lines = isinstance(content, str | bytes)
    named = {"content-type": LINES if is_lines else "application/json", "idempotency-key": "k"}
    if who:
        named["authorization"] = f"Bearer {house.token(who)}"
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    body = content if is_lines else json.dumps(content)
    return await house.client.post(f"/v1/usage{query}", content=body, headers=named)


def lines(*given: dict[str, Any]) -> str:
    return "".join(json.dumps(each) + "\n" for each in given)


async def test_each_event_has_a_result_and_a_key_has_one_answer(house: Served) -> None:
    bo = await house.add("bo")  # with a limit of a dollar
    named = an_event("1", 60)
    del named["memberEmail"]
    given = [{**named, "memberId": bo}, an_event("1", 60), an_event("2", 50), an_event("3", 1, model="none")]
    given[1]["occurredAt"] = given[0]["occurredAt"]

    answer = await post(house, given)
    again = await post(house, given)
    other = await post(house, given[:1])

    assert answer.status_code == 200, answer.text
    results, errors = answer.json()["results"], answer.json()["userErrors"]
    assert [each["status"] for each in results] == ["RECORDED", "DUPLICATE", "REFUSED", "REFUSED"]
    assert results[0]["cost"] == {"amount": "0.60", "currency": "USD"}
    assert results[0]["usageId"] == results[1]["usageId"]
    assert [(each["code"], each["field"]) for each in errors] == [
        ("SPEND_LIMIT_REACHED", ["events", "2"]),
        ("PRICE_MISSING", ["events", "3", "model"]),
    ]
    assert errors[0]["shortfall"] == {"amount": "0.10", "currency": "USD"}
    assert errors[0]["level"] == "MEMBER"
    assert again.json() == answer.json()
    assert other.status_code == 422
    assert other.json()["userErrors"][0]["code"] == "IDEMPOTENCY_MISMATCH"


async def test_lines_are_blamed_by_their_number(house: Served) -> None:
    await house.add("bo")
    late = {**an_event("4", 1), "occurredAt": "2001-01-01T00:00:00Z"}
    stranger = {**an_event("5", 1), "memberEmail": "nobody@acme.example"}

    answer = await post(house, "\n" + lines(an_event("1", 1), late) + "\n" + lines(stranger), query="?overage=RECORD")

    assert [each["status"] for each in answer.json()["results"]] == ["RECORDED", "REFUSED", "REFUSED"]
    assert [(each["line"], each["field"]) for each in answer.json()["userErrors"]] == [
        (3, ["events", "1", "occurredAt"]),
        (5, ["events", "2", "memberEmail"]),
    ]


async def test_nothing_is_recorded_of_what_cannot_be_read(house: Served) -> None:
    await house.add("bo")
    wrong = [
        (an_event("1", 1, quantity="1.5"), "quantity", "'1.5' is not an integer of at most 19 digits"),
        (an_event("1", 1, quantity=2**63), "quantity", "is outside -9223372036854775808 to 9223372036854775807"),
        (an_event("1", 1, quantity=1.0), "quantity", "1.0 is not an integer"),
        (an_event("1", 1, occurredAt="yesterday"), "occurredAt", "not an instant with an offset"),
        (an_event("1", 1, direction="UP"), "direction", "it is one of INPUT, OUTPUT, CACHE_READ, CACHE_WRITE"),
        (an_event("1", 1, memberId="mem_x"), "memberId", "named in 2 ways"),
        (an_event("1", 1, memberEmail=None, memberId="mem_x"), "memberId", "mem_x"),
        (an_event("1", 1, model=None), "model", "model is null; give text"),
        (an_event("1", 1, id=7), "id", "id is 7; give text"),
        (an_event("1", 1, price="1"), "price", "there is no field 'price'; there are direction, id"),
    ]
    answer = await post(house, lines(an_event("0", 1), *(event for event, _, _ in wrong)))

    errors = answer.json()["userErrors"]
    assert answer.status_code == 422
    assert [each["line"] for each in errors] == list(range(2, 12))
    for error, (_, field, message) in zip(errors, wrong, strict=True):
        assert error["field"][-1] == field
        assert message in error["message"]
    log = await events.after(house.database.reader, house.organization_id, 0, limit=100)
    assert "UsageRecorded" not in {event.kind for event in log}


REFUSED: list[tuple[Any, dict[str, str], int, str]] = [
    ([], {}, 422, "0 events: give 1 to 1000"),
    ([{}] * 1_001, {}, 422, "1001 events: give 1 to 1000"),
    ([{}], {}, 422, "the member is named in 0 ways"),
    ([7], {}, 422, "an event is an object, not 7"),
    ({"event": []}, {}, 400, 'an object with them as "events"'),
    ({"events": [], "key": "k"}, {}, 400, "There is no field 'key'; there are events, organizationId, overage."),
    ({"events": [], "overage": "MAYBE"}, {}, 400, "overage is 'MAYBE'; it is one of REFUSE, RECORD"),
    ("{}\n{\n", {}, 400, "Line 2 cannot be read: not JSON"),
    (b'{"id": "\xff"}', {}, 400, "Line 1 cannot be read: byte 8 is not UTF-8"),
    ("x" * 1_100_000, {}, 413, "The body is larger than 1048576 bytes"),
    ([{}], {"content_type": "text/plain"}, 415, "Send the events as application/json or"),
    ([{}], {"content_encoding": "gzip"}, 415, "without Content-Encoding"),
    ([{}], {"authorization": "Bearer x"}, 401, "UNAUTHENTICATED"),
]


async def test_what_is_wrong_is_said_with_the_bound(house: Served) -> None:
    for content, headers, status, message in REFUSED:
        answer = await post(house, content, **headers)

        assert answer.status_code == status, answer.text
        assert message in json.dumps(answer.json(), ensure_ascii=False).replace('\\"', '"')


async def test_only_who_may_record_usage_can(house: Served) -> None:
    await house.add("bo")
    scopes = {"READER": ["ORGANIZATION_READ"], "GATEWAY": ["USAGE_WRITE"]}
    tokens = {}
    for name, given in scopes.items():
        made = await house.do("createApiClient", _CLIENT, name=name, scopes=given)
        form = {"grant_type": "client_credentials"}
        answer = await house.client.post("/token", data=form, auth=(made["apiClient"]["id"], made["clientSecret"]))
        tokens[name] = f"Bearer {answer.json()['access_token']}"

    nobody = await post(house, [an_event("1", 1)], who="")
    member = await post(house, [an_event("1", 1)], who="bo")
    reader = await post(house, [an_event("1", 1)], authorization=tokens["READER"])
    gateway = await post(house, [an_event("1", 1)], authorization=tokens["GATEWAY"])
    without = await post(house, [an_event("1", 1)], idempotency_key="")
    elsewhere = await post(house, [an_event("1", 1)], query="?organizationId=org_01k6fzz0c0zzzzzzzzzzzzzzzz")

    assert [each.status_code for each in (nobody, member, reader, elsewhere)] == [401, 403, 403, 404]
    assert gateway.json()["results"][0]["status"] == "RECORDED"
    assert without.status_code == 422
    assert "idempotencyKey has 0 characters" in without.json()["userErrors"][0]["message"]


async def test_many_gateways_at_once_lose_and_double_nothing(house: Served) -> None:
    await house.add("bo")
    shared = an_event("shared", 1)

    answers = await asyncio.gather(
        *(post(house, lines(shared, an_event(f"own-{each}", 1)), idempotency_key=f"g{each}") for each in range(32))
    )

    statuses = [[result["status"] for result in answer.json()["results"]] for answer in answers]
    assert sum(first == "RECORDED" for first, _ in statuses) == 1
    assert all(own == "RECORDED" for _, own in statuses)
    assert await verification.of_organization(house.database.reader, house.organization_id) == []
