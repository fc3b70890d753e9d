"""Leave a record of every command: who, how they had signed in, what they asked for, what came of it.

Whatever reaches an organization is recorded, also what is refused by a rule or for want of a permission. The record
is written in the transaction of the command itself. A replay of an answered command is no new command and leaves none.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from auth.principal import Principal
from models import audit as rows
from models import events as log
from models.fields import dump
from models.sql import Client
from services.outcomes import Refused
from services.unit import Unit

INPUT_LENGTH_MAX: Final = 8_192
FACTS_MAX: Final = 64
FORBIDDEN: Final = "FORBIDDEN"
SECRET: Final = "secret"  # noqa: S105  # a name, not a value
"""The key that marks a field of a command, in its metadata, as one whose value is never recorded."""
_HIDDEN: Final = "[secret]"
_BATCH = 500


def attempt(unit: Unit, operation: str, asked: str, answer: Any, *, first_event: int, at: datetime) -> rows.Attempt:
    """Return what became of a command that reached its service."""
    refused = answer if isinstance(answer, Refused) else None
    return rows.Attempt(
        recorded_at=at,
        actor=unit.actor_id,
        method=unit.actor.method.value,
        issuer=unit.actor.issuer,
        request_id=unit.request_id,
        operation=operation,
        outcome="DONE" if refused is None else "REFUSED",
        code=refused.code.value if refused else None,
        message=refused.message if refused else None,
        input=asked,
        changes=changes(unit.events, first=first_event),
    )


async def append(client: Client, organization_id: str, attempts: Sequence[rows.Attempt]) -> None:
    """Record attempts, in their order."""
    await rows.append_all(client, organization_id, attempts)


async def note_turned_away(
    client: Client,
    organization_id: str,
    actor: Principal,
    operation: str,
    *,
    code: str,
    message: str,
    request_id: str,
    at: datetime,
) -> None:
    """Record that a member asked for something of which nothing was read and nothing done.

    With the code FORBIDDEN because their role does not include it, else because the input cannot be read.
    """
    attempt = rows.Attempt(
        recorded_at=at,
        actor=actor.actor_id(organization_id),
        method=actor.method.value,
        issuer=actor.issuer,
        request_id=request_id,
        operation=operation,
        outcome=FORBIDDEN if code == FORBIDDEN else "REFUSED",
        code=code,
        message=message,
        input="{}",
        changes=changes((), first=1),
    )
    await rows.append(client, organization_id, attempt)


def asked(command: Any, body: Mapping[str, Any], text: str) -> str:
    """Return the input to record: without secrets, and only a digest of one too long to keep beside its effects.

    `body` is the command as a document, `text` that document as `dump` writes it.
    """
    assert is_dataclass(command), "a command is a dataclass"
    secret = {field.name for field in fields(command) if field.metadata.get(SECRET)}
    if secret:
        text = dump({name: _HIDDEN if name in secret else value for name, value in body.items()})
    if len(text) <= INPUT_LENGTH_MAX:
        return text
    return dump({"digest": sha256(text.encode()).hexdigest(), "length": len(text)})


def changes(events: Sequence[log.NewEvent], *, first: int) -> str:
    """Return what a command changed: its events by number, a digest of them, and the facts before and after.

    Of a command with very many events only the digest is kept; the facts themselves are in the log.
    """
    if not events:
        return dump({"events": None, "digest": None, "facts": []})
    last = first + len(events) - 1
    facts = [
        {"event": number, "kind": event.kind, "before": event.before, "after": event.payload}
        for number, event in enumerate(events[:FACTS_MAX], start=first)
    ]
    told = digest((number, event.kind, dump(event.payload)) for number, event in enumerate(events, start=first))
    return dump({"events": [first, last], "digest": told, "facts": facts if len(events) <= FACTS_MAX else None})


def digest(events: Any) -> str:
    """Return a digest over `(number, kind, payload)` of events, payloads as the log's own text."""
    whole = sha256()
    for number, kind, payload in events:
        whole.update(dump([number, kind, payload]).encode())
    return whole.hexdigest()


async def faults(client: Client, organization_id: str) -> AsyncIterator[str]:
    """Yield what is wrong with an organization's chain, nothing when every record is there, unchanged and in order."""
    previous, expected = rows.START, 1
    while batch := await rows.after(client, organization_id, previous.sequence, limit=_BATCH):
        for record in batch:
            if record.sequence != expected:
                yield f"audit records {expected} to {record.sequence - 1} are missing"
            elif record.previous_hash != previous.hash:
                yield f"audit record {record.sequence} does not follow the one before it"
            if not record.is_true:
                yield f"audit record {record.sequence} was changed"
            previous, expected = rows.Head(record.sequence, record.hash), record.sequence + 1
    end = await rows.head(client, organization_id)
    if end.sequence > previous.sequence:
        yield f"audit records {previous.sequence + 1} to {end.sequence} are missing"
    elif end != previous:
        yield f"the chain ends with record {previous.sequence}, its kept end says {end.sequence}"
