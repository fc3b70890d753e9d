"""Whatever the bytes are, the answer is a coded 4xx, soon."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.api.house import House, serving

JSON = {"content-type": "application/json"}
NESTED = b'{"query":"{hello}","variables":' + b'{"a":' * 100 + b"1" + b"}" * 100 + b"}"
BOTTOMLESS = b"[" * 200_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"1",
        b"null",
        b'"x"',
        b"true",
        b"[]",
        b'[{"query":"{hello}"}]',
        b"{",
        b"{}",
        b'{"query":null}',
        b'{"query":1}',
        b'{"query":" "}',
        b'{"query":["{hello}"]}',
        b'{"query":"{hello}","variables":[]}',
        b'{"query":"{hello}","variables":"{}"}',
        b'{"query":"{hello}","extensions":1}',
        b'{"query":"{hello}","operationName":{}}',
        b'{"query":"{hello}","operationName":"' + b"a" * 300 + b'"}',
        b'{"query":"{hello}","variables":{"a":' + b"9" * 5_000 + b"}}",
        b'{"query":"{hello}","variables":{"a":1e999}}',
        b'{"query":"{hello}","variables":{"a":NaN}}',
        b'{"query":"{hello}","variables":{"a":-Infinity}}',
        b'{"query":"{hello}","variables":{"a":"\\u0000"}}',
        b'{"query":"{hello}","variables":{"a":"\\ud800"}}',
        b'{"query":"{hello} \xff"}',
        b'\xef\xbb\xbf{"query":"{hello}"}',
        '{"query":"{hello}"}'.encode("utf-16"),
        b'{"query":"{hello}","variables":{"a":[' + b"1," * 60_000 + b"1]}}",
        NESTED,
        BOTTOMLESS,
    ],
    ids=lambda body: repr(body[:40]),
)
async def test_refuses_what_is_no_request(client: httpx2.AsyncClient, body: bytes) -> None:
    response = await client.post("/graphql", content=body, headers=JSON)

    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert "data" not in response.json()


async def test_refuses_sixty_megabytes(client: httpx2.AsyncClient) -> None:
    response = await client.post("/graphql", content=b" " * 60_000_000, headers=JSON)

    assert response.status_code == 413
    assert response.json()["errors"][0]["extensions"] == {
        "code": "BODY_TOO_LARGE",
        "requestId": response.headers["x-request-id"],
        "bytesMax": 1 << 20,
    }


async def test_counts_a_body_that_does_not_say_how_long_it_is(client: httpx2.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 20_000

    response = await client.post("/graphql", content=endless(), headers=JSON)

    assert response.status_code == 413


async def test_refuses_a_compressed_body(client: httpx2.AsyncClient) -> None:
    response = await client.post("/graphql", content=b"x", headers={**JSON, "content-encoding": "gzip"})

    assert response.status_code == 415


async def test_ends_a_body_that_only_trickles_in() -> None:
    async with serving(body_seconds_max=0.2) as house:
        answer = await trickle(house)

    assert answer.startswith(b"HTTP/1.1 408 ")


async def trickle(house: House) -> bytes:
    """Promise a hundred bytes, send one, and return what the server says to that."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer
