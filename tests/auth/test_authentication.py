"""Requests and sockets: what they show, and whom that makes them."""

from datetime import timedelta

import pytest
from starlette.datastructures import Headers

from auth.authentication import Authenticator, ForeignRequest, principal_of
from auth.principal import Membership, Method
from auth.sessions import Account, SessionCookie, Sessions, hash_of
from auth.tokens import Claims, InvalidToken
from billing.roles import Permission
from tests.auth import forging
from tests.auth.forging import ISSUER, NOON, claims, header, token

OURS = "https://billing.example"
BEARER = f"Bearer {token(claims(), header())}"
JSON = {"content-type": "application/json"}


@pytest.fixture
def authenticator(sessions: Sessions) -> Authenticator:
    cookie = SessionCookie(secure=True)
    return Authenticator(forging.issuers(), sessions, cookie=cookie, allowed_origins=frozenset({OURS}))


async def a_cookie(sessions: Sessions) -> dict[str, str]:
    opened = await sessions.open(Account(ISSUER, "ann", "ann@acme.example", "Ann", NOON), at=NOON)
    return {"cookie": f"theme=dark; __Host-billgraph={opened}"}


async def test_nobody_asks_when_nothing_is_shown(authenticator: Authenticator) -> None:
    assert await authenticator.of_request("POST", Headers(JSON), at=NOON) is None
    assert await authenticator.of_socket(Headers(), None, at=NOON) is None


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_believes_a_bearer_token(authenticator: Authenticator, scheme: str) -> None:
    headers = Headers({"authorization": BEARER.replace("Bearer", scheme)})

    identity = await authenticator.of_request("POST", headers, at=NOON)

    assert isinstance(identity, Claims)


@pytest.mark.parametrize(
    "shown", ["", "Bearer", "Bearer ", "Basic YTpi", BEARER.replace(" ", ""), f"{BEARER} x", "\xff"]
)
async def test_refuses_any_other_authorization(authenticator: Authenticator, shown: str) -> None:
    with pytest.raises(InvalidToken):
        await authenticator.of_request("GET", Headers({"authorization": shown}), at=NOON)


async def test_refuses_two_authorizations(authenticator: Authenticator) -> None:
    twice = Headers(raw=[(b"authorization", BEARER.encode())] * 2)

    with pytest.raises(InvalidToken):
        await authenticator.of_request("GET", twice, at=NOON)


async def test_a_bad_token_is_not_excused_by_a_good_cookie(authenticator: Authenticator, sessions: Sessions) -> None:
    headers = Headers(await a_cookie(sessions) | {"authorization": "Bearer abc"})

    with pytest.raises(InvalidToken):
        await authenticator.of_request("GET", headers, at=NOON)


async def test_recognizes_the_session_of_a_cookie(authenticator: Authenticator, sessions: Sessions) -> None:
    headers = Headers(await a_cookie(sessions) | JSON | {"origin": OURS})

    identity = await authenticator.of_request("POST", headers, at=NOON)

    assert identity is not None
    assert identity.subject == "ann"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "post", "ANYTHING"])
async def test_refuses_a_foreign_page_that_rides_the_cookie(
    authenticator: Authenticator, sessions: Sessions, method: str
) -> None:
    headers = Headers(await a_cookie(sessions) | JSON | {"origin": "https://evil.example"})

    with pytest.raises(ForeignRequest):
        await authenticator.of_request(method, headers, at=NOON)


async def test_a_token_needs_no_origin(authenticator: Authenticator) -> None:
    headers = Headers(JSON | {"authorization": BEARER, "origin": "https://evil.example"})

    assert await authenticator.of_request("POST", headers, at=NOON) is not None


async def test_a_cookie_under_the_plain_name_is_not_ours_over_https(
    authenticator: Authenticator, sessions: Sessions
) -> None:
    cookie = (await a_cookie(sessions))["cookie"].replace("__Host-", "")

    assert await authenticator.of_request("GET", Headers({"cookie": cookie}), at=NOON) is None


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
async def test_a_socket_may_show_its_token_at_init(authenticator: Authenticator, name: str) -> None:
    assert await authenticator.of_socket(Headers(), {name: BEARER}, at=NOON) is not None


@pytest.mark.parametrize(
    "payload",
    [
        {"Authorization": None},
        {"Authorization": ["Bearer"]},
        {"Authorization": "Bearer \ud800"},
        {"Authorization": BEARER, "authorization": BEARER},
    ],
    ids=["null", "list", "surrogate", "twice"],
)
async def test_a_socket_with_an_odd_token_is_refused(authenticator: Authenticator, payload: object) -> None:
    with pytest.raises(InvalidToken):
        await authenticator.of_socket(Headers(), payload, at=NOON)


@pytest.mark.parametrize("payload", [None, {}, [], "Authorization", 1, {"token": "x"}], ids=str)
async def test_a_socket_that_shows_nothing_is_nobodys(authenticator: Authenticator, payload: object) -> None:
    assert await authenticator.of_socket(Headers(), payload, at=NOON) is None


async def test_a_socket_may_come_with_a_cookie_from_our_own_page(
    authenticator: Authenticator, sessions: Sessions
) -> None:
    headers = Headers(await a_cookie(sessions) | {"origin": OURS})

    assert await authenticator.of_socket(headers, {}, at=NOON) is not None


@pytest.mark.parametrize("origin", [{}, {"origin": "https://evil.example"}, {"sec-fetch-site": "same-origin"}], ids=str)
async def test_a_socket_with_a_cookie_from_anywhere_else_is_refused(
    authenticator: Authenticator, sessions: Sessions, origin: dict[str, str]
) -> None:
    headers = Headers(await a_cookie(sessions) | origin)

    with pytest.raises(ForeignRequest):
        await authenticator.of_socket(headers, {}, at=NOON)


async def test_a_socket_does_not_outlive_its_token(authenticator: Authenticator) -> None:
    identity = await authenticator.of_socket(Headers(), {"Authorization": BEARER}, at=NOON)

    assert identity is not None
    assert await authenticator.still_valid([identity], at=NOON + timedelta(minutes=60)) == [True]
    assert await authenticator.still_valid([identity], at=NOON + timedelta(minutes=61)) == [False]


async def test_a_socket_does_not_outlive_its_session(authenticator: Authenticator, sessions: Sessions) -> None:
    cookie = await a_cookie(sessions)
    identity = await authenticator.of_socket(Headers(cookie | {"origin": OURS}), {}, at=NOON)
    assert identity is not None
    assert await authenticator.still_valid([identity], at=NOON) == [True]

    await sessions.revoke(cookie["cookie"].rpartition("=")[2], at=NOON)

    assert await authenticator.still_valid([identity], at=NOON) == [False]


async def test_gives_an_account_the_memberships_it_has_now() -> None:
    held = Membership("acme", "m1", "owner", frozenset({Permission.SELF_READ}))

    identity = Claims(ISSUER, "ann", "ann@acme.example", "Ann", NOON, NOON + timedelta(hours=1))
    principal = principal_of(identity, [held])

    assert principal.method is Method.BEARER
    assert principal.membership("acme") == held
    assert principal.expires_at == NOON + timedelta(hours=1)


async def test_knows_when_a_person_signed_in_only_where_the_token_says_so() -> None:
    silent = Claims(ISSUER, "ann", "", "", NOON, NOON + timedelta(hours=1))
    telling = Claims(ISSUER, "ann", "", "", NOON, NOON + timedelta(hours=1), payload={"auth_time": forging.NOW - 600})

    assert not principal_of(silent, []).is_login_known
    assert principal_of(telling, []).is_login_known
    assert principal_of(telling, []).authenticated_at == NOON - timedelta(minutes=10)


async def test_a_session_makes_a_principal_of_its_own_kind(authenticator: Authenticator, sessions: Sessions) -> None:
    cookie = await a_cookie(sessions)
    identity = await authenticator.of_request("GET", Headers(cookie), at=NOON)
    assert identity is not None
    principal = principal_of(identity, [])

    assert principal.method is Method.SESSION
    assert principal.session == hash_of(cookie["cookie"].rpartition("=")[2])
    assert not principal.memberships
    assert hash_of("x") not in repr(principal)
