"""A session: what opens it, what ends it, and what a foreign page cannot do with it."""

from datetime import UTC, datetime, timedelta

import pytest

from auth.sessions import Account, Lifetimes, SessionCookie, Sessions, cookie_request_allowed, hash_of

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OURS = frozenset({"https://billing.example"})


async def open_one(sessions: Sessions, *, subject: str = "ann", at: datetime = NOON) -> str:
    return await sessions.open(Account("https://idp.example", subject, "a@x.example", "Ann", at), at=at)


async def test_recognizes_who_signed_in(sessions: Sessions) -> None:
    token = await open_one(sessions)

    identity = await sessions.recognize(token, at=NOON)

    assert identity is not None
    assert (identity.issuer, identity.subject, identity.name) == ("https://idp.example", "ann", "Ann")
    assert (identity.authenticated_at, identity.expires_at) == (NOON, NOON + 12 * HOUR)


async def test_gives_every_login_a_token_of_its_own_with_256_bits(sessions: Sessions) -> None:
    first, second = await open_one(sessions), await open_one(sessions)

    assert first != second
    assert len(first) == len(second) == 43


async def test_keeps_only_a_hash_of_the_token(sessions: Sessions) -> None:
    token = await open_one(sessions)

    _, rows = await sessions._database.reader.execute_query("SELECT * FROM sessions")

    assert [row["token_hash"] for row in rows] == [hash_of(token)]
    assert not any(token in str(value) for row in rows for value in tuple(row))


@pytest.mark.parametrize(
    "guess",
    ["", "x", "x" * 43, "é" * 43, "\ud800" * 43, "x" * 100_000],
    ids=["empty", "short", "plausible", "not ascii", "surrogates", "long"],
)
async def test_does_not_recognize_a_guess(sessions: Sessions, guess: str) -> None:
    await open_one(sessions)

    assert await sessions.recognize(guess, at=NOON) is None


async def test_does_not_take_the_stored_hash_for_the_token(sessions: Sessions) -> None:
    token = await open_one(sessions)

    assert await sessions.recognize(hash_of(token), at=NOON) is None


async def test_ends_after_half_an_hour_of_silence(sessions: Sessions) -> None:
    token = await open_one(sessions)

    assert await sessions.recognize(token, at=NOON + 30 * MINUTE) is None


async def test_lives_on_while_it_is_used(sessions: Sessions) -> None:
    token = await open_one(sessions)

    for minutes in (29, 58, 87):
        assert await sessions.recognize(token, at=NOON + minutes * MINUTE) is not None


async def test_ends_after_twelve_hours_however_much_it_is_used(sessions: Sessions) -> None:
    token = await open_one(sessions)
    for step in range(1, 36):
        assert await sessions.recognize(token, at=NOON + step * 20 * MINUTE) is not None

    assert await sessions.recognize(token, at=NOON + 12 * HOUR - MINUTE) is not None
    assert await sessions.recognize(token, at=NOON + 12 * HOUR) is None


async def test_ends_when_it_is_revoked_and_stays_ended(sessions: Sessions) -> None:
    token = await open_one(sessions)
    await sessions.revoke(token, at=NOON + MINUTE)

    assert await sessions.recognize(token, at=NOON + 2 * MINUTE) is None
    assert await sessions.live_among([hash_of(token)], at=NOON + 2 * MINUTE) == set()


async def test_revokes_every_session_of_one_account_and_of_no_other(sessions: Sessions) -> None:
    laptop, phone, other = await open_one(sessions), await open_one(sessions), await open_one(sessions, subject="bob")

    ended = await sessions.revoke_account(issuer="https://idp.example", subject="ann", at=NOON)

    assert ended == 2
    assert await sessions.recognize(laptop, at=NOON) is None
    assert await sessions.recognize(phone, at=NOON) is None
    assert await sessions.recognize(other, at=NOON) is not None


async def test_purges_what_expired_and_keeps_what_lives(sessions: Sessions) -> None:
    await open_one(sessions, at=NOON - 24 * HOUR)
    token = await open_one(sessions)

    assert await sessions.purge(before=NOON) == 1
    assert await sessions.purge(before=NOON) == 0
    assert await sessions.recognize(token, at=NOON) is not None


def test_refuses_lifetimes_that_contradict_each_other() -> None:
    with pytest.raises(ValueError, match="idle"):
        Lifetimes(idle=13 * HOUR)


def test_hides_the_cookie_from_scripts_and_other_hosts() -> None:
    assert SessionCookie(secure=True).set("t", lifetime=HOUR) == (
        "__Host-billgraph=t; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax; Secure"
    )
    assert SessionCookie(secure=False).clear() == "billgraph=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize(
    ("allowed", "headers"),
    [
        (True, {"content-type": "application/json", "origin": "https://billing.example"}),
        (True, {"content-type": "Application/JSON; charset=utf-8", "sec-fetch-site": "same-origin"}),
        (False, {"content-type": "application/json"}),
        (False, {"origin": "https://billing.example"}),
        (False, {"content-type": "text/plain", "origin": "https://billing.example"}),
        (False, {"content-type": "application/x-www-form-urlencoded", "origin": "https://billing.example"}),
        (False, {"content-type": "text/plain; application/json", "origin": "https://billing.example"}),
        (False, {"content-type": "application/json-patch", "origin": "https://billing.example"}),
        (False, {"content-type": "application/json", "origin": "null"}),
        (False, {"content-type": "application/json", "origin": "https://evil.example"}),
        (False, {"content-type": "application/json", "origin": "https://billing.example.evil.example"}),
        (False, {"content-type": "application/json", "origin": "http://billing.example"}),
        (False, {"content-type": "application/json", "sec-fetch-site": "same-site"}),
        (False, {"content-type": "application/json", "sec-fetch-site": "cross-site"}),
        (False, {"content-type": "application/json", "sec-fetch-site": "none"}),
        (
            False,
            {
                "content-type": "application/json",
                "origin": "https://evil.example",
                "sec-fetch-site": "same-origin",
            },
        ),
        (
            False,
            {
                "content-type": "application/json",
                "origin": "https://billing.example",
                "sec-fetch-site": "cross-site",
            },
        ),
    ],
)
def test_lets_a_cookie_act_only_from_our_own_pages(allowed: bool, headers: dict[str, str]) -> None:
    assert cookie_request_allowed(headers, OURS) is allowed
