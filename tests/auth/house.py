"""A small billgraph with its own development provider, served for real, and a browser to visit it with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api import development, sign_in
from auth.development import Persona
from auth.failures import Failures
from auth.issuers import Issuers
from auth.keys import FixedKeys, tls
from auth.minting import Mint
from auth.oidc import Oidc, Provider, SignedIn
from auth.outbound import PublicWeb
from auth.providers import Providers
from auth.sealing import Sealer
from auth.sessions import SessionCookie, Sessions
from auth.signing import SigningKey
from tests.auth.serving import Clock, served

OWNER = Persona("owner@pooled.example", "Olga Owner", "pooled")
MEMBER = Persona("member@pooled.example", "Max <Member>", "pooled")
Browser = httpx2.AsyncClient
COOKIE = SessionCookie(secure=False)
CLIENT_ID, AUDIENCE = "billgraph", "billgraph-api"


@dataclass(slots=True)
class House:
    """What a test may look at and move."""

    origin: str
    clock: Clock
    sessions: Sessions
    key: SigningKey
    signed_in: list[SignedIn]


@asynccontextmanager
async def a_house(sessions: Sessions, key: SigningKey, *, issuer: str | None = None) -> AsyncIterator[House]:
    """Serve the sign-in routes; with `issuer`, sign in with that provider instead of our own."""
    house = House("", Clock(), sessions, key, [])

    def build(origin: str) -> Starlette:
        house.origin = origin
        return Starlette(routes=_routes(house, issuer))

    async with served(build):
        yield house


def _routes(house: House, issuer: str | None) -> list[Route]:
    callback = f"{house.origin}/callback"
    provider = development.DevelopmentProvider(
        environment="development",
        bind_host="127.0.0.1",
        origin=house.origin,
        client_id=CLIENT_ID,
        redirect_uri=callback,
        audience=AUDIENCE,
        personas=(OWNER, MEMBER),
        key=house.key,
        now=house.clock,
    )
    keys = FixedKeys([house.key.public])
    oidc = Oidc(Provider(issuer or provider.issuer_url, CLIENT_ID, None, callback, keys))

    async def note(account: SignedIn, _: datetime) -> None:
        house.signed_in.append(account)

    async def whoami(request: Request) -> Response:
        token = request.cookies.get(COOKIE.name, "")
        identity = await house.sessions.recognize(token, at=house.clock())
        return JSONResponse({"subject": identity.subject if identity else None})

    database = house.sessions._database
    sealer = Sealer(["d" * 32])
    doors = sign_in.SignIn(
        providers=Providers(
            database,
            public_url=house.origin,
            everywhere=Issuers(),
            mint=Mint(database, sealer, issuer_url=house.origin, audience=AUDIENCE),
            sealer=sealer,
            web=PublicWeb(),
            operators=oidc,
        ),
        sessions=house.sessions,
        cookie=COOKIE,
        transaction_secret="s" * 32,
        allowed_origins=frozenset({house.origin}),
        now=house.clock,
        admit=note,
        failures=Failures(1_000),
    )
    return [*sign_in.routes(doors), *development.routes(provider), Route("/whoami", whoami)]


@asynccontextmanager
async def a_browser(house: House) -> AsyncIterator[Browser]:
    """Open a browser that keeps cookies and follows no redirect unless told to."""
    async with Browser(base_url=house.origin, verify=tls(), trust_env=False) as browser:
        yield browser


async def set_out(browser: Browser, path: str = "/login") -> str:
    """Ask to sign in, and return the address of the provider that the browser is sent to."""
    response = await browser.get(path)
    assert response.status_code == 302, response.text
    return str(response.headers["location"])


async def choose(browser: Browser, authorize_url: str, persona: Persona = OWNER) -> str:
    """Choose a persona, and return the address of the callback that the browser is sent back to."""
    response = await browser.get(authorize_url, params=query_of(authorize_url) | {"login_hint": persona.email})
    assert response.status_code == 302, response.text
    return str(response.headers["location"])


async def sign_in_as(browser: Browser, persona: Persona = OWNER, *, path: str = "/login") -> httpx2.Response:
    """Sign in from beginning to end, and return the answer of the callback."""
    return await browser.get(await choose(browser, await set_out(browser, path), persona))


async def who_am_i(browser: Browser) -> str | None:
    subject: str | None = (await browser.get("/whoami")).json()["subject"]
    return subject


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def with_query(url: str, **changes: str | None) -> str:
    """Return `url` with some parameters changed, or taken away where None."""
    query = {name: value for name, value in (query_of(url) | changes).items() if value is not None}
    return str(httpx2.URL(url.partition("?")[0], params=query))
