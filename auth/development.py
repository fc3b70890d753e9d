"""How does a developer sign in without an identity provider at hand?

With a signing key that lives in a file of its own, and tokens for invented people. These tokens are as genuine as
any other to the verifier; what keeps them out of production is that nothing there ever lists their issuer.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from auth.signing import SigningKey

LIFETIME = timedelta(hours=1)


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
        "auth_time": int(at.timestamp()),
        "jti": secrets.token_urlsafe(16),
        "email": persona.email,
        "name": persona.name,
    }
