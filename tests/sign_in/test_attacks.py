"""Thirty attacks on signing in, against a running server: after each of them nobody is signed in who should not be."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from api.house import now
from models.database import Database
from tests.auth.forging import STRANGERS_KEY, header
from tests.auth.forging import token as signed
from tests.auth.house import query_of
from tests.auth.serving import served
from tests.auth.test_oidc import Liar
from tests.sign_in.houses import BO, CLIENT_ID, Browser, House, a_domain, a_house, a_provider, sql
from tests.signing_keys import a_key

LIVE = "SELECT subject FROM sessions WHERE revoked_at IS NULL"


class Stage:
    """A house, acme's provider and globex's, both of which can be told to lie, and an attacker at a browser."""

    def __init__(self, house: House, acmes: Liar, globexs: Liar, callback: str, other_callback: str) -> None:
        self.house, self.acmes, self.globexs = house, acmes, globexs
        self.callback, self.other_callback = urlsplit(callback).path, urlsplit(other_callback).path

    async def begin(self, browser: Browser, email: str = "ann@acme.example") -> dict[str, str]:
        """Set out to sign in; return what the provider is asked."""
        answer = await browser.client.get("/login", params={"email": email})
        assert answer.status_code == 302, answer.text
        asked = query_of(answer.headers["location"])
        liar = self.acmes if email.endswith("acme.example") else self.globexs
        at = int(now().timestamp())
        liar.nonce = asked["nonce"]
        liar.claims = {"aud": CLIENT_ID, "iat": at, "exp": at + 600, "email": email}
        liar.token = {}
        return asked

    async def answer(self, browser: Browser, **parameters: str) -> httpx2.Response:
        """Come back from the provider."""
        return await browser.client.get(self.callback, params=parameters)


Attack = Callable[[Stage, Browser], Awaitable[httpx2.Response]]
ATTACKS: dict[str, Attack] = {}


def attack(name: str) -> Callable[[Attack], Attack]:
    """Add an attack to the list."""

    def add(function: Attack) -> Attack:
        ATTACKS[name] = function
        return function

    return add


def answering(name: str, **changes: str | None) -> None:
    """Add an attack that answers a sign-in that was begun with other parameters."""

    @attack(name)
    async def _(stage: Stage, browser: Browser) -> httpx2.Response:
        asked = await stage.begin(browser)
        given = {"code": "c", "state": asked["state"], **changes}
        return await stage.answer(browser, **{key: value for key, value in given.items() if value is not None})


def lying(name: str, **changes: Any) -> None:
    """Add an attack in which the provider's token says something else."""

    @attack(name)
    async def _(stage: Stage, browser: Browser) -> httpx2.Response:
        asked = await stage.begin(browser)
        stage.acmes.claims |= changes
        return await stage.answer(browser, code="c", state=asked["state"])


answering("no state", state=None)
answering("an empty state", state="")
answering("another state", state="made-up")
answering("no code", code=None)
answering("the word of another issuer (RFC 9207)", iss="https://evil.example")
answering("an error in the place of a code", error="access_denied", code=None)
lying("another nonce", nonce="another")
lying("no nonce", nonce=...)
lying("a token for another client", aud="another-client")
lying("a token for two clients, made for the other", aud=[CLIENT_ID, "another"], azp="another")
lying("a token of another issuer", iss="https://evil.example")
lying("a token that has expired", exp=1_000_000_000)
lying("a token of tomorrow", iat=4_000_000_000)
lying("a token of nobody", sub="")
lying("a token whose subject is a number", sub=7)
lying("an address that is not confirmed", email_verified=False)
lying("an address of a domain that is not acme's", email="ann@globex.example")
lying("an address with a domain inside", email="ann@evil.example@acme.example.evil.example")


@attack("a callback that nobody set out for")
async def _unasked(stage: Stage, browser: Browser) -> httpx2.Response:
    return await stage.answer(browser, code="c", state="s")


@attack("an answer given to another browser (session swap)")
async def _swapped(stage: Stage, browser: Browser) -> httpx2.Response:
    async with Browser(stage.house) as victim:
        asked = await stage.begin(victim)
    return await stage.answer(browser, code="c", state=asked["state"])


@attack("a state of one's own with another's code (login CSRF)")
async def _planted(stage: Stage, browser: Browser) -> httpx2.Response:
    async with Browser(stage.house) as attacker:
        theirs = await stage.begin(attacker)
    await stage.begin(browser)
    return await stage.answer(browser, code="the attacker's", state=theirs["state"])


@attack("an answer of yesterday's sign-in, after a newer one was begun")
async def _older(stage: Stage, browser: Browser) -> httpx2.Response:
    older = await stage.begin(browser)
    await stage.begin(browser)
    return await stage.answer(browser, code="c", state=older["state"])


@attack("acme's sign-in answered at globex's address (mix-up)")
async def _mixed_up(stage: Stage, browser: Browser) -> httpx2.Response:
    asked = await stage.begin(browser)
    return await browser.client.get(stage.other_callback, params={"code": "c", "state": asked["state"]})


@attack("acme's sign-in answered at the operator's address (mix-up)")
async def _operators(stage: Stage, browser: Browser) -> httpx2.Response:
    asked = await stage.begin(browser)
    return await browser.client.get("/callback", params={"code": "c", "state": asked["state"]})


@attack("globex's provider speaking for acme's")
async def _impersonated(stage: Stage, browser: Browser) -> httpx2.Response:
    asked = await stage.begin(browser, "ann@globex.example")
    stage.globexs.claims |= {"iss": stage.acmes.origin, "email": "ann@acme.example"}
    return await browser.client.get(stage.other_callback, params={"code": "c", "state": asked["state"]})


@attack("globex's provider naming an address of acme's")
async def _borrowed(stage: Stage, browser: Browser) -> httpx2.Response:
    asked = await stage.begin(browser, "ann@globex.example")
    stage.globexs.claims |= {"email": "ann@acme.example"}
    return await browser.client.get(stage.other_callback, params={"code": "c", "state": asked["state"]})


@attack("a repeated parameter")
async def _repeated(stage: Stage, browser: Browser) -> httpx2.Response:
    asked = await stage.begin(browser)
    return await browser.client.get(f"{stage.callback}?code=a&code=b&state={asked['state']}")


@attack("a token signed by a stranger under the provider's key name")
async def _forged(stage: Stage, browser: Browser) -> httpx2.Response:
    asked = await stage.begin(browser)
    kid = stage.acmes.signing_key.kid
    said = {"iss": stage.acmes.origin, "sub": "ann", "nonce": asked["nonce"], "email_verified": True}
    stage.acmes.token = {"id_token": signed(said | stage.acmes.claims, header(kid=kid), key=STRANGERS_KEY)}
    return await stage.answer(browser, code="c", state=asked["state"])


@attack("no id token at all")
async def _absent(stage: Stage, browser: Browser) -> httpx2.Response:
    asked = await stage.begin(browser)
    stage.acmes.token = {"id_token": ...}
    return await stage.answer(browser, code="c", state=asked["state"])


@attack("a changed cookie")
async def _tampered(stage: Stage, browser: Browser) -> httpx2.Response:
    asked = await stage.begin(browser)
    cookie = browser.client.cookies["billgraph-sign-in"]
    browser.client.cookies.clear()
    browser.client.cookies.set("billgraph-sign-in", f"x{cookie}")
    return await stage.answer(browser, code="c", state=asked["state"])


@pytest.fixture
async def stage(database: Database, tmp_path: Path) -> AsyncIterator[Stage]:
    acmes, globexs = Liar(a_key(1)), Liar(a_key(2))
    async with served(acmes.build), served(globexs.build), _both(database, tmp_path, acmes, globexs) as both:
        yield both


@asynccontextmanager
async def _both(database: Database, folder: Path, acmes: Liar, globexs: Liar) -> AsyncIterator[Stage]:
    hosts = frozenset({urlsplit(each.origin).netloc for each in (acmes, globexs)})
    async with a_house(database, folder, hosts=hosts, failures_max=1_000) as house:
        ours = await a_provider(house, acmes.origin, rules=[])
        theirs = await a_provider(house, globexs.origin, rules=[], slug="globex", persona=BO)
        await a_domain(house, ours, "acme.example")
        await a_domain(house, theirs, "globex.example", slug="globex", persona=BO)
        yield Stage(house, acmes, globexs, ours["redirectUri"], theirs["redirectUri"])


async def test_thirty_attacks_sign_nobody_in(stage: Stage) -> None:
    outcomes = {}
    for name, function in ATTACKS.items():
        async with Browser(stage.house) as browser:
            answer = await function(stage, browser)
            outcomes[name] = answer.status_code, "billgraph=" in answer.headers.get("set-cookie", "")

    assert len(ATTACKS) == 30
    assert outcomes == dict.fromkeys(ATTACKS, (400, False))
    assert await sql(stage.house, LIVE) == []


async def test_the_truth_signs_in_once_and_is_no_use_again(stage: Stage) -> None:
    async with Browser(stage.house) as ann:
        asked = await stage.begin(ann)
        first = await stage.answer(ann, code="c", state=asked["state"])
        again = await stage.answer(ann, code="c", state=asked["state"])

        assert (first.status_code, again.status_code) == (303, 400)
        assert await sql(stage.house, LIVE) == [{"subject": "ann"}]


@pytest.mark.parametrize(
    "asked", ["https://evil.example", "//evil.example", "/\\evil.example", "/%09/evil.example", "javascript:alert(1)"]
)
async def test_a_sign_in_ends_on_this_site(alone: House, asked: str) -> None:
    async with Browser(alone) as ann:
        page = await ann.client.get("/login", params={"login_hint": "ann@operator.example", "next": asked})
        back = await ann.client.get((await ann.client.get(page.headers["location"])).headers["location"])

    landed = back.headers["location"]
    assert landed.startswith("/")
    assert httpx2.URL(alone.origin).join(landed).host == "127.0.0.1"
