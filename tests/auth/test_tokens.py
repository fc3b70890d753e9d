"""Access tokens: the few that are believed, and the many that are not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auth.issuers import Issuer, Issuers
from auth.keys import FixedKeys
from auth.tokens import LOGOUT, Claims, InvalidToken, verify, verify_bearer
from tests.auth import forging
from tests.auth.forging import AUDIENCE, EC_KEY, ISSUER, NOON, NOW, P384_KEY, RSA_KEY, claims, header, token

SECOND = timedelta(seconds=1)


async def refused(forged: str, *, at: datetime = NOON, issuers: Issuers | None = None) -> str:
    """Return why a token is refused; anything but `InvalidToken` fails the test."""
    with pytest.raises(InvalidToken) as caught:
        await verify_bearer(forged, issuers or forging.issuers(), at=at)
    return caught.value.reason


async def test_believes_a_genuine_rs256_token() -> None:
    found = await verify_bearer(token(claims(), header()), forging.issuers(), at=NOON)

    one_o_clock = datetime(2026, 7, 1, 13, tzinfo=UTC)
    assert found == Claims(ISSUER, "ann", "ann@acme.example", "Ann", NOON, one_o_clock, payload=claims())


async def test_believes_a_genuine_es256_token() -> None:
    genuine = token(claims(), header(alg="ES256", kid="ec"), key=EC_KEY)

    assert (await verify_bearer(genuine, forging.issuers(), at=NOON)).subject == "ann"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["someone-else", AUDIENCE]},
        {"email": ..., "name": ...},
        {"name": "Zoë 𝒲 👩‍🚀 Ли"},
        {"exp": NOW + 3600.5, "iat": NOW - 0.5},
        {"exp": 250_000_000_000},
        {"iat": 0},
        {"nbf": NOW},
        {"roles": ["owner"], "x": {"y": [1, None]}},
        {"sub": "s" * 255},
    ],
    ids=str,
)
async def test_believes_every_lawful_variety(changes: dict[str, Any]) -> None:
    await verify_bearer(token(claims(**changes), header()), forging.issuers(), at=NOON)


@pytest.mark.parametrize("kind", [..., "JWT", "jwt", "AT+JWT", "application/at+jwt"], ids=str)
async def test_believes_every_lawful_type(kind: object) -> None:
    await verify_bearer(token(claims(), header(typ=kind)), forging.issuers(), at=NOON)


GENUINE = token(claims(), header())
HEADER, PAYLOAD, SIGNATURE = GENUINE.split(".")
DEEP = b"[" * 3000
LONG_INTEGER = b'{"iss":' + b"9" * 5000 + b"}"

MALFORMED = {
    "nothing": "",
    "a space": " ",
    "one part": "abc",
    "two parts": f"{HEADER}.{PAYLOAD}",
    "four parts": f"{GENUINE}.{SIGNATURE}",
    "only dots": "..",
    "no signature": f"{HEADER}.{PAYLOAD}.",
    "no payload": f"{HEADER}..{SIGNATURE}",
    "a megabyte": "a" * 1_000_000,
    "a megabyte of dots": "." * 1_000_000,
    "just too long": token(claims(pad="x" * 6000), header()),
    "padding": f"{HEADER}=.{PAYLOAD}.{SIGNATURE}",
    "standard base64": f"{HEADER}.{PAYLOAD}.ab+/",
    "an impossible length": f"{HEADER}.{PAYLOAD}.abcde",
    "stray bits": f"{HEADER}.{PAYLOAD}.{SIGNATURE[:-1]}{'B' if SIGNATURE[-1] != 'B' else 'C'}",
    "line ends": f"{HEADER}.{PAYLOAD}.{SIGNATURE}\n",
    "surrogates": "\ud800.\udfff.\ud800",
    "letters of other scripts": f"{HEADER}.{PAYLOAD}.аbcd",
    "digits of other scripts": f"{HEADER}.{PAYLOAD}.١٢٣٤",
    "a zero byte": f"{HEADER}.{PAYLOAD}.\0",
    "a header of bytes": token(claims(), b"\xff\xfe\x00"),
    "a header that is null": token(claims(), b"null"),
    "a header that is a list": token(claims(), b'["RS256"]'),
    "a header with alg twice": token(claims(), b'{"alg":"RS256","alg":"none","kid":"rsa"}'),
    "a deep header": token(claims(), DEEP),
    "a deep payload": token(DEEP, header()),
    "a payload that is a text": token(b'"ann"', header()),
    "a payload in UTF-16": token('{"iss":"x"}'.encode("utf-16"), header()),
    "a payload with iss twice": token(b'{"iss":"x","iss":"https://idp.example"}', header()),
    "an endless integer": token(LONG_INTEGER, header()),
    "not a number": token(b'{"iss":NaN}', header()),
}

HEADERS: dict[str, dict[str, Any]] = {
    "no alg": {"alg": ...},
    "alg none": {"alg": "none"},
    "alg None": {"alg": "None"},
    "alg in lower case": {"alg": "rs256"},
    "an alg that is a list": {"alg": ["RS256"]},
    "an alg that is a number": {"alg": 256},
    "an alg unknown to us": {"alg": "PS256"},
    "an alg the issuer does not use": {"alg": "RS384"},
    "EdDSA": {"alg": "EdDSA"},
    "no kid": {"kid": ...},
    "an empty kid": {"kid": ""},
    "an unknown kid": {"kid": "../../etc/passwd"},
    "a kid that is a number": {"kid": 1},
    "a kid that is an object": {"kid": {"kid": "rsa"}},
    "a very long kid": {"kid": "k" * 257},
    "a kid that two keys share": {"kid": "twice"},
    "a key for encryption": {"kid": "for encryption"},
    "a key for another algorithm": {"kid": "for RS512"},
    "a key for signing only": {"kid": "for signing"},
    "a key without modulus": {"kid": "no modulus"},
    "a key of odd shape": {"kid": "odd modulus"},
    "a key of another type": {"kid": "ec"},
    "a shared secret as key": {"kid": "shared"},
    "a type for something else": {"typ": "logout+jwt"},
    "a type that is a list": {"typ": ["JWT"]},
    "crit": {"crit": ["exp"]},
    "an empty crit": {"crit": []},
    "its own key": {"jwk": forging.jwk_of(forging.STRANGERS_KEY, "rsa")},
    "jku": {"jku": "https://evil.example/jwks"},
    "x5u": {"x5u": "https://evil.example/cert"},
    "x5c": {"x5c": ["MIIB"]},
    "b64": {"b64": False},
    "encryption": {"enc": "A256GCM"},
    "compression": {"zip": "DEF"},
}

CLAIMS: dict[str, dict[str, Any]] = {
    "no iss": {"iss": ...},
    "a foreign iss": {"iss": "https://evil.example"},
    "an iss with a slash more": {"iss": f"{ISSUER}/"},
    "an iss that is a list": {"iss": [ISSUER]},
    "no aud": {"aud": ...},
    "a null aud": {"aud": None},
    "an empty aud": {"aud": []},
    "a foreign aud": {"aud": "billgraph"},
    "an aud that only starts so": {"aud": f"{AUDIENCE}-2"},
    "an aud that is an object": {"aud": {AUDIENCE: True}},
    "an aud list with a number": {"aud": [AUDIENCE, 1]},
    "an aud list of many": {"aud": [AUDIENCE] * 17},
    "no sub": {"sub": ...},
    "an empty sub": {"sub": ""},
    "a sub that is a number": {"sub": 7},
    "a sub that is a list": {"sub": ["ann"]},
    "a long sub": {"sub": "s" * 256},
    "a sub with a zero byte": {"sub": "ann\0"},
    "a sub with a line end": {"sub": "ann\nbob"},
    "a sub with a lone surrogate": {"sub": "\ud800"},
    "no exp": {"exp": ...},
    "an exp that is a text": {"exp": str(NOW + 60)},
    "an exp that is true": {"exp": True},
    "an exp beyond the calendar": {"exp": 10**30},
    "an exp of a thousand digits": {"exp": 10**1000},
    "a negative exp": {"exp": -1},
    "no iat": {"iat": ...},
    "an iat that is null": {"iat": None},
    "an nbf that is null": {"nbf": None},
    "an nbf that is a list": {"nbf": [NOW]},
    "an email that is a list": {"email": ["a@b"]},
    "a name that is a number": {"name": 1},
    "a long name": {"name": "n" * 321},
    "a name with a lone surrogate": {"name": "\udfff"},
}


@pytest.mark.parametrize("forged", MALFORMED.values(), ids=MALFORMED.keys())
async def test_refuses_what_is_no_token(forged: str) -> None:
    await refused(forged)


@pytest.mark.parametrize("changes", HEADERS.values(), ids=HEADERS.keys())
async def test_refuses_a_header_with(changes: dict[str, Any]) -> None:
    await refused(token(claims(), header(**changes)))


@pytest.mark.parametrize("changes", CLAIMS.values(), ids=CLAIMS.keys())
async def test_refuses_claims_with(changes: dict[str, Any]) -> None:
    await refused(token(claims(**changes), header()))


async def test_refuses_an_infinite_expiry() -> None:
    endless = b'{"iss":"https://idp.example","sub":"a","aud":"billgraph-api","iat":1,"exp":1e999}'

    assert await refused(token(endless, header())) == "exp is not an instant"


async def test_refuses_a_strangers_signature() -> None:
    assert "signature" in await refused(token(claims(), header(), key=forging.STRANGERS_KEY))


async def test_refuses_claims_changed_after_signing() -> None:
    promoted = token(claims(sub="owner"), header()).split(".")[1]

    assert "signature" in await refused(f"{HEADER}.{promoted}.{SIGNATURE}")


async def test_refuses_the_public_key_used_as_a_shared_secret() -> None:
    await refused(token(claims(), header(alg="HS256"), key=forging.public_pem(RSA_KEY)))


async def test_refuses_a_key_on_another_curve_than_the_algorithm_needs() -> None:
    forged = token(claims(), header(alg="ES256", kid="p384"), key=P384_KEY)

    assert "another type" in await refused(forged)


async def test_refuses_a_point_off_the_curve() -> None:
    assert "unusable" in await refused(token(claims(), header(alg="ES256", kid="off the curve"), key=EC_KEY))


@pytest.mark.parametrize("signature", [b"\0" * 64, b"\0" * 63 + b"\1", b"\xff" * 64, b"\0"], ids=len)
async def test_refuses_a_blank_elliptic_signature(signature: bytes) -> None:
    unsigned = token(claims(), header(alg="ES256", kid="ec"), key=EC_KEY).rpartition(".")[0]

    assert "signature" in await refused(f"{unsigned}.{forging.b64(signature)}")


async def test_refuses_a_key_of_1024_bits() -> None:
    assert "too short" in await refused(token(claims(), header(kid="short"), key=forging.SHORT_RSA_KEY))


async def test_refuses_one_issuers_token_in_the_name_of_another() -> None:
    ours = Issuer(ISSUER, AUDIENCE, frozenset({"RS256"}), FixedKeys([forging.jwk_of(RSA_KEY, "rsa")]))
    theirs = Issuer(
        "https://other.example", AUDIENCE, frozenset({"RS256"}), FixedKeys([forging.jwk_of(forging.STRANGERS_KEY, "o")])
    )

    await refused(token(claims(), header(kid="o"), key=forging.STRANGERS_KEY), issuers=Issuers(ours, theirs))


@pytest.mark.parametrize(
    ("accepted", "seconds", "changes"),
    [
        (True, 3629, {}),
        (False, 3630, {}),
        (True, -30, {}),
        (False, -31, {}),
        (True, 70, {"nbf": NOW + 100}),
        (False, 69, {"nbf": NOW + 100}),
    ],
)
async def test_allows_clocks_to_differ_by_30_seconds(accepted: bool, seconds: int, changes: dict[str, Any]) -> None:
    timed, at = token(claims(**changes), header()), NOON + seconds * SECOND

    if accepted:
        await verify_bearer(timed, forging.issuers(), at=at)
    else:
        await refused(timed, at=at)


async def test_remembers_what_a_token_says_and_asks_again_whether_it_counts() -> None:
    shown = token(claims(sub="bea"), header())
    withdrawn, replaced, retired = (
        forging.issuers(forging.jwk_of(EC_KEY, "ec")),
        forging.issuers(forging.jwk_of(forging.STRANGERS_KEY, "rsa")),
        forging.issuers(forging.jwk_of(RSA_KEY, "rsa", use="enc")),
    )
    another = Issuers(Issuer(ISSUER, "another-api", frozenset({"RS256"}), FixedKeys(forging.KEYS)))

    first = await verify_bearer(shown, forging.issuers(), at=NOON)

    assert await verify_bearer(shown, forging.issuers(), at=NOON) == first
    assert await refused(shown, at=NOON + timedelta(hours=2)) == "it has expired"
    assert await refused(shown, issuers=withdrawn) == "0 keys have this kid"
    assert await refused(shown, issuers=replaced) == "the signature does not match, or its key is too short"
    assert await refused(shown, issuers=retired) == "the key is for another use"
    assert await refused(shown, issuers=Issuers()) == "the issuer is not trusted"
    assert await refused(shown, issuers=another) == "it is meant for another audience"
    with pytest.raises(InvalidToken):
        await verify(shown, forging.issuers(), LOGOUT, at=NOON)
    assert await verify_bearer(shown, forging.issuers(), at=NOON) == first


async def test_tells_the_bearer_nothing_about_why() -> None:
    with pytest.raises(InvalidToken, match=r"^the access token is not valid$"):
        await verify_bearer("abc", forging.issuers(), at=NOON)


@pytest.mark.parametrize(
    "algorithms", [set(), {"HS256"}, {"RS256", "none"}], ids=lambda given: "+".join(sorted(given)) or "nothing"
)
def test_does_not_trust_an_issuer_with_other_algorithms(algorithms: set[str]) -> None:
    with pytest.raises(ValueError, match="algorithms"):
        Issuer(ISSUER, AUDIENCE, frozenset(algorithms), FixedKeys(()))
