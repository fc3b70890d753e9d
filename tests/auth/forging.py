"""Tokens of every kind, genuine and forged, signed by hand so that no library's good manners are in the way."""

import hmac
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from auth.issuers import Issuer, Issuers
from auth.keys import FixedKeys, Jwk

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
NOW = int(NOON.timestamp())
ISSUER, AUDIENCE = "https://idp.example", "billgraph-api"

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHORT_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=1024)
STRANGERS_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
P384_KEY = ec.generate_private_key(ec.SECP384R1())

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int, length: int | None = None) -> str:
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8))


def jwk_of(key: PrivateKey, kid: str, **members: Any) -> Jwk:
    if isinstance(key, rsa.RSAPrivateKey):
        public = key.public_key().public_numbers()
        return {"kty": "RSA", "kid": kid, "n": number(public.n), "e": number(public.e)} | members
    point, length = key.public_key().public_numbers(), (key.key_size + 7) // 8
    curve = {256: "P-256", 384: "P-384"}[key.key_size]
    return {
        "kty": "EC",
        "kid": kid,
        "crv": curve,
        "x": number(point.x, length),
        "y": number(point.y, length),
    } | members


KEYS: tuple[Jwk, ...] = (
    jwk_of(RSA_KEY, "rsa", use="sig", alg="RS256"),
    jwk_of(EC_KEY, "ec"),
    jwk_of(P384_KEY, "p384"),
    jwk_of(SHORT_RSA_KEY, "short"),
    jwk_of(RSA_KEY, "twice"),
    jwk_of(RSA_KEY, "twice"),
    jwk_of(RSA_KEY, "for encryption", use="enc"),
    jwk_of(RSA_KEY, "for RS512", alg="RS512"),
    jwk_of(RSA_KEY, "for signing", key_ops=["sign"]),
    {"kty": "RSA", "kid": "no modulus", "e": "AQAB"},
    {"kty": "RSA", "kid": "odd modulus", "n": 12, "e": ["AQAB"]},
    {"kty": "EC", "kid": "off the curve", "crv": "P-256", "x": "AQ", "y": "AQ"},
    {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"},
)


def issuers(*keys: Jwk, url: str = ISSUER, algorithms: tuple[str, ...] = ("RS256", "ES256")) -> Issuers:
    return Issuers(Issuer(url, AUDIENCE, frozenset(algorithms), FixedKeys(keys or KEYS)))


def claims(**changes: Any) -> dict[str, Any]:
    """Return good claims with `changes`; a change to `...` takes the claim away."""
    good = {
        "iss": ISSUER,
        "sub": "ann",
        "aud": AUDIENCE,
        "iat": NOW,
        "exp": NOW + 3600,
        "email": "ann@acme.example",
        "name": "Ann",
    }
    return {name: value for name, value in (good | changes).items() if value is not ...}


def header(**changes: Any) -> dict[str, Any]:
    good = {"alg": "RS256", "kid": "rsa", "typ": "at+jwt"}
    return {name: value for name, value in (good | changes).items() if value is not ...}


def sign(key: PrivateKey, message: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    length = (key.key_size + 7) // 8
    return r.to_bytes(length) + s.to_bytes(length)


def token(claims: dict[str, Any] | bytes, header: dict[str, Any] | bytes, *, key: PrivateKey | bytes = RSA_KEY) -> str:
    """Return a token signed with `key`; a key of bytes signs as HS256."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)]
    message = ".".join(b64(part) for part in parts)
    raw = message.encode()
    signature = hmac.digest(key, raw, "sha256") if isinstance(key, bytes) else sign(key, raw)
    return f"{message}.{b64(signature)}"


def public_pem(key: PrivateKey) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(encoding, form)
