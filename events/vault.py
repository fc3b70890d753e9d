"""How is a secret kept that must be used again?

A signing secret cannot be hashed: every message is signed with it. With a key configured it is encrypted at rest
(Fernet: AES and HMAC, from `cryptography`), so that a stolen database signs nothing. The first key encrypts and every
key decrypts: put a new one in front, and the old one may go when what it sealed has been rotated.

>>> vault = Vault([Vault.new_key()])
>>> vault.open(vault.seal("whsec_c2VjcmV0"))
'whsec_c2VjcmV0'
"""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_PLAIN, _SEALED = "plain:", "fernet:"


class Unreadable(Exception):
    """What was sealed cannot be opened with any of the keys."""


class Vault:
    """Seals texts with the first of its keys; without a key it keeps them as they are, for development."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        """Raise `ValueError` for a key that is not 32 bytes in url-safe base64."""
        self._fernet = MultiFernet([Fernet(key) for key in keys]) if keys else None

    @staticmethod
    def new_key() -> str:
        """Return a new random key."""
        return Fernet.generate_key().decode()

    def seal(self, text: str) -> str:
        """Return `text` as it is kept."""
        if self._fernet is None:
            return f"{_PLAIN}{text}"
        return f"{_SEALED}{self._fernet.encrypt(text.encode()).decode()}"

    def open(self, sealed: str) -> str:
        """Return the text that was sealed; raise `Unreadable` where the key to it is not here."""
        if sealed.startswith(_PLAIN):
            return sealed.removeprefix(_PLAIN)
        if self._fernet is None:
            raise Unreadable("a webhook secret is encrypted, and no key is configured")
        try:
            return self._fernet.decrypt(sealed.removeprefix(_SEALED).encode()).decode()
        except InvalidToken as error:
            raise Unreadable("a webhook secret is encrypted with a key that is not configured") from error
