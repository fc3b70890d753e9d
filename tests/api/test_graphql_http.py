"""GraphQL over HTTP: media types, status codes, and which operation runs."""

import asyncio

import httpx2
import pytest

from tests.api.house import House, serving

GRAPHQL = "application/graphql-response+json"
URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


async def ask(client: httpx2.AsyncClient, query: object, accept: str = GRAPHQL, **rest: object) -> httpx2.Response:
    return await client.post("/graphql", json={"query": query, **rest}, headers={"accept": accept})


def code(response: httpx2.Response) -> object:
    return response.json()["errors"][0]["extensions"]["code"]


async def test_answers_a_query_with_its_variables(client: httpx2.AsyncClient) -> None:
    query = "query Hi($name: String!) { hello(name: $name) }"

    response = await ask(client, query, operationName="Hi", variables={"name": "Ada"}, extensions={"trace": 1})

    assert response.json()["data"] == {"hello": "hello Ada"}
    assert response.headers["content-type"] == f"{GRAPHQL}; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("expected", "accept"),
    [
        (GRAPHQL, GRAPHQL),
        (GRAPHQL, URQL),
        ("application/json", "application/json"),
        ("application/json", "*/*"),
        ("application/json", "application/*"),
        ("application/json", f"{GRAPHQL};q=0.5, application/json"),
        (GRAPHQL, f"application/json;q=0.5, {GRAPHQL}"),
        (GRAPHQL, "*/*;q=0.1, APPLICATION/GRAPHQL-RESPONSE+JSON ; charset=UTF-8"),
    ],
)
async def test_answers_in_the_media_type_the_client_prefers(
    client: httpx2.AsyncClient, expected: str, accept: str
) -> None:
    response = await ask(client, "{ hello }", accept)

    assert response.status_code == 200
    assert response.headers["content-type"] == f"{expected}; charset=utf-8"
    assert response.json()["data"] == {"hello": "hello world"}


@pytest.mark.parametrize("accept", ["image/png", "text/event-stream", "application/json;q=0", "application/jsonish"])
async def test_says_when_it_has_nothing_acceptable(client: httpx2.AsyncClient, accept: str) -> None:
    response = await ask(client, "{ hello }", accept)

    assert response.status_code == 406
    assert code(response) == "NOT_ACCEPTABLE"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/jsonp",
        "text/application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "",
    ],
)
async def test_reads_nothing_but_json_in_utf8(client: httpx2.AsyncClient, content_type: str) -> None:
    response = await client.post("/graphql", content=b'{"query":"{hello}"}', headers={"content-type": content_type})

    assert response.status_code == 415
    assert code(response) == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.parametrize(
    ("expected", "query", "rest"),
    [
        ("GRAPHQL_PARSE_FAILED", "{ hello", {}),
        ("GRAPHQL_VALIDATION_FAILED", "{ helo }", {}),
        ("GRAPHQL_VALIDATION_FAILED", "{ hello(name: 1) }", {}),
        ("OPERATION_RESOLUTION_FAILURE", "query A { hello } query B { hello }", {}),
        ("OPERATION_RESOLUTION_FAILURE", "query A { hello } query B { hello }", {"operationName": ""}),
        ("OPERATION_RESOLUTION_FAILURE", "query A { hello }", {"operationName": "B"}),
        ("BAD_USER_INPUT", "query A($name: String!) { hello(name: $name) }", {}),
        ("BAD_USER_INPUT", "query A($g: Greeting!) { greet(greeting: $g) }", {"variables": {"g": {"nam": 1}}}),
        ("QUERY_TOO_COMPLEX", "{ member { " + "friend { " * 12 + "name" + " }" * 14, {}),
    ],
)
async def test_codes_each_fault_of_a_request(
    client: httpx2.AsyncClient, expected: str, query: str, rest: dict[str, object]
) -> None:
    honest = await ask(client, query, GRAPHQL, **rest)
    older = await ask(client, query, "application/json", **rest)

    assert (honest.status_code, code(honest)) == (400, expected)
    assert (older.status_code, code(older)) == (200, expected)
    assert "data" not in honest.json()
    assert "data" not in older.json()


async def test_runs_the_named_one_of_two_operations(client: httpx2.AsyncClient) -> None:
    response = await ask(client, 'query A { hello } query B { hello(name: "B") }', operationName="B")

    assert response.json()["data"] == {"hello": "hello B"}


async def test_gives_null_data_only_when_execution_began(client: httpx2.AsyncClient) -> None:
    response = await ask(client, "{ requiredAndBroken }")

    assert response.status_code == 200
    assert response.json()["data"] is None
    assert code(response) == "INTERNAL"


async def test_masks_an_exception_and_names_the_request(client: httpx2.AsyncClient) -> None:
    response = await client.post(
        "/graphql", json={"query": "{ broken hello }"}, headers={"x-request-id": "trace-12345"}
    )

    (error,) = response.json()["errors"]
    assert "hunter2" not in response.text
    assert error["message"] == "Something went wrong; quote request trace-12345 when reporting it."
    assert error["extensions"] == {"code": "INTERNAL", "requestId": "trace-12345"}
    assert error["path"] == ["broken"]
    assert response.json()["data"] == {"broken": None, "hello": "hello world"}


async def test_masks_a_value_of_ours_that_does_not_fit_its_field(client: httpx2.AsyncClient) -> None:
    assert code(await ask(client, "{ misfit }")) == "INTERNAL"


async def test_shows_our_own_faults_with_their_facts(client: httpx2.AsyncClient) -> None:
    response = await ask(client, "{ refused }")

    (error,) = response.json()["errors"]
    assert error["message"] == "first is 500; 100 are allowed"
    assert error["extensions"]["code"] == "PAGE_SIZE_INVALID"
    assert error["extensions"]["pageMax"] == 100


async def test_bounds_the_errors_of_one_answer(client: httpx2.AsyncClient) -> None:
    invalid = await ask(client, "{ " + " ".join(f"wrong{number}" for number in range(19)) + " }")
    unknown = {"g": {f"wrong{number}": 1 for number in range(100)}}
    uncoerced = await ask(client, "query A($g: Greeting!) { greet(greeting: $g) }", variables=unknown)
    failing = await ask(client, "{ member { " + " ".join(f"wrong{number}" for number in range(100)) + " } }")

    assert [len(response.json()["errors"]) for response in (invalid, failing)] == [19, 20]
    assert len(uncoerced.json()["errors"]) == 20


async def test_keeps_a_message_short_that_quotes_its_sender(client: httpx2.AsyncClient) -> None:
    query = "query A($g: Greeting!) { greet(greeting: $g) }"

    response = await ask(client, query, variables={"g": "x" * 100_000})

    assert len(response.content) < 2_000


async def test_tells_browsers_from_programs(client: httpx2.AsyncClient) -> None:
    page = await client.get("/graphql", headers={"accept": BROWSER})
    program = await client.get("/graphql", headers={"accept": "*/*"})

    assert page.headers["content-type"].startswith("text/html")
    assert "<script src=" in page.text
    assert (program.status_code, code(program)) == (400, "BAD_REQUEST")


async def test_answers_queries_by_get_but_never_mutations(client: httpx2.AsyncClient) -> None:
    parameters = {"query": "query A($n: String) { hello(name: $n) }", "variables": '{"n": "Ada"}'}

    query = await client.get("/graphql", params=parameters)
    mutation = await client.get("/graphql", params={"query": "mutation { pay }"})
    unread = await client.get("/graphql", params={"query": "{ hello }", "variables": "[1"})

    assert query.json()["data"] == {"hello": "hello Ada"}
    assert (mutation.status_code, mutation.headers["allow"]) == (405, "POST")
    assert (unread.status_code, code(unread)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_allows_no_other_method(client: httpx2.AsyncClient, method: str) -> None:
    response = await client.request(method, "/graphql")

    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"


async def test_sends_subscriptions_elsewhere(client: httpx2.AsyncClient) -> None:
    response = await ask(client, "subscription { count }")

    assert response.status_code == 400
    assert "/graphql/stream" in response.json()["errors"][0]["message"]


async def test_knows_who_is_asking(client: httpx2.AsyncClient) -> None:
    query = {"query": "{ whoami }"}

    known = await client.post("/graphql", json=query, headers={"authorization": "Bearer ada-token"})
    nobody = await client.post("/graphql", json=query)
    forger = await client.post("/graphql", json=query, headers={"authorization": "Bearer forged"})

    assert known.json()["data"] == {"whoami": "Ada"}
    assert (nobody.status_code, code(nobody)) == (200, "UNAUTHENTICATED")
    assert (forger.status_code, code(forger)) == (401, "UNAUTHENTICATED")
    assert forger.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("expected", "headers"),
    [
        (403, {"origin": "https://evil.example"}),
        (403, {"origin": "null"}),
        (403, {"origin": "http://["}),
        (403, {"origin": "http://evil.example:8000", "host": "evil.example:8000"}),  # a name of theirs, pointed at us
        (200, {"origin": "http://localhost:8000"}),  # the public address
        (403, {"sec-fetch-site": "cross-site"}),
        (200, {"sec-fetch-site": "same-origin"}),
        (200, {"sec-fetch-site": "none"}),
    ],
)
async def test_serves_no_page_of_another_site(
    client: httpx2.AsyncClient, expected: int, headers: dict[str, str]
) -> None:
    response = await client.post("/graphql", json={"query": "{ hello }"}, headers=headers)

    assert response.status_code == expected


async def test_serves_its_own_pages(house: House, client: httpx2.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": "{ hello }"}, headers={"origin": house.url})

    assert response.status_code == 200


async def test_gives_up_a_slow_query() -> None:
    async with serving(query_seconds_max=0.1) as house, httpx2.AsyncClient(base_url=house.url) as client:
        response = await ask(client, "{ slow(seconds: 30) }")

    assert (response.status_code, code(response)) == (504, "TIMEOUT")


async def test_says_when_it_has_too_much_to_do() -> None:
    async with serving(operations_max=1) as house, httpx2.AsyncClient(base_url=house.url) as client:
        first = asyncio.create_task(ask(client, "{ slow(seconds: 0.3) }"))
        await asyncio.sleep(0.1)
        second = await ask(client, "{ hello }", "application/json")
        answered = await first

    assert answered.json()["data"] == {"slow": "done"}
    assert (second.status_code, code(second)) == (503, "OVERLOADED")
    assert second.headers["retry-after"] == "2"
