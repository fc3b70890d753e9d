"""Who tried what, and what came of it?

One record for each command, done or refused, in the order of the organization's turns. A record carries a hash over
itself and the hash before it, so that whoever changes, removes or reorders one must rewrite all that follow, and the
end of the chain, which is kept beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import sha256
from typing import Any

from billing.periods import from_microseconds, to_microseconds
from models.fields import dump
from models.inserting import INTEGER, TEXT, Insert
from models.paging import Page, Window
from models.sql import Client, Row, Statement

SEQUENCE_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Attempt:
    """A command and what came of it, before it has its place in the chain. `input` and `changes` are JSON text."""

    recorded_at: datetime
    actor: str
    method: str
    issuer: str
    request_id: str
    operation: str
    outcome: str
    code: str | None
    message: str | None
    input: str
    changes: str


@dataclass(frozen=True, slots=True)
class Head:
    """The end of an organization's chain."""

    sequence: int
    hash: str


START = Head(0, "")
"""The end of a chain without a record."""


@dataclass(frozen=True, slots=True)
class Record:
    """One link of the chain."""

    organization_id: str
    sequence: int
    attempt: Attempt
    previous_hash: str
    hash: str

    @property
    def is_true(self) -> bool:
        """Whether the record still is what its hash was made over."""
        return self.hash == link(self.organization_id, self.sequence, self.attempt, self.previous_hash)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records: of some operations, outcomes and actors, within a half-open span of time; empty means any."""

    operations: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def parameters(self) -> Row:
        """The selection as parameters of a statement."""
        return {
            "every_operation": int(not self.operations),
            "operations": self.operations,
            "every_outcome": int(not self.outcomes),
            "outcomes": self.outcomes,
            "every_actor": int(not self.actors),
            "actors": self.actors,
            "since": to_microseconds(self.since) if self.since else 0,
            "until": to_microseconds(self.until) if self.until else SEQUENCE_MAX,
        }


EVERYTHING = Selection()
NOTHING = Selection(operations=("",))  # no operation has the empty name

_COLUMNS = ", ".join(("organization_id", "sequence", *(field.name for field in fields(Attempt)), "previous_hash, hash"))
_HEAD = Statement("SELECT sequence, hash FROM audit_heads WHERE organization_id = :organization_id")
_SET_HEAD = Statement("""
    INSERT INTO audit_heads (organization_id, sequence, hash) VALUES (:organization_id, :sequence, :hash)
    ON CONFLICT (organization_id) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash
""")
_INSERT = Insert(
    "audit_records",
    {
        "organization_id": TEXT,
        "sequence": INTEGER,
        **{field.name: INTEGER if field.name == "recorded_at" else TEXT for field in fields(Attempt)},
        "previous_hash": TEXT,
        "hash": TEXT,
    },
)
_BETWEEN = """
    FROM audit_records
    WHERE organization_id = :organization_id AND sequence > :floor AND sequence < :ceiling
      AND (:every_operation = 1 OR operation IN :operations[])
      AND (:every_outcome = 1 OR outcome IN :outcomes[])
      AND (:every_actor = 1 OR actor IN :actors[])
      AND recorded_at >= :since AND recorded_at < :until
"""
_NEWEST = Statement(f"SELECT {_COLUMNS} {_BETWEEN} ORDER BY sequence DESC LIMIT :limit")  # constants
_OLDEST = Statement(f"SELECT {_COLUMNS} {_BETWEEN} ORDER BY sequence LIMIT :limit")  # constants
_COUNT = Statement(f"SELECT count(*) AS total {_BETWEEN}")  # constants


def link(organization_id: str, sequence: int, attempt: Attempt, previous_hash: str) -> str:
    """Return the hash of a record: SHA-256 over everything it says and the hash before it."""
    said = [getattr(attempt, field.name) for field in fields(attempt) if field.name != "recorded_at"]
    parts = [previous_hash, organization_id, sequence, to_microseconds(attempt.recorded_at), *said]
    return sha256(dump(parts).encode()).hexdigest()


async def head(client: Client, organization_id: str) -> Head:
    """Return the end of an organization's chain."""
    row = await _HEAD.first(client, organization_id=organization_id)
    return Head(row["sequence"], row["hash"]) if row else START


async def append(client: Client, organization_id: str, attempt: Attempt) -> Record:
    """Add a link to the chain. The caller holds the organization's turn to write."""
    (record,) = await append_all(client, organization_id, [attempt])
    return record


async def append_all(client: Client, organization_id: str, attempts: Sequence[Attempt]) -> list[Record]:
    """Add links to the chain, in order. The caller holds the organization's turn to write."""
    end = await head(client, organization_id)
    records: list[Record] = []
    for attempt in attempts:
        place = end.sequence + 1
        following = Head(place, link(organization_id, place, attempt, end.hash))
        records.append(Record(organization_id, place, attempt, end.hash, following.hash))
        end = following
    await _INSERT.rows(client, [_row(record) for record in records])
    await _SET_HEAD.run(client, organization_id=organization_id, sequence=end.sequence, hash=end.hash)
    return records


async def after(
    client: Client, organization_id: str, sequence: int, *, limit: int, selection: Selection = EVERYTHING
) -> list[Record]:
    """Return up to `limit` selected records that follow number `sequence`, oldest first."""
    rows = await _OLDEST.rows(
        client,
        organization_id=organization_id,
        floor=sequence,
        ceiling=SEQUENCE_MAX,
        limit=limit,
        **selection.parameters,
    )
    return [_record(row) for row in rows]


async def page_newest_first(
    client: Client, organization_id: str, window: Window, selection: Selection = EVERYTHING
) -> Page[Record]:
    """Return one page of the records, newest first; cursors are sequence numbers as text."""
    rows = await (_OLDEST if window.from_end else _NEWEST).rows(
        client,
        organization_id=organization_id,
        floor=int(window.before) if window.before is not None else 0,
        ceiling=int(window.after) if window.after is not None else SEQUENCE_MAX,
        limit=window.size + 1,
        **selection.parameters,
    )
    more, shown = len(rows) > window.size, [_record(row) for row in rows[: window.size]]
    if window.from_end:
        return Page(tuple(reversed(shown)), has_next=window.before is not None, has_previous=more)
    return Page(tuple(shown), has_next=more, has_previous=window.after is not None)


async def count(client: Client, organization_id: str, selection: Selection = EVERYTHING) -> int:
    """Return how many records are selected."""
    span = {"floor": 0, "ceiling": SEQUENCE_MAX}
    row = await _COUNT.first(client, organization_id=organization_id, **span, **selection.parameters)
    return int(row["total"]) if row else 0


async def find(client: Client, organization_id: str, sequence: int) -> Record | None:
    """Return one record by its number."""
    found = await after(client, organization_id, sequence - 1, limit=1)
    return found[0] if found and found[0].sequence == sequence else None


def _row(record: Record) -> tuple[Any, ...]:
    said = [getattr(record.attempt, field.name) for field in fields(Attempt) if field.name != "recorded_at"]
    at = to_microseconds(record.attempt.recorded_at)
    return record.organization_id, record.sequence, at, *said, record.previous_hash, record.hash


def _record(row: Row) -> Record:
    said: dict[str, Any] = {field.name: row[field.name] for field in fields(Attempt)}
    return Record(
        row["organization_id"],
        row["sequence"],
        Attempt(**said | {"recorded_at": from_microseconds(row["recorded_at"])}),
        row["previous_hash"],
        row["hash"],
    )
