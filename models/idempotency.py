"""Has this command been answered before?

One row per (organization, key): what was asked, as a digest, and what was answered, as text. The row is written in
the transaction of the command itself, so there is an answer exactly when there is an effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tortoise.backends.base.client import BaseDBAsyncClient

from billing.periods import to_microseconds
from models.inserting import INTEGER, TEXT, Insert
from models.sql import Row, Statement

_FIND = Statement("""
    SELECT operation, digest, answer FROM idempotency_keys WHERE organization_id = :organization_id AND key = :key
""")
_FIND_MANY = Statement("""
    SELECT key, operation, digest, answer FROM idempotency_keys
    WHERE organization_id = :organization_id AND key IN :keys[]
""")
_INSERT = Insert(
    "idempotency_keys",
    {"organization_id": TEXT, "key": TEXT, "operation": TEXT, "digest": TEXT, "answer": TEXT, "created_at": INTEGER},
)
_KEPT_AFTER = Statement("""
    SELECT key, operation, digest, answer FROM idempotency_keys
    WHERE organization_id = :organization_id AND key > :after ORDER BY key LIMIT :limit
""")
_ACCOUNTS = Statement("""
    SELECT DISTINCT k.organization_id AS scope FROM idempotency_keys k
    WHERE NOT EXISTS (SELECT 1 FROM organizations o WHERE o.organization_id = k.organization_id)
    ORDER BY k.organization_id LIMIT :limit
""")


async def find(client: BaseDBAsyncClient, organization_id: str, key: str) -> Row | None:
    """Return `operation`, `digest` and `answer` of an earlier command with this key."""
    return await _FIND.first(client, organization_id=organization_id, key=key)


async def find_many(client: BaseDBAsyncClient, organization_id: str, keys: Sequence[str]) -> dict[str, Row]:
    """Return `operation`, `digest` and `answer` of earlier commands, by their key."""
    rows = await _FIND_MANY.rows(client, organization_id=organization_id, keys=keys)
    return {row["key"]: row for row in rows}


@dataclass(frozen=True, slots=True)
class Answered:
    """A command under its key, with what was answered."""

    key: str
    operation: str
    digest: str
    answer: str
    at: datetime


async def insert(client: BaseDBAsyncClient, scope: str, answers: Sequence[Answered]) -> None:
    """Keep the answers of commands of one organization or account."""
    rows = [(scope, each.key, each.operation, each.digest, each.answer, to_microseconds(each.at)) for each in answers]
    await _INSERT.rows(client, rows)


async def kept_after(client: BaseDBAsyncClient, scope: str, after: str, *, limit: int) -> list[Row]:
    """Return up to `limit` answers of an organization or account whose keys follow the given one."""
    return await _KEPT_AFTER.rows(client, organization_id=scope, after=after, limit=limit)


async def account_scopes(client: BaseDBAsyncClient, *, limit: int) -> list[str]:
    """Return the accounts, not organizations, for which answers are kept."""
    return [row["scope"] for row in await _ACCOUNTS.rows(client, limit=limit)]
