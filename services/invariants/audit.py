"""Is the audit whole, and does it tell what happened?"""

import json

from models import audit as records
from models import events as log
from models.invariants.invariant import Books, Difference, Differences, of_organization
from services import audit

BATCH = 500


@of_organization
async def records_form_one_chain(books: Books) -> Differences:
    """Each audit record follows the one before it unchanged, and the chain ends where its kept end says."""
    found: list[Difference] = []
    async for fault in audit.faults(books.client, books.organization_id):
        found.append(Difference("audit chain", "every record, unchanged and in order", fault))
        if len(found) >= books.most:
            break
    return found


@of_organization
async def events_are_those_the_audit_recorded(books: Books) -> Differences:
    """The events that a command's audit record names say today what they said when it was recorded."""
    found: list[Difference] = []
    sequence, reader = 0, _Events(books)
    while batch := await records.after(books.client, books.organization_id, sequence, limit=BATCH):
        sequence = batch[-1].sequence
        for record in batch:
            changes = json.loads(record.attempt.changes)
            if changes["events"] is None:
                continue
            first, last = changes["events"]
            now = audit.digest(await reader.between(first, last))
            if now != changes["digest"]:
                what = f"digest of events {first} to {last}, audit record {record.sequence}"
                found.append(Difference(what, changes["digest"], now))
        if len(found) >= books.most:
            break
    return found[: books.most]


class _Events:
    """Reads the log once, in step with the records that name it; what is behind is forgotten."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._ahead: list[log.Event] = []
        self._read = 0

    async def between(self, first: int, last: int) -> list[tuple[int, str, str]]:
        """Return the events of a range that begins after every earlier one, as the audit digests them."""
        self._ahead = [event for event in self._ahead if event.sequence >= first]
        while self._read < last:
            batch = await log.after(self._books.client, self._books.organization_id, self._read, limit=BATCH)
            if not batch:
                break
            self._read = batch[-1].sequence
            self._ahead += [event for event in batch if event.sequence >= first]
        return [(each.sequence, each.kind, each.payload) for each in self._ahead if each.sequence <= last]
