"""Who pays for what, how a client learns of it, and how long it waits when nothing is left."""

import json

import httpx2
import pytest

from api.budgets import REFUSED_POINTS, Budgets, Payer, Policy, policies
from api.settings import Limits, Settings
from schema.errors import ErrorCode, GraphError
from tests.api.house import serving
from tests.api.test_graphql_ws import hear, introduced, subscribe

ANN, ACME = Payer("principal", "ann"), Payer("organization", "acme")
POLICIES = (Policy("principal", 100, 10), Policy("organization", 300, 10))


class Clock:
    """An instant that a test moves."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


def test_fills_up_evenly_and_never_over() -> None:
    clock = Clock()
    tab = Budgets(POLICIES, clock=clock).tab([ANN])

    tab.take(100)
    levels = [tab.remaining]
    for at in (0.05, 5, 60):
        clock.at = at
        levels.append(tab.remaining)

    assert levels == [0, 0, 50, 100]


def test_takes_from_everybody_or_from_nobody() -> None:
    budgets = Budgets(POLICIES, clock=Clock())
    both = budgets.tab([ANN, ACME])
    budgets.tab([ANN]).take(60)

    with pytest.raises(GraphError, match="wait 1 s") as refused:
        both.take(50)

    assert refused.value.code is ErrorCode.RATE_LIMITED
    assert refused.value.facts == {"budget": "principal", "requested": 50, "remaining": 40, "retry_after_seconds": 1}
    assert budgets.level(ACME) == 300


def test_gives_back_what_was_not_needed_and_no_more() -> None:
    tab = Budgets(POLICIES, clock=Clock()).tab([ANN, ACME])

    tab.take(90)
    tab.give_back(80)
    after = tab.remaining
    tab.give_back(1_000)

    assert (after, tab.remaining) == (90, 100)


def test_lets_through_what_is_larger_than_a_full_bucket() -> None:
    tab = Budgets(POLICIES, clock=Clock()).tab([ANN])

    tab.take(5_000)

    assert tab.remaining == 0


def test_fines_no_deeper_than_empty() -> None:
    tab = Budgets(POLICIES, clock=Clock()).tab([ANN])

    for _ in range(3):
        tab.fine()

    assert REFUSED_POINTS == 50
    assert tab.remaining == 0


def test_grants_each_process_its_part() -> None:
    settings = Settings(processes=4, limits=Limits(principal_points_max=1_000, points_seconds=10))

    assert policies(settings)[0] == Policy("principal", 250, 10)


def test_forgets_who_was_not_seen_for_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.budgets.BUCKETS_MAX", 2)
    budgets = Budgets(POLICIES, clock=Clock())

    for name in ("a", "b", "c"):
        budgets.tab([Payer("principal", name)]).take(10)

    assert [budgets.level(Payer("principal", name)) for name in ("a", "b", "c")] == [100, 90, 90]


async def ask(client: httpx2.AsyncClient, query: str, **headers: str) -> httpx2.Response:
    return await client.post("/graphql", json={"query": query}, headers=headers)


async def test_tells_what_was_asked_used_and_is_left() -> None:
    async with (
        serving(address_points_max=1_000, points_seconds=100_000) as house,  # nothing comes back while it is answered
        httpx2.AsyncClient(base_url=house.url) as client,
    ):
        response = await ask(client, "query($n: Int = 3) { members(count: $n) { name } }")

    cost = response.json()["extensions"]["cost"]
    assert cost == {"requested": 3, "actual": 3, "remaining": 997}
    assert response.headers["ratelimit-policy"] == '"address";q=1000;w=100000;qu="points"'
    assert response.headers["ratelimit"].startswith('"address";r=997')


async def test_refuses_with_the_time_to_wait() -> None:
    async with (
        serving(address_points_max=10, points_seconds=1_000) as house,
        httpx2.AsyncClient(base_url=house.url) as client,
    ):
        answers = [await ask(client, "{ a: hello b: hello }") for _ in range(4)]

    refused = answers[3]
    error = refused.json()["errors"][0]["extensions"]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert (error["code"], error["budget"]) == ("RATE_LIMITED", "address")
    assert refused.headers["retry-after"] == str(error["retryAfterSeconds"])
    assert "data" not in refused.json()


@pytest.mark.parametrize("query", ["{ nothing }", "{", "{ a { b } }"])
async def test_charges_for_documents_that_come_to_nothing(query: str) -> None:
    async with (
        serving(address_points_max=2 * REFUSED_POINTS, points_seconds=10_000) as house,
        httpx2.AsyncClient(base_url=house.url) as client,
    ):
        answers = [await ask(client, query, accept="application/graphql-response+json") for _ in range(3)]

    assert [each.status_code for each in answers] == [400, 400, 429]


async def test_charges_for_bodies_that_are_none() -> None:
    async with (
        serving(address_points_max=REFUSED_POINTS, points_seconds=10_000) as house,
        httpx2.AsyncClient(base_url=house.url) as client,
    ):
        headers = {"content-type": "application/json"}
        answers = [await client.post("/graphql", content=b"[", headers=headers) for _ in range(2)]

    assert [each.status_code for each in answers] == [400, 429]


async def test_holds_on_a_socket_too() -> None:
    async with serving(address_points_max=6, points_seconds=10_000) as house, introduced(house) as socket:
        told = []
        for number in range(4):
            await subscribe(socket, str(number), "{ hello }")
            told.append(await hear(socket))
            if told[-1]["type"] == "next":
                await hear(socket)

    assert [each["type"] for each in told] == ["next", "next", "next", "error"]
    assert json.dumps(told[-1]).count("RATE_LIMITED") == 1
    assert told[0]["payload"]["extensions"]["cost"]["actual"] == 2
