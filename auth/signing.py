"""With which key is something signed, and how do others know it?

RS256, because every party we may meet can verify it. A key is named by its thumbprint (RFC 7638), so a name never
means two keys. In development it lives in a file of its own, elsewhere sealed in the database.
"""

import json
import os
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jose import jwk, jws
from jose.backends.base import Key

ALGORITHM = "RS256"


class UnsafeKeyFile(RuntimeError):
    """Others on this machine may read the file with the signing key."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key, the text of its public half, and the thumbprint that names it."""

    kid: str
    public: dict[str, str]
    pem: str = field(repr=False)
    private: Key = field(repr=False, compare=False)
    """The key in `pem`, read and checked: that takes as long as a hundred signatures, so it is done once."""

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """Return the key kept at `path`; create it, for the owner's eyes only, where there is none."""
        if not path.exists():
            _create(path)
        if path.stat().st_mode & 0o077:
            raise UnsafeKeyFile(f"{path} can be read by others: chmod 600 it, or delete it to get a new key")
        return cls.of(path.read_text("ascii"))

    @classmethod
    def generate(cls) -> Self:
        """Return a new key."""
        return cls.of(_new_pem().decode("ascii"))

    @classmethod
    def of(cls, pem: str) -> Self:
        """Return the key with this private half."""
        private = jwk.construct(pem, ALGORITHM)
        found = private.public_key().to_dict()
        members = {"e": str(found["e"]), "kty": "RSA", "n": str(found["n"])}  # RFC 7638: exactly these, in this order
        digest = sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
        kid = urlsafe_b64encode(digest).rstrip(b"=").decode()
        return cls(kid, {**members, "kid": kid, "alg": ALGORITHM, "use": "sig"}, pem, private)

    def sign(self, claims: dict[str, Any], *, kind: str) -> str:
        """Return `claims` as a signed token of type `kind`."""
        return jws.sign(claims, self.private, {"kid": self.kid, "typ": kind}, ALGORITHM)


def _create(path: Path) -> None:
    """Write a new key to `path`; where another process was faster, its key stays."""
    pem = _new_pem()
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


def _new_pem() -> bytes:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
