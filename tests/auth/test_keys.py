"""An issuer's keys over HTTP: fetched rarely, bounded, and never a way in or a way to stop us."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from auth.issuers import Issuer, Issuers
from auth.keys import JwksOverHttp, is_loopback, require_safe_url
from auth.tokens import verify_bearer
from tests.auth import forging
from tests.auth.forging import NOON, RSA_KEY, claims, header, token
from tests.auth.serving import served

SECOND = timedelta(seconds=1)


class KeyServer:
    """An issuer's web site: what it serves can be changed, and every fetch is counted."""

    def __init__(self) -> None:
        self.fetches = 0
        self.keys: Any = {"keys": [forging.jwk_of(RSA_KEY, "first")]}
        self.answer: Response | None = None
        self.origin = ""
        self.named_issuer: str | None = None

    def build(self, origin: str) -> Starlette:
        self.origin = origin
        discovery = Route("/.well-known/openid-configuration", self._discovery)
        return Starlette(routes=[Route("/jwks", self._jwks), discovery])

    async def _jwks(self, _: Request) -> Response:
        self.fetches += 1
        await asyncio.sleep(0.02)
        return self.answer or JSONResponse(self.keys)

    async def _discovery(self, _: Request) -> Response:
        return JSONResponse({"issuer": self.named_issuer or self.origin, "jwks_uri": f"{self.origin}/jwks"})


@asynccontextmanager
async def a_key_server() -> AsyncIterator[tuple[KeyServer, JwksOverHttp]]:
    server = KeyServer()
    async with served(server.build) as origin:
        yield server, JwksOverHttp(origin, jwks_url=f"{origin}/jwks")


async def test_fetches_once_and_remembers() -> None:
    async with a_key_server() as (server, keys):
        for second in range(0, 3600, 60):
            assert len(await keys.find("first", at=NOON + second * SECOND)) == 1

    assert server.fetches == 1


async def test_finds_the_keys_by_discovery() -> None:
    async with a_key_server() as (server, _):
        assert await JwksOverHttp(server.origin).find("first", at=NOON)


async def test_does_not_believe_the_discovery_document_of_another_issuer() -> None:
    async with a_key_server() as (server, _):
        server.named_issuer = "https://evil.example"

        assert not await JwksOverHttp(server.origin).find("first", at=NOON)

    assert server.fetches == 0


async def test_verifies_a_token_end_to_end() -> None:
    async with a_key_server() as (server, keys):
        trusted = Issuers(Issuer(server.origin, forging.AUDIENCE, frozenset({"RS256"}), keys))
        genuine = token(claims(iss=server.origin), header(kid="first"))

        assert (await verify_bearer(genuine, trusted, at=NOON)).subject == "ann"


async def test_an_unknown_kid_fetches_at_most_once_in_30_seconds() -> None:
    async with a_key_server() as (server, keys):
        await keys.find("first", at=NOON)
        for attempt in range(290):
            assert await keys.find(f"made up {attempt}", at=NOON + attempt * 0.1 * SECOND) == ()
        assert server.fetches == 2, "the regular look, and one for all that was made up"

        await keys.find("made up", at=NOON + 30 * SECOND)
        assert server.fetches == 3


async def test_follows_a_rotation_at_once_and_the_next_after_at_most_30_seconds() -> None:
    async with a_key_server() as (server, keys):
        await keys.find("first", at=NOON)
        server.keys = {"keys": [forging.jwk_of(RSA_KEY, "second")]}
        assert await keys.find("second", at=NOON + SECOND)
        assert await keys.find("first", at=NOON + SECOND) == ()

        server.keys = {"keys": [forging.jwk_of(RSA_KEY, "third")]}

        assert await keys.find("third", at=NOON + 30 * SECOND) == ()
        assert await keys.find("third", at=NOON + 31 * SECOND)


async def test_forgets_a_withdrawn_key_after_an_hour() -> None:
    async with a_key_server() as (server, keys):
        await keys.find("first", at=NOON)
        server.keys = {"keys": []}

        assert await keys.find("first", at=NOON + 3599 * SECOND)
        assert await keys.find("first", at=NOON + 3600 * SECOND) == ()


async def test_a_hundred_tokens_at_once_make_one_fetch() -> None:
    async with a_key_server() as (server, keys):
        found = await asyncio.gather(*(keys.find("first", at=NOON) for _ in range(100)))

    assert server.fetches == 1
    assert all(found)


async def test_the_first_caller_hanging_up_leaves_no_other_without_keys() -> None:
    async with a_key_server() as (server, keys):
        first = asyncio.create_task(keys.find("first", at=NOON))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(keys.find("first", at=NOON))
        await asyncio.sleep(0)
        first.cancel()

        assert await second

    assert server.fetches == 1


@pytest.mark.parametrize(
    "answer",
    [
        Response("{", media_type="application/json"),
        Response("[" * 100_000),
        Response(b"\xff\xfe"),
        Response("9" * 5000),
        Response("{}" + " " * 300_000),
        JSONResponse([]),
        JSONResponse({"keys": {}}),
        JSONResponse({"keys": ["k"]}),
        JSONResponse({"keys": [{}] * 101}),
        JSONResponse({"keys": []}, 500),
        RedirectResponse("/.well-known/openid-configuration"),
    ],
    ids=["cut", "deep", "bytes", "digits", "long", "list", "object", "texts", "many", "500", "redirect"],
)
async def test_keeps_the_keys_it_has_when_the_issuer_is_out_of_order(answer: Response) -> None:
    async with a_key_server() as (server, keys):
        await keys.find("first", at=NOON)
        server.answer = answer

        assert await keys.find("unknown", at=NOON + 60 * SECOND) == ()
        assert await keys.find("first", at=NOON + 60 * SECOND)


async def test_finds_nothing_when_nobody_answers() -> None:
    assert await JwksOverHttp("http://127.0.0.1:9", jwks_url="http://127.0.0.1:9/jwks").find("x", at=NOON) == ()


@pytest.mark.parametrize(
    "url", ["http://idp.example/jwks", "ftp://127.0.0.1/", "file:///etc/passwd", "https://", "http://127.0.0.1.evil/"]
)
def test_refuses_keys_over_an_open_line(url: str) -> None:
    with pytest.raises(ValueError, match="must be https"):
        require_safe_url(url)


@pytest.mark.parametrize(
    ("expected", "host"),
    [
        (True, "127.0.0.1"),
        (True, "127.8.9.1"),
        (True, "::1"),
        (True, "localhost"),
        (False, ""),
        (False, "0.0.0.0"),
        (False, "::"),
        (False, "10.0.0.1"),
        (False, "localhost.evil.example"),
    ],
)
def test_knows_this_machine(expected: bool, host: str) -> None:
    assert is_loopback(host) is expected
