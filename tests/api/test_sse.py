"""GraphQL over server-sent events, on its own path."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from tests.api.house import TOKEN, House, serving

STREAM = {"accept": "text/event-stream", "authorization": f"Bearer {TOKEN}"}


def events(text: str) -> list[tuple[str, Any]]:
    """Return the name and the data of each event in a stream."""
    told = []
    for block in text.split("\n\n"):
        fields = dict(line.split(":", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            data = fields["data"].strip()
            told.append((fields["event"].strip(), json.loads(data) if data else None))
    return told


async def test_streams_every_event_and_then_completes(client: httpx2.AsyncClient) -> None:
    response = await client.post("/graphql/stream", json={"query": "subscription { count(to: 2) }"}, headers=STREAM)

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert events(response.text) == [
        ("next", {"data": {"count": "1"}}),
        ("next", {"data": {"count": "2"}}),
        ("complete", None),
    ]


@pytest.mark.parametrize(
    ("expected", "query"), [({"hello": "hello world"}, "{ hello }"), ({"pay": "paid"}, "mutation { pay }")]
)
async def test_answers_queries_and_mutations_too(client: httpx2.AsyncClient, expected: object, query: str) -> None:
    response = await client.post("/graphql/stream", json={"query": query}, headers=STREAM)

    [(kind, answered), end] = events(response.text)
    assert (kind, answered["data"], end) == ("next", expected, ("complete", None))
    assert answered["extensions"]["cost"]["requested"] > 0


async def test_answers_an_event_source_that_can_only_get(client: httpx2.AsyncClient) -> None:
    parameters = {"query": "subscription { count(to: 1) }"}

    response = await client.get("/graphql/stream", params=parameters, headers=STREAM)

    assert events(response.text)[0] == ("next", {"data": {"count": "1"}})


async def test_tells_a_faulty_document_as_an_event(client: httpx2.AsyncClient) -> None:
    response = await client.post("/graphql/stream", json={"query": "subscription { counts }"}, headers=STREAM)

    (name, result), end = events(response.text)
    assert (name, end) == ("next", ("complete", None))
    assert result["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.parametrize(
    ("expected", "headers", "body"),
    [
        (400, {}, b"null"),
        (401, {"authorization": "Bearer forged"}, b'{"query":"{hello}"}'),
        (403, {"origin": "https://evil.example"}, b'{"query":"{hello}"}'),
        (406, {"accept": "application/json"}, b'{"query":"{hello}"}'),
        (415, {"content-type": "text/plain"}, b'{"query":"{hello}"}'),
    ],
)
async def test_answers_what_never_becomes_a_stream_by_status(
    client: httpx2.AsyncClient, expected: int, headers: dict[str, str], body: bytes
) -> None:
    sent = {**STREAM, "content-type": "application/json", **headers}

    response = await client.post("/graphql/stream", content=body, headers=sent)

    assert response.status_code == expected
    assert response.json()["errors"][0]["extensions"]["code"]


async def test_stops_its_source_when_the_reader_leaves(house: House, client: httpx2.AsyncClient) -> None:
    closed = house.notes.closed_streams
    query = {"query": "subscription { count(to: 1000, pause: 0.01) }"}

    async with client.stream("POST", "/graphql/stream", json=query, headers=STREAM) as response:
        async for _ in response.aiter_bytes():
            break

    await asyncio.sleep(0.1)
    assert house.notes.closed_streams == closed + 1


async def test_ends_without_completing_when_the_token_expires() -> None:
    query = {"query": "subscription { count(to: 1000, pause: 0.02) }"}
    async with serving(token_seconds=0.3) as house, httpx2.AsyncClient(base_url=house.url) as client:
        response = await client.post("/graphql/stream", json=query, headers=STREAM)

    assert {name for name, _ in events(response.text)} == {"next"}


async def test_ends_without_completing_when_the_server_stops() -> None:
    query = {"query": "subscription { count(to: 1000, pause: 0.02) }"}
    async with serving() as house, httpx2.AsyncClient(base_url=house.url) as client:
        reading = asyncio.create_task(client.post("/graphql/stream", json=query, headers=STREAM))
        await asyncio.sleep(0.2)
        house.server.should_exit = True
        async with asyncio.timeout(1.5):
            response = await reading

    assert {name for name, _ in events(response.text)} == {"next"}
