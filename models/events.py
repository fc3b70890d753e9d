"""What has happened in an organization, in order and without gaps?

The next number comes from the organization's own row, in the transaction that writes the event. A database sequence
would hand out numbers that commit out of order, and a reader asking for "all after 41" would miss 40 for good.

On PostgreSQL the same statement leaves a notice that other processes get at the commit, and never without it. The
notice names the organization and nothing else: it says where to look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from billing.periods import from_microseconds, to_microseconds
from models.fields import dump
from models.inserting import INTEGER, TEXT, Insert
from models.paging import Page, Window
from models.sql import Row, Statement


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event on its way into the log. `member_id` names whom it concerns, where it concerns one person.

    `before` is what the payload's facts were until now. The audit keeps it; the log, which tells news, does not.
    """

    kind: str
    version: int
    payload: dict[str, Any]
    member_id: str | None = None
    before: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the log. `payload` is JSON text."""

    organization_id: str
    sequence: int
    kind: str
    version: int
    occurred_at: datetime
    actor: str
    request_id: str
    member_id: str | None
    payload: str


NOTICES = "billgraph_events"
"""The channel of PostgreSQL on which commits are announced."""

_TAKE_NUMBERS = Statement("""
    UPDATE organizations SET event_sequence = event_sequence + CAST(:count AS BIGINT)
    WHERE organization_id = :organization_id RETURNING event_sequence
""")
_TAKE_NUMBERS_AND_NOTIFY = Statement(f"""
    UPDATE organizations SET event_sequence = event_sequence + CAST(:count AS BIGINT)
    WHERE organization_id = :organization_id
    RETURNING event_sequence, pg_notify('{NOTICES}', organization_id)
""")  # noqa: S608  # a constant
_INSERT = Insert(
    "events",
    {
        "organization_id": TEXT,
        "sequence": INTEGER,
        "kind": TEXT,
        "version": INTEGER,
        "occurred_at": INTEGER,
        "actor": TEXT,
        "request_id": TEXT,
        "member_id": TEXT,
        "payload": TEXT,
    },
)
_COLUMNS = ", ".join(_INSERT.columns)
_AFTER = Statement(f"""
    SELECT {_COLUMNS} FROM events
    WHERE organization_id = :organization_id AND sequence > :sequence
    ORDER BY sequence LIMIT :limit
""")  # noqa: S608  # a constant
_BETWEEN = """
    FROM events
    WHERE organization_id = :organization_id AND sequence > :floor AND sequence < :ceiling
      AND (:every_kind = 1 OR kind IN :kinds[])
      AND (:everybody = 1 OR member_id = :member_id)
"""
_NEWEST = Statement(f"SELECT {_COLUMNS} {_BETWEEN} ORDER BY sequence DESC LIMIT :limit")  # constants
_OLDEST = Statement(f"SELECT {_COLUMNS} {_BETWEEN} ORDER BY sequence LIMIT :limit")  # constants
_OF_DELIVERIES = Statement(f"""
    SELECT d.id AS delivery_id, {", ".join(f"e.{column}" for column in _COLUMNS.split(", "))} FROM webhook_deliveries d
    JOIN events e ON e.organization_id = d.organization_id AND e.sequence = d.sequence
    WHERE d.organization_id = :organization_id AND d.id IN :delivery_ids[]
""")  # noqa: S608  # a constant
_REPLAYABLE = Statement("""
    SELECT sequence, kind FROM events
    WHERE organization_id = :organization_id AND sequence > :after AND sequence <= :up_to AND occurred_at >= :since
      AND (:every_kind = 1 OR kind IN :kinds[]) AND kind <> :not_kind
    ORDER BY sequence LIMIT :limit
""")
_AT = Statement("""
    SELECT occurred_at FROM events WHERE organization_id = :organization_id AND sequence = :sequence
""")
_COUNT = Statement(f"SELECT count(*) AS total {_BETWEEN}")  # constants
_HEAD = Statement("SELECT event_sequence FROM organizations WHERE organization_id = :organization_id")
_HEADS = Statement("""
    SELECT organization_id, event_sequence FROM organizations WHERE organization_id IN :organization_ids[]
""")

SEQUENCE_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Told:
    """The events of one command: when it happened, who acted and in which request."""

    events: Sequence[NewEvent]
    at: datetime
    actor: str
    request_id: str


async def append(
    client: BaseDBAsyncClient,
    organization_id: str,
    events: Sequence[NewEvent],
    *,
    at: datetime,
    actor: str,
    request_id: str,
) -> int:
    """Append `events` in order and return the number of the last one."""
    return await append_all(client, organization_id, [Told(events, at, actor, request_id)])


async def append_all(client: BaseDBAsyncClient, organization_id: str, commands: Sequence[Told]) -> int:
    """Append the events of several commands in order and return the number of the last one."""
    take = _TAKE_NUMBERS if client.capabilities.dialect == "sqlite" else _TAKE_NUMBERS_AND_NOTIFY
    count = sum(len(told.events) for told in commands)
    row = await take.first(client, organization_id=organization_id, count=count)
    assert row is not None, "an event belongs to an organization that exists"
    last = int(row["event_sequence"])
    numbers = iter(range(last - count + 1, last + 1))
    rows = [
        (
            organization_id,
            next(numbers),
            event.kind,
            event.version,
            to_microseconds(told.at),
            told.actor,
            told.request_id,
            event.member_id,
            dump(event.payload),
        )
        for told in commands
        for event in told.events
    ]
    await _INSERT.rows(client, rows)
    return last


async def after(client: BaseDBAsyncClient, organization_id: str, sequence: int, *, limit: int) -> list[Event]:
    """Return up to `limit` events that follow number `sequence`, oldest first."""
    rows = await _AFTER.rows(client, organization_id=organization_id, sequence=sequence, limit=limit)
    return [_event(row) for row in rows]


async def head(client: BaseDBAsyncClient, organization_id: str) -> int:
    """Return the number of the newest event, 0 where there is none."""
    row = await _HEAD.first(client, organization_id=organization_id)
    return int(row["event_sequence"]) if row else 0


async def heads(client: BaseDBAsyncClient, organization_ids: Sequence[str]) -> dict[str, int]:
    """Return the number of the newest event of each of the organizations."""
    rows = await _HEADS.rows(client, organization_ids=organization_ids)
    return {row["organization_id"]: int(row["event_sequence"]) for row in rows}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events of an organization: of some kinds, or of all, and those that concern one member, or all."""

    kinds: tuple[str, ...] = ()
    member_id: str | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """The selection as parameters of a statement."""
        return {
            "every_kind": int(not self.kinds),
            "kinds": self.kinds,
            "everybody": int(self.member_id is None),
            "member_id": self.member_id or "",
        }


EVERYTHING = Selection()
NOTHING = Selection(kinds=("",))  # no event is of the empty kind


async def count(client: BaseDBAsyncClient, organization_id: str, selection: Selection = EVERYTHING) -> int:
    """Return how many of the organization's events are selected."""
    row = await _COUNT.first(
        client, organization_id=organization_id, floor=0, ceiling=SEQUENCE_MAX, **selection.parameters
    )
    return int(row["total"]) if row else 0


async def page_newest_first(
    client: BaseDBAsyncClient, organization_id: str, window: Window, selection: Selection = EVERYTHING
) -> Page[Event]:
    """Return one page of the log, newest first; cursors are sequence numbers as text."""
    rows = await (_OLDEST if window.from_end else _NEWEST).rows(
        client,
        organization_id=organization_id,
        floor=int(window.before) if window.before is not None else 0,
        ceiling=int(window.after) if window.after is not None else SEQUENCE_MAX,
        limit=window.size + 1,
        **selection.parameters,
    )
    more, shown = len(rows) > window.size, [_event(row) for row in rows[: window.size]]
    if window.from_end:
        return Page(tuple(reversed(shown)), has_next=window.before is not None, has_previous=more)
    return Page(tuple(shown), has_next=more, has_previous=window.after is not None)


async def of_deliveries(
    client: BaseDBAsyncClient, organization_id: str, delivery_ids: Sequence[str]
) -> dict[str, Event]:
    """Return the events that webhook deliveries tell of, by delivery, as far as the log has them."""
    rows = await _OF_DELIVERIES.rows(client, organization_id=organization_id, delivery_ids=delivery_ids)
    return {row["delivery_id"]: _event(row) for row in rows}


@dataclass(frozen=True, slots=True)
class Replayable:
    """The events after a number and since an instant, up to a number, of some kinds or of all but one."""

    after: int
    since: datetime | None
    up_to: int
    kinds: tuple[str, ...]
    not_kind: str


async def replayable(
    client: BaseDBAsyncClient, organization_id: str, selection: Replayable, *, limit: int
) -> list[tuple[int, str]]:
    """Return the numbers and kinds of up to `limit` of the selected events, oldest first."""
    rows = await _REPLAYABLE.rows(
        client,
        organization_id=organization_id,
        after=selection.after,
        since=to_microseconds(selection.since) if selection.since else 0,
        up_to=selection.up_to,
        every_kind=int(not selection.kinds),
        kinds=selection.kinds,
        not_kind=selection.not_kind,
        limit=limit,
    )
    return [(row["sequence"], row["kind"]) for row in rows]


async def number_before(client: BaseDBAsyncClient, organization_id: str, at: datetime, *, up_to: int) -> int:
    """Return the number of the last event before an instant, 0 where there is none, by a few looks and no scan.

    The log has no gaps and its instants rise, but for what the clocks of several processes differ by.
    """
    low, high, wanted = 0, up_to, to_microseconds(at)
    while low < high:
        middle = (low + high + 1) // 2
        row = await _AT.first(client, organization_id=organization_id, sequence=middle)
        assert row is not None, "the log has no gaps"
        low, high = (middle, high) if row["occurred_at"] < wanted else (low, middle - 1)
    return low


async def find(client: BaseDBAsyncClient, organization_id: str, sequence: int) -> Event | None:
    """Return one event by its number."""
    found = await after(client, organization_id, sequence - 1, limit=1)
    return found[0] if found and found[0].sequence == sequence else None


def _event(row: Row) -> Event:
    return Event(
        organization_id=row["organization_id"],
        sequence=row["sequence"],
        kind=row["kind"],
        version=row["version"],
        occurred_at=from_microseconds(row["occurred_at"]),
        actor=row["actor"],
        request_id=row["request_id"],
        member_id=row["member_id"],
        payload=row["payload"],
    )
