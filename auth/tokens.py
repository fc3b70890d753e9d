"""Is this access token genuine, meant for us, and valid now?

One answer for every wrong token: `InvalidToken`. Its reason is for the log; telling the bearer which check failed
would tell a forger what to try next. Whatever the bytes are, nothing else is ever raised.

`aud` is the audience as a string, or a list of strings that contains it. It is the audience of the API and never
the client id of the sign-in, so an id token is no access token.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from unicodedata import category

from jose import jwk

from auth.issuers import KEY_TYPES, Issuer, Trusted
from auth.keys import Jwk
from auth.remembering import Remembered

LEEWAY = timedelta(seconds=30)
WITHOUT_EXPIRY = timedelta(minutes=2)
TOKEN_MAX = 8192
KID_MAX = 256
SUBJECT_MAX = 255
ISSUER_MAX = 500
DISPLAY_MAX = 320
AUDIENCES_MAX = 16
RSA_BITS_MIN = 2048

_PUBLIC_PARTS: Mapping[str, tuple[str, ...]] = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y")}
_REFUSED_HEADERS = frozenset({"crit", "jwk", "jku", "x5u", "x5c", "b64", "enc", "zip"})
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
_LAST_INSTANT = 250_000_000_000  # in the year 9892: the leeway still fits into a datetime


class InvalidToken(Exception):
    """The bearer token is not accepted. `reason` is for the log, never for the bearer."""

    def __init__(self, reason: str) -> None:
        super().__init__("the access token is not valid")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. `email` and `name` are empty when it does not say.

    `vouched_for` are the organizations in which its word counts; None is all of them. `payload` is everything it
    says, for those who look for more, and may be of any shape.
    """

    issuer: str
    subject: str
    email: str
    name: str
    issued_at: datetime
    expires_at: datetime
    vouched_for: frozenset[str] | None = None
    payload: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def authenticated_at(self) -> datetime:
        """Return when the person last proved who they are; the token's own instant where it does not say."""
        return self.signed_in_at or self.issued_at

    @property
    def signed_in_at(self) -> datetime | None:
        """Return when the person last proved who they are, or None where the token does not say.

        A token may be renewed for weeks without anybody being asked, so its own instant is no substitute.
        """
        said = self.payload.get("auth_time")
        if isinstance(said, int) and not isinstance(said, bool) and 0 <= said <= _LAST_INSTANT:
            return min(datetime.fromtimestamp(said, UTC), self.issued_at)
        return None


@dataclass(frozen=True, slots=True)
class Kind:
    """What a type of token may call itself, and which claims it may lack."""

    types: frozenset[str]
    optional: frozenset[str] = frozenset()


ACCESS = Kind(frozenset({"jwt", "at+jwt", "application/at+jwt"}))
LOGOUT = Kind(frozenset({"jwt", "logout+jwt", "application/logout+jwt"}), frozenset({"sub", "exp"}))
CLIENT_ASSERTION = Kind(
    frozenset({"jwt", "client-authentication+jwt", "application/client-authentication+jwt"}), frozenset({"iat"})
)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the bytes of a token say by themselves."""

    algorithm: str
    kid: str
    payload: dict[str, Any]
    signed: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class _Proof:
    """That an access token is genuine: it was signed with this key, and these were believed."""

    parts: _Parts
    key: Jwk
    signing: tuple[Issuer, ...]
    claims: Claims


_genuine: Remembered[_Proof] = Remembered(count_max=10_000, length_max=8 << 20)
"""What was proved never changes. Who is believed, with which keys, and when, is asked each time."""


async def verify_bearer(token: str, issuers: Trusted, *, at: datetime) -> Claims:
    """Return the claims of a genuine access token, or raise `InvalidToken`."""
    return await verify(token, issuers, ACCESS, at=at)


async def verify(token: str, issuers: Trusted, kind: Kind, *, at: datetime) -> Claims:
    """Return the claims of a genuine token of one kind, or raise `InvalidToken`."""
    proof = _genuine.get(token) if kind is ACCESS else None
    parts = _read(token, kind) if proof is None else proof.parts
    signing = await _signing(parts, issuers)
    _check_claims(parts.payload, kind, at)
    # Last, for it is the only step that costs anything: nothing is fetched for a token that is refused anyway.
    key = _only_key(await signing[0].keys.find(parts.kid, at=at))
    if proof is not None and proof.key is key and proof.signing == signing:
        return proof.claims
    _verify_signature(parts, key)
    claims = _claims(parts.payload, signing, at)
    if kind is ACCESS:
        _genuine.keep(token, _Proof(parts, key, signing, claims))
    return claims


def unverified(token: str) -> dict[str, Any]:
    """Return what a token says, believing nothing of it: only to find out who should have signed it."""
    return _parse(token)[1]


def _refuse(reason: str) -> NoReturn:
    raise InvalidToken(reason)


def _read(token: str, kind: Kind) -> _Parts:
    header, payload, signature = _parse(token)
    algorithm, kid = _checked_header(header, kind)
    return _Parts(algorithm, kid, payload, token.rpartition(".")[0].encode("ascii"), signature)


def _parse(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Return the header, the payload and the signature."""
    if len(token) > TOKEN_MAX:
        _refuse(f"longer than {TOKEN_MAX} characters")
    segments = token.split(".")
    if len(segments) != 3:
        _refuse(f"{len(segments)} parts instead of 3")
    header, payload, signature = map(_decoded, segments)
    return _json_object(header), _json_object(payload), signature


def _decoded(segment: str) -> bytes:
    """Return the bytes of canonical base64url, so that one token has one spelling."""
    if not _SEGMENT.fullmatch(segment) or len(segment) % 4 == 1:
        _refuse("a part is not base64url")
    decoded = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if urlsafe_b64encode(decoded).rstrip(b"=").decode() != segment:
        _refuse("a part has stray bits at its end")
    return decoded


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(text.decode(), object_pairs_hook=_without_repeats, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidToken(f"a part is not JSON: {type(error).__name__}") from error
    if not isinstance(parsed, dict):
        _refuse("a part is not a JSON object")
    return parsed


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) != len(pairs):
        _refuse("a name is given twice")
    return named


def _checked_header(header: dict[str, Any], accepted: Kind) -> tuple[str, str]:
    refused = _REFUSED_HEADERS & header.keys()
    if refused:
        _refuse(f"the header has {', '.join(sorted(refused))}")
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if not isinstance(algorithm, str) or algorithm not in KEY_TYPES:
        _refuse("the algorithm is not an asymmetric one we know")
    if not isinstance(kid, str) or not 0 < len(kid) <= KID_MAX:
        _refuse("the header names no key")
    if not isinstance(kind, str) or kind.lower() not in accepted.types:
        _refuse("this is another type of token")
    return algorithm, kid


async def _signing(parts: _Parts, issuers: Trusted) -> tuple[Issuer, ...]:
    """Return who is believed to have signed this. One who is believed everywhere needs nobody beside."""
    url = parts.payload.get("iss")
    if not isinstance(url, str) or len(url) > ISSUER_MAX:
        _refuse("the issuer is not trusted")
    first = issuers.everywhere(url)
    if first is not None and first.audience in _audiences(parts.payload) and parts.algorithm in first.algorithms:
        return (first,)
    believed = await issuers.named(url)
    if not believed:
        _refuse("the issuer is not trusted")
    audiences = _audiences(parts.payload)
    meant = tuple(each for each in believed if each.audience in audiences)
    if not meant:
        _refuse("it is meant for another audience")
    signing = tuple(each for each in meant if parts.algorithm in each.algorithms)
    if not signing:
        _refuse(f"the issuer does not sign with {parts.algorithm}")
    return signing


def _only_key(found: tuple[Jwk, ...]) -> Jwk:
    if len(found) != 1:
        _refuse(f"{len(found)} keys have this kid")
    return found[0]


def _verify_signature(parts: _Parts, key: Jwk) -> None:
    algorithm = parts.algorithm
    kty, crv = KEY_TYPES[algorithm]
    if key.get("kty") != kty or (crv is not None and key.get("crv") != crv):
        _refuse(f"the key is of another type than {algorithm} needs")
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        _refuse("the key is for another use")
    operations = key.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        _refuse("the key is not for verifying")
    public_parts = {part: key.get(part) for part in _PUBLIC_PARTS[kty]}
    try:
        # Only the public parts reach the library, whatever else the issuer published by mistake.
        public = jwk.construct(public_parts, algorithm)
        long_enough = kty == "EC" or public.prepared_key.key_size >= RSA_BITS_MIN  # type: ignore[attr-defined]
        genuine = long_enough and public.verify(parts.signed, parts.signature)
    except Exception as error:  # the library raises whatever its own libraries raise
        raise InvalidToken(f"the key is unusable: {type(error).__name__}") from error
    if not genuine:
        _refuse("the signature does not match, or its key is too short")


def _check_claims(payload: dict[str, Any], kind: Kind, at: datetime) -> None:
    if not ("exp" in kind.optional and "exp" not in payload) and at >= _instant(payload, "exp") + LEEWAY:
        _refuse("it has expired")
    if not ("iat" in kind.optional and "iat" not in payload) and at < _instant(payload, "iat") - LEEWAY:
        _refuse("it was issued in the future")
    if "nbf" in payload and at < _instant(payload, "nbf") - LEEWAY:
        _refuse("it is not valid yet")
    if not _text(payload, "sub", SUBJECT_MAX) and "sub" not in kind.optional:
        _refuse("it has no subject")


def _claims(payload: dict[str, Any], issuers: tuple[Issuer, ...], at: datetime) -> Claims:
    everywhere = any(issuer.organization_id is None for issuer in issuers)
    return Claims(
        issuer=issuers[0].url,
        subject=_text(payload, "sub", SUBJECT_MAX),
        email=_text(payload, "email", DISPLAY_MAX),
        name=_text(payload, "name", DISPLAY_MAX),
        issued_at=_instant(payload, "iat") if "iat" in payload else at,
        expires_at=_instant(payload, "exp") if "exp" in payload else at + WITHOUT_EXPIRY,
        vouched_for=None if everywhere else frozenset(str(issuer.organization_id) for issuer in issuers),
        payload=payload,
    )


def _audiences(payload: dict[str, Any]) -> list[str]:
    """Return whom a token is meant for."""
    said = payload.get("aud")
    listed = [said] if isinstance(said, str) else said
    if not isinstance(listed, list) or len(listed) > AUDIENCES_MAX:
        _refuse("it has no audience")
    if not all(isinstance(each, str) for each in listed):
        _refuse("it is meant for another audience")
    return listed


def _instant(payload: dict[str, Any], claim: str) -> datetime:
    seconds = payload.get(claim)
    # A bool is an int to Python; the comparison is also what turns away infinities.
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _LAST_INSTANT:
        _refuse(f"{claim} is not an instant")
    return datetime.fromtimestamp(seconds, UTC)


def _text(payload: dict[str, Any], claim: str, length_max: int) -> str:
    text = payload.get(claim, "")
    if not isinstance(text, str) or len(text) > length_max:
        _refuse(f"{claim} is not a text of at most {length_max} characters")
    # Lone surrogates and control characters would break the log, the database or the page further on.
    if any(category(character) in ("Cc", "Cs") for character in text):
        _refuse(f"{claim} has characters that are not text")
    return text
