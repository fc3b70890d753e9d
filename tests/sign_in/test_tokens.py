"""Forty tokens that nobody should believe, sent to a running server: each is one 401, and no more."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.house import now
from models.database import Database
from tests.auth.forging import EC_KEY, RSA_KEY, STRANGERS_KEY, b64, header, jwk_of, public_pem
from tests.auth.forging import token as signed
from tests.auth.serving import served
from tests.sign_in.houses import House, a_house, a_provider

AUDIENCE = "billgraph-api-of-acme"
KEYS = [
    jwk_of(RSA_KEY, "rsa", alg="RS256"),
    jwk_of(EC_KEY, "ec"),
    jwk_of(RSA_KEY, "twice"),
    jwk_of(STRANGERS_KEY, "twice"),
    {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"},
    {"kty": "OKP", "crv": "Ed25519", "kid": "okp", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
    jwk_of(RSA_KEY, "for encryption", use="enc"),
]


class Published:
    """A provider that only publishes its keys, and counts how often it is asked."""

    def __init__(self) -> None:
        self.origin = ""
        self.asked = 0

    def build(self, origin: str) -> Starlette:
        self.origin = origin
        return Starlette(
            routes=[Route("/.well-known/openid-configuration", self._discovery), Route("/jwks", self._jwks)]
        )

    async def _discovery(self, _: Request) -> Response:
        endpoints = {name: f"{self.origin}/{name}" for name in ("authorization_endpoint", "token_endpoint")}
        return JSONResponse({"issuer": self.origin, "jwks_uri": f"{self.origin}/jwks", **endpoints})

    async def _jwks(self, _: Request) -> Response:
        self.asked += 1
        return JSONResponse({"keys": KEYS})


def forged(issuer: str) -> dict[str, str]:
    """Return forty tokens, each with one thing wrong."""
    at = int(now().timestamp())

    def claims(**changes: Any) -> dict[str, Any]:
        good = {"iss": issuer, "sub": "ann", "aud": AUDIENCE, "iat": at, "exp": at + 600, **changes}
        return {name: value for name, value in good.items() if value is not ...}

    def headed(**changes: Any) -> str:
        return signed(claims(), header(**changes))

    def claiming(**changes: Any) -> str:
        return signed(claims(**changes), header())

    genuine = signed(claims(), header())
    start, _, signature = genuine.rpartition(".")
    embedded: Any = jwk_of(STRANGERS_KEY, "rsa")
    raw = signed(claims(), header(alg="ES256", kid="ec"), key=EC_KEY).rpartition(".")[0]
    return {
        "alg none, no signature": f"{signed(claims(), header(alg='none')).rpartition('.')[0]}.",
        "alg none, a signature": headed(alg="none"),
        "alg NoNe": headed(alg="NoNe"),
        "no alg": headed(alg=...),
        "HMAC with the public key": signed(claims(), header(alg="HS256"), key=public_pem(RSA_KEY)),
        "HMAC with a published secret": signed(claims(), header(alg="HS256", kid="shared"), key=b"secret"),
        "EdDSA": headed(alg="EdDSA", kid="okp"),
        "an algorithm the issuer is not pinned to": headed(alg="RS512"),
        "a key of another type": headed(alg="ES256"),
        "an elliptic signature in DER": f"{raw}.{b64(EC_KEY.sign(raw.encode(), ec.ECDSA(hashes.SHA256())))}",
        "an elliptic signature of zeros": f"{raw}.{b64(bytes(64))}",
        "another's signature": signed(claims(), header(), key=STRANGERS_KEY),
        "no signature": f"{start}.",
        "half a signature": f"{start}.{signature[: len(signature) // 2]}",
        "a signature with a stray bit": f"{genuine[:-1]}{'B' if genuine[-1] != 'B' else 'C'}",
        "no audience": claiming(aud=...),
        "another audience": claiming(aud="elsewhere"),
        "an audience of odd things": claiming(aud=[{"a": 1}, 7]),
        "no issuer": claiming(iss=...),
        "another issuer": claiming(iss="https://elsewhere.example"),
        "an issuer that is a list": claiming(iss=[issuer]),
        "no expiry": claiming(exp=...),
        "expired": claiming(exp=at - 31),
        "an expiry that is a text": claiming(exp=str(at + 600)),
        "an expiry beyond all time": claiming(exp=1e300),
        "issued tomorrow": claiming(iat=at + 86_400),
        "not before tomorrow": claiming(nbf=at + 86_400),
        "nobody": claiming(sub=...),
        "crit": headed(crit=["exp"]),
        "jku": headed(jku="http://169.254.169.254/keys"),
        "jwk": signed(claims(), header(jwk=embedded), key=STRANGERS_KEY),
        "x5u": headed(x5u="https://elsewhere.example/chain"),
        "x5c": headed(x5c=["MIIB"]),
        "no kid": headed(kid=...),
        "an unknown kid": headed(kid="made up"),
        "a kid that two keys have": headed(kid="twice"),
        "a key for encryption": headed(kid="for encryption"),
        "deep JSON": signed(b'{"a":' * 1_000 + b"1" + b"}" * 1_000, header()),
        "a name twice": signed(json.dumps(claims()).encode()[:-1] + b',"sub":"eve"}', header()),
        "lone surrogates": claiming(sub="\ud800"),
    }


async def test_forty_forged_tokens_are_forty_refusals(database: Database, tmp_path: Path) -> None:
    provider = Published()
    async with served(provider.build) as origin, _believing(database, tmp_path, origin) as house:
        tokens = forged(origin)
        provider.asked = 0
        answers = {name: await house.send("{ viewer { email } }", token=shown) for name, shown in tokens.items()}

        assert len(tokens) == 40
        assert {name: each.status_code for name, each in answers.items()} == dict.fromkeys(tokens, 401)
        said = {each.json()["errors"][0]["message"] for each in answers.values()}
        assert said == {"the access token is not valid"}, "which check failed is not for the forger"
        assert provider.asked <= 2, "forty bad tokens are one look for keys, and one for an unknown one"
        genuine = signed(
            {"iss": origin, "sub": "ann", "aud": AUDIENCE, "iat": int(now().timestamp()), "exp": 4_000_000_000},
            header(),
        )
        assert (await house.send("{ viewer { email } }", token=genuine)).status_code == 200, "the true one does"


async def test_a_megabyte_is_no_token(alone: House) -> None:
    answer = await alone.send("{ viewer { email } }", token="x" * 30_000)

    assert answer.status_code == 401


async def test_failures_are_counted_and_what_holds_is_let_through(database: Database, tmp_path: Path) -> None:
    async with a_house(database, tmp_path, failures_max=5) as house:
        answers = [(await house.send("{ viewer { email } }", token="abc")).status_code for _ in range(7)]
        last = await house.send("{ viewer { email } }", token="abc")

        assert answers == [401] * 5 + [429] * 2
        assert last.json()["errors"][0]["extensions"]["code"] == "TOO_MANY_FAILURES"
        assert int(last.headers["retry-after"]) > 0
        assert (await house.send("{ viewer { email } }")).status_code == 200


@asynccontextmanager
async def _believing(database: Database, folder: Path, origin: str) -> AsyncIterator[House]:
    async with a_house(database, folder, hosts=frozenset({urlsplit(origin).netloc}), failures_max=1_000) as house:
        await a_provider(house, origin, apiAudience=AUDIENCE)
        yield house
