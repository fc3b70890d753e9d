"""How does a developer sign in without an identity provider at hand?

With a signing key that lives in a file of its own, and tokens for invented people. These tokens are as genuine as
any other to the verifier; what keeps them out of production is that nothing there ever lists their issuer.
"""

import json
import os
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jose import jwk, jws

ALGORITHM = "RS256"
LIFETIME = timedelta(hours=1)


class UnsafeKeyFile(RuntimeError):
    """Others on this machine may read the file with the signing key."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key, the text of its public half, and the thumbprint that names it."""

    kid: str
    public: dict[str, str]
    _pem: str = field(repr=False)

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """Return the key kept at `path`; create it, for the owner's eyes only, where there is none."""
        if not path.exists():
            _create(path)
        if path.stat().st_mode & 0o077:
            raise UnsafeKeyFile(f"{path} can be read by others: chmod 600 it, or delete it to get a new key")
        return cls._of(path.read_text("ascii"))

    @classmethod
    def _of(cls, pem: str) -> Self:
        found = jwk.construct(pem, ALGORITHM).public_key().to_dict()
        members = {"e": str(found["e"]), "kty": "RSA", "n": str(found["n"])}  # RFC 7638: exactly these, in this order
        digest = sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
        kid = urlsafe_b64encode(digest).rstrip(b"=").decode()
        return cls(kid, {**members, "kid": kid, "alg": ALGORITHM, "use": "sig"}, pem)

    def sign(self, claims: dict[str, Any], *, kind: str) -> str:
        """Return `claims` as a signed token of type `kind`."""
        return jws.sign(claims, self._pem, {"kid": self.kid, "typ": kind}, ALGORITHM)


@dataclass(frozen=True, slots=True)
class Persona:
    """An invented person: who it is, and the slug of the organization it is at home in."""

    email: str
    name: str
    organization: str


def subject_of(email: str) -> str:
    """Return the subject of the persona with this address.

    >>> subject_of("Owner@pooled.example")
    'dev|owner@pooled.example'
    """
    return f"dev|{email.lower()}"


def mint_access_token(
    key: SigningKey, persona: Persona, *, issuer: str, audience: str, at: datetime, lifetime: timedelta = LIFETIME
) -> str:
    """Return a token with which `persona` may call the API until `lifetime` has passed."""
    return key.sign(_claims(persona, issuer, audience, at, lifetime), kind="at+jwt")


def mint_id_token(
    key: SigningKey, persona: Persona, *, issuer: str, client_id: str, nonce: str | None, at: datetime
) -> str:
    """Return a token that tells the client `client_id` who signed in."""
    claims = _claims(persona, issuer, client_id, at, LIFETIME) | {"email_verified": True}
    if nonce is not None:
        claims["nonce"] = nonce
    return key.sign(claims, kind="JWT")


def _claims(persona: Persona, issuer: str, audience: str, at: datetime, lifetime: timedelta) -> dict[str, Any]:
    return {
        "iss": issuer,
        "sub": subject_of(persona.email),
        "aud": audience,
        "iat": int(at.timestamp()),
        "exp": int((at + lifetime).timestamp()),
        "jti": secrets.token_urlsafe(16),
        "email": persona.email,
        "name": persona.name,
    }


def _create(path: Path) -> None:
    """Write a new key to `path`; where another process was faster, its key stays."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    try:
        # A link is made whole or not at all, so nobody ever reads half a key.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
