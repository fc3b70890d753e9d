"""Keys that tests sign with. Making one takes longer than most tests, so they are made once and known by number."""

import os
from functools import cache
from pathlib import Path

from auth.signing import SigningKey


@cache
def a_key(number: int = 0) -> SigningKey:
    """Return the key of this number, the same for the whole run."""
    return SigningKey.generate()


def a_key_file(folder: Path) -> Path:
    """Return a file that holds the key number 0, as a house in development keeps it."""
    path = folder / "key.pem"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(a_key().pem)
    return path
