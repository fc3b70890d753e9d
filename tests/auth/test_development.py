"""The development provider: strict with clients, generous with personas, and never in production."""

import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from api.development import DevelopmentOnly, DevelopmentProvider, refuse_in_production
from auth.development import mint_access_token
from auth.issuers import Issuer, Issuers
from auth.keys import FixedKeys
from auth.signing import SigningKey, UnsafeKeyFile
from auth.tokens import InvalidToken, verify_bearer
from tests.auth.forging import NOON
from tests.auth.house import AUDIENCE, CLIENT_ID, OWNER, Browser, House, choose, query_of, set_out, with_query
from tests.signing_keys import a_key

# RFC 7636, appendix B.
VERIFIER, CHALLENGE = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def asked(house: House, **changes: str) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": f"{house.origin}/callback",
        "scope": "openid email",
        "state": "s1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "login_hint": OWNER.email,
    } | changes


async def a_code(house: House, browser: Browser) -> str:
    answer = await browser.get("/dev/idp/authorize", params=asked(house))
    return query_of(answer.headers["location"])["code"]


def exchange(house: House, code: str, **changes: str) -> dict[str, Any]:
    return {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": CLIENT_ID,
        "redirect_uri": f"{house.origin}/callback",
        "code_verifier": VERIFIER,
    } | changes


async def test_gives_tokens_that_our_own_verifier_believes(house: House, browser: Browser) -> None:
    answer = await browser.post("/dev/idp/token", data=exchange(house, await a_code(house, browser)))
    document = (await browser.get("/dev/idp/.well-known/openid-configuration")).json()
    keys = (await browser.get("/dev/idp/jwks")).json()["keys"]
    issuer = Issuer(document["issuer"], AUDIENCE, frozenset({"RS256"}), FixedKeys(keys))

    claims = await verify_bearer(answer.json()["access_token"], Issuers(issuer), at=NOON)

    assert (claims.subject, claims.name) == ("dev|owner@pooled.example", "Olga Owner")
    assert answer.headers["cache-control"] == "no-store"
    assert "d" not in keys[0]


async def test_an_id_token_is_no_access_token(house: House, browser: Browser) -> None:
    answer = await browser.post("/dev/idp/token", data=exchange(house, await a_code(house, browser)))
    issuer = Issuer(f"{house.origin}/dev/idp", AUDIENCE, frozenset({"RS256"}), FixedKeys([house.key.public]))

    with pytest.raises(InvalidToken):
        await verify_bearer(answer.json()["id_token"], Issuers(issuer), at=NOON)


async def test_lists_the_personas_by_organization(browser: Browser) -> None:
    page = await browser.get(await set_out(browser))

    assert page.status_code == 200
    assert "<h2>pooled</h2>" in page.text
    assert "Olga Owner" in page.text
    assert "Max &lt;Member&gt;" in page.text


async def test_offers_the_personas_to_an_unknown_hint(house: House, browser: Browser) -> None:
    page = await browser.get("/dev/idp/authorize", params=asked(house, login_hint="nobody@x.example"))

    assert "Who are you today?" in page.text


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "{origin}/callback/"},
        {"redirect_uri": "{origin}/callback?x=1"},
        {"redirect_uri": "{origin}/callback@evil.example"},
        {"redirect_uri": ""},
        {"client_id": "someone-else"},
        {"client_id": ""},
    ],
    ids=str,
)
async def test_redirects_nowhere_but_to_its_client(house: House, browser: Browser, changes: dict[str, str]) -> None:
    changes = {name: value.format(origin=house.origin) for name, value in changes.items()}

    answer = await browser.get("/dev/idp/authorize", params=asked(house, **changes))

    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "changes",
    [
        {"response_type": "token"},
        {"scope": "email"},
        {"state": ""},
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
        {"code_challenge": "short"},
        {"code_challenge": "é" * 43},
    ],
    ids=str,
)
async def test_insists_on_code_pkce_and_state(house: House, browser: Browser, changes: dict[str, str]) -> None:
    answer = await browser.get("/dev/idp/authorize", params=asked(house, **changes))

    assert query_of(answer.headers["location"])["error"] == "invalid_request"
    assert "code" not in query_of(answer.headers["location"])


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        ("invalid_grant", {"code": "made-up"}),
        ("invalid_grant", {"code_verifier": "w" * 43}),
        ("invalid_grant", {"code_verifier": ""}),
        ("invalid_grant", {"code_verifier": CHALLENGE}),
        ("invalid_grant", {"code_verifier": "é" * 43}),
        ("invalid_grant", {"redirect_uri": "https://evil.example/callback"}),
        ("invalid_grant", {"redirect_uri": ""}),
        ("invalid_client", {"client_id": "someone-else"}),
        ("unsupported_grant_type", {"grant_type": "password"}),
        ("unsupported_grant_type", {"pad": "x" * 20_000}),
    ],
    ids=str,
)
async def test_exchanges_a_code_only_as_asked(
    house: House, browser: Browser, error: str, changes: dict[str, str]
) -> None:
    answer = await browser.post("/dev/idp/token", data=exchange(house, await a_code(house, browser)) | changes)

    assert answer.json() == {"error": error}


async def test_a_code_is_spent_by_the_first_try(house: House, browser: Browser) -> None:
    code = await a_code(house, browser)
    await browser.post("/dev/idp/token", data=exchange(house, code, code_verifier="w" * 43))

    answer = await browser.post("/dev/idp/token", data=exchange(house, code))

    assert answer.json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(("status", "seconds"), [(200, 59), (400, 60)])
async def test_a_code_lives_for_a_minute(house: House, browser: Browser, status: int, seconds: int) -> None:
    code = await a_code(house, browser)
    house.clock.advance(seconds=seconds)

    assert (await browser.post("/dev/idp/token", data=exchange(house, code))).status_code == status


@pytest.mark.parametrize("path", ["authorize", "jwks", ".well-known/openid-configuration", "end_session"])
async def test_answers_to_no_other_name(browser: Browser, path: str) -> None:
    """DNS rebinding: a foreign page makes its own name point to this machine."""
    assert (await browser.get(f"/dev/idp/{path}", headers={"host": "evil.example"})).status_code == 421


async def test_carries_every_parameter_through_the_choice(browser: Browser) -> None:
    begun = await set_out(browser)

    answer = query_of(await choose(browser, begun))

    assert answer["state"] == query_of(begun)["state"]
    assert with_query(begun, state="x") != begun


@pytest.mark.parametrize(
    ("message", "changes"),
    [
        ("environment 'production'", {"environment": "production"}),
        ("environment ''", {"environment": ""}),
        ("listen on '0.0.0.0'", {"bind_host": "0.0.0.0"}),
        ("listen on '::'", {"bind_host": "::"}),
        ("listen on ''", {"bind_host": ""}),
        ("known as 'https://billing.example'", {"origin": "https://billing.example"}),
    ],
)
def test_cannot_be_run_where_others_could_use_it(message: str, changes: dict[str, Any]) -> None:
    good = DevelopmentProvider(
        environment="development",
        bind_host="127.0.0.1",
        origin="http://localhost:8000",
        client_id=CLIENT_ID,
        redirect_uri="http://localhost:8000/callback",
        audience=AUDIENCE,
        personas=(),
        key=a_key(),
        now=lambda: NOON,
    )

    with pytest.raises(DevelopmentOnly, match=message):
        replace(good, **changes)


def test_runs_on_a_developers_machine() -> None:
    refuse_in_production("development", bind_host="::1", origin="http://localhost:8000")


def test_keeps_its_key_to_itself_and_for_good(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "idp.pem"

    first, second = SigningKey.load_or_create(path), SigningKey.load_or_create(path)

    assert first == second
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert "PRIVATE" not in repr(first)


def test_does_not_use_a_key_that_others_can_read(tmp_path: Path) -> None:
    path = tmp_path / "idp.pem"
    SigningKey.load_or_create(path)
    path.chmod(0o644)

    with pytest.raises(UnsafeKeyFile, match="chmod 600"):
        SigningKey.load_or_create(path)


def test_names_its_key_by_thumbprint(signing_key: SigningKey) -> None:
    assert RSAKey.import_key(dict(signing_key.public)).thumbprint() == signing_key.kid


async def test_mints_tokens_for_the_command_line(signing_key: SigningKey) -> None:
    issuer = Issuer("http://localhost:8000/dev/idp", AUDIENCE, frozenset({"RS256"}), FixedKeys([signing_key.public]))
    minted = mint_access_token(signing_key, OWNER, issuer=issuer.url, audience=AUDIENCE, at=NOON)

    assert (await verify_bearer(minted, Issuers(issuer), at=NOON)).email == OWNER.email
