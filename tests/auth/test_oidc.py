"""A provider that lies: whatever it answers, nobody is signed in who should not be."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth.keys import FixedKeys
from auth.oidc import Provider
from auth.sessions import Sessions
from auth.signing import SigningKey
from tests.auth import forging
from tests.auth.forging import NOW, STRANGERS_KEY
from tests.auth.house import CLIENT_ID, House, a_browser, a_house, query_of, set_out
from tests.auth.serving import served

Answer = dict[str, Any]


class Liar:
    """An OpenID provider that can be told what to answer instead of the truth."""

    def __init__(self, signing_key: SigningKey) -> None:
        self.signing_key = signing_key
        self.origin = ""
        self.nonce = ""
        self.discovery: Answer = {}
        self.claims: Answer = {}
        self.id_token: Callable[[Answer], object] = lambda claims: signing_key.sign(claims, kind="JWT")
        self.token: Answer = {}

    def build(self, origin: str) -> Starlette:
        self.origin = origin
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/jwks", self._jwks),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _discovery(self, _: Request) -> Response:
        truth = {
            "issuer": self.origin,
            "authorization_endpoint": f"{self.origin}/authorize",
            "token_endpoint": f"{self.origin}/token",
            "jwks_uri": f"{self.origin}/jwks",
        }
        return JSONResponse(truth | self.discovery)

    async def _jwks(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.signing_key.public]})

    async def _token(self, _: Request) -> Response:
        truth = {
            "iss": self.origin,
            "sub": "ann",
            "aud": CLIENT_ID,
            "iat": NOW,
            "exp": NOW + 600,
            "nonce": self.nonce,
            "email": "ann@acme.example",
            "email_verified": True,
        }
        claims = {name: value for name, value in (truth | self.claims).items() if value is not ...}
        answer = {"access_token": "a", "token_type": "Bearer", "id_token": self.id_token(claims)} | self.token
        return JSONResponse({name: value for name, value in answer.items() if value is not ...})


@pytest.fixture
async def liar(signing_key: SigningKey) -> AsyncIterator[Liar]:
    told = Liar(signing_key)
    async with served(told.build):
        yield told


@asynccontextmanager
async def a_house_of(liar: Liar, sessions: Sessions) -> AsyncIterator[House]:
    async with a_house(sessions, liar.signing_key, issuer=liar.origin) as house:
        yield house


async def outcome(liar: Liar, sessions: Sessions) -> tuple[int, int]:
    """Return the status of the callback, and how many were signed in."""
    async with a_house_of(liar, sessions) as house, a_browser(house) as browser:
        asked = query_of(await set_out(browser))
        liar.nonce = asked["nonce"]
        answer = await browser.get("/callback", params={"code": "c", "state": asked["state"]})
        return answer.status_code, len(house.signed_in)


async def test_believes_the_truth(liar: Liar, sessions: Sessions) -> None:
    assert await outcome(liar, sessions) == (303, 1)


@pytest.mark.parametrize("verified", [False, "true", 1, ...], ids=str)
async def test_takes_an_address_for_verified_only_when_it_is(liar: Liar, sessions: Sessions, verified: object) -> None:
    liar.claims = {"email_verified": verified}
    async with a_house_of(liar, sessions) as house, a_browser(house) as browser:
        asked = query_of(await set_out(browser))
        liar.nonce = asked["nonce"]
        await browser.get("/callback", params={"code": "c", "state": asked["state"]})

        assert [account.email_verified for account in house.signed_in] == [None if verified is ... else False]


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": ...},
        {"nonce": ["n"]},
        {"iss": "https://evil.example"},
        {"iss": ...},
        {"aud": "someone-else"},
        {"aud": "someone-else", "azp": CLIENT_ID},
        {"aud": ["someone-else", CLIENT_ID]},
        {"aud": [CLIENT_ID, "someone-else"], "azp": "someone-else"},
        {"aud": ...},
        {"sub": ...},
        {"sub": ""},
        {"sub": 1},
        {"exp": NOW - 60},
        {"exp": ...},
        {"iat": NOW + 60},
        {"iat": ...},
        {"nbf": NOW + 60},
        {"email": 1},
        {"name": "\0"},
    ],
    ids=str,
)
async def test_refuses_an_id_token_with(liar: Liar, sessions: Sessions, claims: Answer) -> None:
    liar.claims = claims

    assert await outcome(liar, sessions) == (400, 0)


def by_a_stranger(liar: Liar, claims: Answer) -> object:
    return forging.token(claims, forging.header(kid=liar.signing_key.kid), key=STRANGERS_KEY)


def by_a_shared_secret(liar: Liar, claims: Answer) -> object:
    return forging.token(claims, forging.header(alg="HS256", kid=liar.signing_key.kid), key=b"billgraph")


def by_nobody(_: Liar, claims: Answer) -> object:
    signed = forging.token(claims, {"alg": "none"})
    return signed.rpartition(".")[0] + "."


def by_a_key_it_brings_along(liar: Liar, claims: Answer) -> object:
    own = forging.jwk_of(STRANGERS_KEY, liar.signing_key.kid)
    return forging.token(claims, forging.header(kid=liar.signing_key.kid, jwk=own), key=STRANGERS_KEY)


def as_a_list(_: Liar, claims: Answer) -> object:
    return [claims]


def as_nonsense(_: Liar, __: Answer) -> object:
    return "a.b.c"


@pytest.mark.parametrize(
    "forge",
    [by_a_stranger, by_a_shared_secret, by_nobody, by_a_key_it_brings_along, as_a_list, as_nonsense],
    ids=lambda forge: forge.__name__,
)
async def test_refuses_an_id_token_signed(
    liar: Liar, sessions: Sessions, forge: Callable[[Liar, Answer], object]
) -> None:
    liar.id_token = lambda claims: forge(liar, claims)

    assert await outcome(liar, sessions) == (400, 0)


@pytest.mark.parametrize(
    "token",
    [{"id_token": ...}, {"id_token": None}, {"error": "invalid_grant"}, {"access_token": ..., "id_token": ...}],
    ids=str,
)
async def test_refuses_an_answer_with(liar: Liar, sessions: Sessions, token: Answer) -> None:
    liar.token = token

    assert await outcome(liar, sessions) == (400, 0)


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://evil.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ],
    ids=str,
)
async def test_does_not_set_out_to_another_provider(liar: Liar, sessions: Sessions, discovery: Answer) -> None:
    liar.discovery = discovery
    async with a_house_of(liar, sessions) as house, a_browser(house) as browser:
        answer = await browser.get("/login")

    assert answer.status_code == 503


async def test_takes_no_settings_for_its_client_from_the_provider(liar: Liar, sessions: Sessions) -> None:
    liar.discovery = {"verify": False, "proxy": "http://127.0.0.1:9", "scope": "everything", "headers": {"x": "y"}}

    assert await outcome(liar, sessions) == (303, 1)


@pytest.mark.parametrize("changes", [{"issuer_url": "http://idp.example"}, {"redirect_uri": "http://us.example/cb"}])
def test_signs_in_over_no_open_line(changes: Answer, signing_key: SigningKey) -> None:
    addresses: Answer = {"issuer_url": "https://idp.example", "redirect_uri": "https://us.example/cb"} | changes

    with pytest.raises(ValueError, match="must be https"):
        Provider(client_id=CLIENT_ID, client_secret=None, keys=FixedKeys([signing_key.public]), **addresses)
