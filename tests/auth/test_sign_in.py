"""Signing in with a browser, as it should go and as an attacker would like it to go."""

import httpx2
import pytest

from api.sign_in_pages import safe_next
from auth.sessions import Sessions
from auth.signing import SigningKey
from tests.auth.house import (
    COOKIE,
    MEMBER,
    OWNER,
    Browser,
    House,
    a_browser,
    a_house,
    choose,
    set_out,
    sign_in_as,
    who_am_i,
    with_query,
)

OWNERS_SUBJECT = "dev|owner@pooled.example"


async def test_signs_in_and_out_again(house: House, browser: Browser) -> None:
    assert await who_am_i(browser) is None

    answer = await sign_in_as(browser, path="/login?next=/invoices%3Fyear%3D2026")
    assert (answer.status_code, answer.headers["location"]) == (303, "/invoices?year=2026")
    assert await who_am_i(browser) == OWNERS_SUBJECT

    assert "Sign out?" in (await browser.get("/logout")).text
    assert await who_am_i(browser) == OWNERS_SUBJECT
    farewell = await browser.post("/logout", headers={"origin": house.origin})
    assert farewell.headers["refresh"].startswith(f"0; url={house.origin}/dev/idp/end_session?")
    assert await who_am_i(browser) is None

    (account,) = house.signed_in
    assert (account.subject, account.email, account.email_verified) == (OWNERS_SUBJECT, OWNER.email, True)


async def test_asks_for_a_code_with_pkce_state_and_nonce(browser: Browser) -> None:
    first, second = await set_out(browser), await set_out(browser)

    assert "response_type=code&" in first
    assert "code_challenge_method=S256" in first
    for secret in ("state", "nonce", "code_challenge"):
        once, twice = ([part for part in url.split("&") if part.startswith(f"{secret}=")] for url in (first, second))
        assert len(once) == len(twice) == 1
        assert once != twice


async def test_takes_the_persona_in_the_link(browser: Browser) -> None:
    answer = await browser.get(f"/login?login_hint={MEMBER.email}", follow_redirects=True)

    assert answer.url.path == "/"
    assert await who_am_i(browser) == "dev|member@pooled.example"


async def test_sends_a_developer_to_the_name_the_provider_answers_to(house: House, browser: Browser) -> None:
    by_another_name = {"host": "localhost:8000"}

    answer = await browser.get("/login?next=/invoices", headers=by_another_name)

    assert answer.headers["location"] == f"{house.origin}/login?next=/invoices"
    assert "set-cookie" not in answer.headers


async def test_hides_the_session_from_scripts_caches_and_other_sites(browser: Browser) -> None:
    answer = await sign_in_as(browser)

    cookies = answer.headers.get_list("set-cookie")
    (session,) = [cookie for cookie in cookies if cookie.startswith(f"{COOKIE.name}=")]
    assert session.endswith("Max-Age=43200; Path=/; HttpOnly; SameSite=Lax")
    assert answer.headers["cache-control"] == "no-store"
    assert any(cookie.startswith("billgraph-sign-in=null") for cookie in cookies), "the transaction is over"


async def refused(house: House, answer: httpx2.Response) -> None:
    """Nobody was signed in: no session, nobody told, and a page that says so."""
    _, rows = await house.sessions._database.reader.execute_query("SELECT * FROM sessions")
    assert (answer.status_code, list(rows), house.signed_in) == (400, [], [])
    assert "Not signed in" in answer.text


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "made-up"},
        {"state": None},
        {"state": ""},
        {"code": "made-up"},
        {"code": None},
        {"code": ""},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"error": "access_denied"},
        {"error": "<script>alert(1)</script>", "error_description": "<script>alert(1)</script>"},
    ],
    ids=str,
)
async def test_refuses_an_answer_with(house: House, browser: Browser, changes: dict[str, str | None]) -> None:
    callback = await choose(browser, await set_out(browser))

    answer = await browser.get(with_query(callback, **changes))

    await refused(house, answer)
    assert "<script>" not in answer.text


@pytest.mark.parametrize("parameter", ["state", "code", "iss"])
async def test_refuses_a_repeated_parameter(house: House, browser: Browser, parameter: str) -> None:
    callback = await choose(browser, await set_out(browser))

    answer = await browser.get(f"{callback}&{parameter}=other")

    await refused(house, answer)


async def test_refuses_an_answer_meant_for_another_browser(house: House) -> None:
    """Login CSRF: the attacker has the victim finish the attacker's sign-in."""
    async with a_browser(house) as attacker, a_browser(house) as victim:
        callback = await choose(attacker, await set_out(attacker))
        await set_out(victim)

        answer = await victim.get(callback)

    await refused(house, answer)


async def test_refuses_an_answer_nobody_asked_for(house: House, browser: Browser) -> None:
    async with a_browser(house) as other:
        callback = await choose(browser, await set_out(browser))

        answer = await other.get(callback)

    await refused(house, answer)


async def test_refuses_a_stolen_code_put_into_ones_own_sign_in(house: House) -> None:
    """Code injection: the victim's code is useless to whoever lacks the victim's verifier."""
    async with a_browser(house) as victim, a_browser(house) as attacker:
        stolen = await choose(victim, await set_out(victim))
        own = await choose(attacker, await set_out(attacker), MEMBER)

        answer = await attacker.get(with_query(own, code=stolen.partition("code=")[2].partition("&")[0]))

    await refused(house, answer)


async def test_refuses_the_same_answer_twice(house: House, browser: Browser) -> None:
    callback = await choose(browser, await set_out(browser))
    transaction = browser.cookies["billgraph-sign-in"]
    assert (await browser.get(callback)).status_code == 303

    again = await browser.get(callback)
    browser.cookies.delete("billgraph-sign-in")
    browser.cookies.set("billgraph-sign-in", transaction)
    replayed = await browser.get(callback)

    assert (again.status_code, replayed.status_code) == (400, 400)
    assert len(house.signed_in) == 1


async def test_refuses_an_answer_to_an_earlier_question(house: House, browser: Browser) -> None:
    earlier = await choose(browser, await set_out(browser))
    await set_out(browser)

    answer = await browser.get(earlier)

    await refused(house, answer)


async def test_refuses_an_answer_after_ten_minutes(house: House, browser: Browser) -> None:
    begun = await set_out(browser)
    house.clock.advance(minutes=10)

    answer = await browser.get(await choose(browser, begun))

    await refused(house, answer)


async def test_refuses_a_forged_transaction_cookie(house: House, browser: Browser) -> None:
    callback = await choose(browser, await set_out(browser))
    payload, dot, signature = browser.cookies["billgraph-sign-in"].partition(".")
    browser.cookies.delete("billgraph-sign-in")
    browser.cookies.set("billgraph-sign-in", f"{payload[:-4]}AAAA{dot}{signature}")

    answer = await browser.get(callback)

    await refused(house, answer)


async def test_does_not_adopt_a_session_token_planted_before(house: House, browser: Browser) -> None:
    async with a_browser(house) as attacker:
        browser.cookies.set(COOKIE.name, "p" * 43, domain="127.0.0.1")
        attacker.cookies.set(COOKIE.name, "p" * 43, domain="127.0.0.1")

        await sign_in_as(browser)

        assert browser.cookies[COOKIE.name] != "p" * 43
        assert await who_am_i(browser) == OWNERS_SUBJECT
        assert await who_am_i(attacker) is None


async def test_ends_the_session_that_was_there_before(sessions: Sessions, house: House, browser: Browser) -> None:
    await sign_in_as(browser, MEMBER)
    before = browser.cookies[COOKIE.name]

    await sign_in_as(browser, OWNER)

    assert browser.cookies[COOKIE.name] != before
    assert await sessions.recognize(before, at=house.clock()) is None


@pytest.mark.parametrize("headers", [{}, {"origin": "https://evil.example"}, {"origin": "null"}], ids=str)
async def test_a_foreign_page_cannot_sign_anybody_out(browser: Browser, headers: dict[str, str]) -> None:
    await sign_in_as(browser)

    answer = await browser.post("/logout", headers=headers)

    assert answer.status_code == 403
    assert await who_am_i(browser) == OWNERS_SUBJECT


@pytest.mark.parametrize(
    "asked",
    [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/a b",
        "/ünïcode",
        "/" + "a" * 2000,
        "//[",
        "/\0",
        "",
        None,
    ],
    ids=repr,
)
def test_sends_nobody_to_another_site(asked: str | None) -> None:
    assert safe_next(asked) == "/"


@pytest.mark.parametrize("asked", ["/", "/invoices", "/graphql?query=%7Bviewer%7D#top", "/a//b", "/x?next=https://y"])
def test_sends_people_back_to_where_they_were(asked: str) -> None:
    assert safe_next(asked) == asked


async def test_an_open_redirect_ends_at_home(browser: Browser) -> None:
    answer = await sign_in_as(browser, path="/login?next=//evil.example/%2e%2e")

    assert answer.headers["location"] == "/"


async def test_the_pages_run_no_script_and_sit_in_no_frame(browser: Browser) -> None:
    pages = [
        await browser.get("/logout"),
        await browser.get("/callback"),
        await browser.get(await set_out(browser)),
    ]

    for page in pages:
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert page.headers["cache-control"] == "no-store"


async def test_says_so_when_the_provider_is_away(sessions: Sessions, signing_key: SigningKey) -> None:
    async with a_house(sessions, signing_key, issuer="http://127.0.0.1:9") as house, a_browser(house) as browser:
        answer = await browser.get("/login")

    assert answer.status_code == 503
    assert "cannot be reached" in answer.text
