"""How is a secret kept that we must be able to read again?

Encrypted with AES-256-GCM under a key derived from the operator's data secret, and bound to the place it is kept in:
the same text copied to another row does not open there. The first secret seals; all of them open, so that a new one
can be put in front and the old one taken away once everything was sealed again.

>>> sealer = Sealer(["a data secret of at least thirty-two characters"])
>>> sealer.open(sealer.seal("hunter2", place="row 1"), place="row 1")
'hunter2'
>>> sealer.open(sealer.seal("hunter2", place="row 1"), place="row 2")
Traceback (most recent call last):
    ...
auth.sealing.CannotOpen: this was sealed elsewhere, or with a data secret that is not configured
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = "1"
_NONCE_BYTES = 12


class CannotOpen(Exception):
    """A sealed text is not for this place, was changed, or its key is gone."""

    def __init__(self) -> None:
        super().__init__("this was sealed elsewhere, or with a data secret that is not configured")


class Sealer:
    """Seals and opens small texts."""

    def __init__(self, data_secrets: Sequence[str]) -> None:
        if not data_secrets:
            raise ValueError("there must be a data secret")
        self._keys = {sha256(secret.encode()).hexdigest()[:8]: _derived(secret, b"seal") for secret in data_secrets}
        self._fingerprint = _derived(data_secrets[0], b"fingerprint")

    def seal(self, text: str, *, place: str) -> str:
        """Return `text` in a form that only `open` with the same place can read."""
        key_id, key = next(iter(self._keys.items()))
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, text.encode(), place.encode())
        return ".".join((_VERSION, key_id, urlsafe_b64encode(nonce + sealed).decode()))

    def open(self, sealed: str, *, place: str) -> str:
        """Return the text that was sealed for this place, or raise `CannotOpen`."""
        version, _, rest = sealed.partition(".")
        key_id, _, body = rest.partition(".")
        if version != _VERSION or key_id not in self._keys:
            raise CannotOpen
        raw = urlsafe_b64decode(body)
        try:
            return AESGCM(self._keys[key_id]).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.encode()).decode()
        except InvalidTag as error:
            raise CannotOpen from error

    def fingerprint(self, text: str) -> str:
        """Return what equal texts have in common, and from which nobody without the data secret learns anything."""
        return hmac.digest(self._fingerprint, text.encode(), "sha256").hex()


def _derived(secret: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=b"billgraph/" + purpose).derive(secret.encode())
