"""Could every answer that was kept be given again?

A client that repeats a request gets the answer of the first time. An answer that cannot be read any more, because its
type was renamed or its row was touched, is a fault that a retry would meet.
"""

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from models import idempotency
from models.invariants.invariant import Books, Difference, Differences, Shelf, of_database, of_organization
from models.sql import Client
from services import answers, organizations
from services.dispatch import Verb

BATCH = 1_000
OPENING = "organizations.create"
_DIGEST = re.compile(r"[0-9a-f]{64}")


@of_organization
async def kept_answers_can_be_given_again(books: Books) -> Differences:
    """Every answer kept under an idempotency key can be read as an answer of its operation."""
    return await _unreadable(books.client, books.organization_id, books.most)


@of_database
async def answers_kept_for_accounts_can_be_given_again(shelf: Shelf) -> Differences:
    """What is kept for an account, and not for an organization, is the answer to opening one, and can be read."""
    found: list[Difference] = []
    for scope in await idempotency.account_scopes(shelf.client, limit=10_000):
        found += await _unreadable(shelf.client, scope, shelf.most)
    return found[: shelf.most]


async def _unreadable(client: Client, scope: str, most: int) -> list[Difference]:
    found: list[Difference] = []
    after = ""
    while batch := await idempotency.kept_after(client, scope, after, limit=BATCH):
        after = batch[-1]["key"]
        faults = [(row, fault) for row in batch if (fault := _fault(row)) is not None]
        found += [Difference(f"answer under the key {row['key']!r}", row["operation"], fault) for row, fault in faults]
        if len(found) >= most:
            break
    return found[:most]


def _fault(row: dict[str, Any]) -> str | None:
    if not _DIGEST.fullmatch(row["digest"]):
        return f"a digest of {row['digest']!r}"
    function = _function(row["operation"])
    if function is None:
        return "an operation that does not exist"
    try:
        answers.decode(function, row["answer"])
    except (ValueError, LookupError, TypeError) as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"
    return None


@cache
def _function(operation: str) -> Callable[..., Any] | None:
    """Return the function whose answers are kept under this name, or None where there is none any more."""
    if operation == OPENING:
        return organizations.create
    module, _, name = operation.rpartition(".")
    try:
        found = getattr(import_module(module), name, None)
    except (ImportError, ValueError):
        return None
    return found.service if isinstance(found, Verb) else None
