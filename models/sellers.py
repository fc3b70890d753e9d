"""How is a seller printed? As its settings said when the process that issues invoices began."""

import json
from collections.abc import Mapping
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from models.fields import dump
from models.sql import Statement

_REMEMBER = Statement("""
    INSERT INTO sellers (key, document) VALUES (:key, :document)
    ON CONFLICT (key) DO UPDATE SET document = :document
""")
_FIND = Statement("SELECT document FROM sellers WHERE key = :key")


async def remember(client: BaseDBAsyncClient, sellers: Mapping[str, Mapping[str, Any]]) -> None:
    """Keep how each seller is printed from now on; what was issued keeps what it says."""
    for key, document in sorted(sellers.items()):
        await _REMEMBER.run(client, key=key, document=dump(document))


async def find(client: BaseDBAsyncClient, key: str) -> dict[str, Any] | None:
    """Return how a seller is printed, or None for one that no settings describe."""
    row = await _FIND.first(client, key=key)
    return None if row is None else dict(json.loads(row["document"]))
