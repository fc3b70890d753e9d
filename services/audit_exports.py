"""Everything that was asked of an organization, record by record, for an auditor's own tools."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from billing.periods import to_microseconds
from models import audit as rows
from models.sql import Client

COLUMNS: Final = (
    "sequence",
    "recorded_at",
    "recorded_at_microseconds",
    "actor",
    "method",
    "issuer",
    "request_id",
    "operation",
    "outcome",
    "code",
    "message",
    "input",
    "changes",
    "previous_hash",
    "hash",
)
_BATCH: Final = 500


async def records(client: Client, organization_id: str, selection: rows.Selection) -> AsyncIterator[Mapping[str, Any]]:
    """Yield the selected records, oldest first, a batch of them in memory at a time."""
    last = 0
    while batch := await rows.after(client, organization_id, last, limit=_BATCH, selection=selection):
        for record in batch:
            yield _shown(record)
        last = batch[-1].sequence


def _shown(record: rows.Record) -> Mapping[str, Any]:
    attempt = record.attempt
    return {
        "sequence": record.sequence,
        "recorded_at": attempt.recorded_at.isoformat(),
        "recorded_at_microseconds": to_microseconds(attempt.recorded_at),
        "actor": attempt.actor,
        "method": attempt.method,
        "issuer": attempt.issuer,
        "request_id": attempt.request_id,
        "operation": attempt.operation,
        "outcome": attempt.outcome,
        "code": attempt.code,
        "message": attempt.message,
        "input": json.loads(attempt.input),
        "changes": json.loads(attempt.changes),
        "previous_hash": record.previous_hash,
        "hash": record.hash,
    }
