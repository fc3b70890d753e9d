"""Bring in a list of people that is too long for one answer, a chunk at a time.

The list is kept with the command that brings it. From then on scheduled work looks at the next chunk, again and again,
each time in one transaction under a key of its own: stopped at any point it goes on from there, and two workers do
everything once. As many as can may come in, chunk by chunk; or all of them or nobody: then nobody does before
everybody was looked at, and all of them do in one transaction.

What whoever asked may not give is decided when they ask, and holds for the whole list.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import chain

from billing.roles import Permission
from models import imports as rows
from models import roles
from models.fields import dump
from services import imports, members
from services.dispatch import ANY_STATUS, WRITABLE, key_refusal, verb
from services.imports import NewMember, RowRefused
from services.outcomes import RefusalCode, Refused, not_found
from services.unit import Unit

PEOPLE_MAX = 50_000
CHUNK = 1_000
WAITING_MAX = 5
_IMPORT = "importId"
_LIST = ("members",)


class Mode(StrEnum):
    """Who comes in when somebody cannot."""

    ALL_OR_NOTHING = "ALL_OR_NOTHING"
    BEST_EFFORT = "BEST_EFFORT"


class Status(StrEnum):
    """How far a list is."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    REFUSED = "REFUSED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Packed:
    """A list as it is kept: chunks of `size` people as JSON text, how many people it has, and in which roles."""

    chunks: tuple[str, ...]
    size: int
    total: int
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Start:
    """A list, and how it is meant."""

    organization_id: str
    idempotency_key: str
    people: Packed
    mode: Mode
    dry_run: bool


@dataclass(frozen=True, slots=True)
class CarryOn:
    """The rows of a list from `first_row` on; past the last one, the end of it."""

    organization_id: str
    idempotency_key: str
    import_id: str
    first_row: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """A list that shall not go on. Who came in already stays."""

    organization_id: str
    idempotency_key: str
    import_id: str


@dataclass(frozen=True, slots=True)
class Started:
    """The list is kept, and is looked at from now on."""

    import_id: str


@dataclass(frozen=True, slots=True)
class Advanced:
    """How far the list is now."""

    status: Status
    done: int
    failed: int
    added: int


def packed(people: Sequence[NewMember], lines: Sequence[int] | None, *, size: int = CHUNK) -> Packed:
    """Return a list as it is kept; whoever has the address or id of an earlier row is marked as its repetition."""
    emails: set[str] = set()
    external_ids: set[str] = set()
    kept = []
    for number, person in enumerate(people):
        repeated = ["email"] if person.email.lower() in emails else []
        repeated += ["externalId"] if person.external_id in external_ids else []
        emails.add(person.email.lower())
        external_ids |= {person.external_id} if person.external_id else set()
        kept.append(
            {
                "email": person.email,
                "name": person.name,
                "role": person.role,
                "tier": person.tier,
                "add_ons": person.add_ons,
                "external_id": person.external_id,
                "line": lines[number] if lines else None,
                "repeats": repeated[0] if repeated else None,
            }
        )
    chunks = tuple(dump(kept[start : start + size]) for start in range(0, len(kept), size))
    return Packed(chunks, size, len(kept), tuple(sorted({person.role for person in people})))


def rehearsal_key(key: str) -> str:
    """Return the key under which a list is only looked at, so that its own is left to the list itself."""
    return key if key_refusal(key) is not None else f"dry-run/{sha256(key.encode()).hexdigest()}"


def step_key(run: rows.Import) -> str:
    """Return the key of the next step of a list."""
    return f"due/import/{run.id}/{run.done}"


@verb(Permission.MEMBERS_WRITE)
async def start(unit: Unit, command: Start) -> Started | Refused:
    """Keep a list; scheduled work brings its people in."""
    people = command.people
    if not 1 <= people.total <= PEOPLE_MAX:
        return Refused(RefusalCode.INPUT_INVALID, f"{people.total} people: give 1 to {PEOPLE_MAX:,}", _LIST)
    waiting = await rows.count_waiting(unit.client, unit.organization_id)
    if waiting >= WAITING_MAX:
        message = f"{waiting} imports are under way: at most {WAITING_MAX} may be at once"
        return Refused(RefusalCode.STATUS_CONFLICT, message, _LIST)
    run = await rows.insert(
        unit.client,
        chunks=[rows.Chunk(number * people.size, text) for number, text in enumerate(people.chunks)],
        organization_id=unit.organization_id,
        id=unit.new_id("import"),
        status=Status.WAITING.value,
        mode=command.mode.value,
        dry_run=int(command.dry_run),
        total=people.total,
        done=0,
        failed=0,
        added=0,
        withheld=imports.withheld(unit, people.roles, await imports.known_roles(unit)),
        asked_by=unit.actor_id,
        created_at=unit.at,
        finished_at=None,
    )
    facts = {_IMPORT: run.id, "total": run.total, "mode": run.mode, "dryRun": command.dry_run}
    unit.emit("ImportStarted", facts)
    return Started(run.id)


@verb(Permission.MEMBERS_WRITE, statuses=ANY_STATUS)
async def carry_on(unit: Unit, command: CarryOn) -> Advanced | Refused:
    """Look at the next rows of a list, and bring in who may come now."""
    run = await rows.find(unit.client, unit.organization_id, command.import_id)
    if run is None or run.finished_at is not None or run.done != command.first_row:
        return Refused(RefusalCode.STATUS_CONFLICT, "these rows were looked at already", ("firstRow",))
    if unit.organization.status not in WRITABLE:
        return await _note(unit, run, Status.CANCELLED)
    if run.done == run.total:
        return await _bring_in_all(unit, run)
    people = await _rows_from(unit, run, run.done)
    refused = await _refusals(unit, run, people)
    await _keep_errors(unit, run, people, refused)
    run.done, run.failed = run.done + len(people), run.failed + len(refused)
    if run.mode == Mode.BEST_EFFORT and not run.dry_run:
        failed = {each.row for each in refused}
        coming = [row.person for number, row in enumerate(people) if number not in failed]
        run.added += len(await imports.bring_in(unit, coming, await imports.known_roles(unit)))
        return await _note(unit, run, _next(run, after_last=Status.COMPLETED))
    if run.dry_run:
        return await _note(unit, run, _next(run, after_last=Status.COMPLETED))
    return await _note(unit, run, _next(run, after_last=Status.REFUSED if run.failed else Status.RUNNING))


@verb(Permission.MEMBERS_WRITE)
async def cancel(unit: Unit, command: Cancel) -> Advanced | Refused:
    """Let a list go no further."""
    run = await rows.find(unit.client, unit.organization_id, command.import_id)
    if run is None:
        return not_found("import", _IMPORT)
    if run.finished_at is not None:
        return Refused(RefusalCode.STATUS_CONFLICT, f"the import is {run.status} already", (_IMPORT,))
    return await _note(unit, run, Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of a list: the person, its line in a file, and what of it an earlier row has."""

    person: NewMember
    line: int | None
    repeats: str | None


async def _bring_in_all(unit: Unit, run: rows.Import) -> Advanced:
    """Bring in everybody in this one transaction, unless somebody cannot come in any more since they were looked at."""
    chunks: list[list[_Row]] = []
    refused: list[RowRefused] = []
    first_row = 0
    while first_row < run.total:
        people = await _rows_from(unit, run, first_row)
        found = await _refusals(unit, run, people)
        await _keep_errors(unit, run, people, found, first_row=first_row)
        refused += found
        chunks.append(people)
        first_row += len(people)
    if refused:
        run.failed = len(refused)
        return await _note(unit, run, Status.REFUSED)
    known: dict[str, roles.Role] = await imports.known_roles(unit)
    for people in chunks:
        coming = [row.person for row in people]
        run.added += len(await imports.bring_in(unit, coming, known))
    return await _note(unit, run, Status.COMPLETED)


async def _rows_from(unit: Unit, run: rows.Import, first_row: int) -> list[_Row]:
    chunk = await rows.chunk_from(unit.client, unit.organization_id, run.id, first_row)
    assert chunk is not None, "a list is kept until it is done with"
    assert chunk.first_row == first_row, "chunks follow each other without gaps"
    return [
        _Row(
            NewMember(
                email=each["email"],
                name=each["name"],
                role=each["role"],
                tier=each["tier"],
                add_ons=tuple(each["add_ons"]),
                external_id=each["external_id"],
            ),
            each["line"],
            each["repeats"],
        )
        for each in json.loads(chunk.people)
    ]


async def _refusals(unit: Unit, run: rows.Import, people: Sequence[_Row]) -> tuple[RowRefused, ...]:
    """Return why rows cannot come in, `row` counting from the first of these."""
    repeated = [_repetition(number, row) for number, row in enumerate(people) if row.repeats]
    known = await imports.known_roles(unit)
    found = await imports.refusals(unit, [row.person for row in people], known, run.withheld)
    by_row = {each.row: each for each in chain(found, [each for each in repeated if each is not None])}
    return tuple(by_row[number] for number in sorted(by_row))


def _repetition(number: int, row: _Row) -> RowRefused | None:
    """Return that an earlier row has what this one wants, where nothing is wrong with the row itself."""
    assert row.repeats is not None, "only rows that repeat something are asked about"
    if members.person_refusal(row.person.email, row.person.name, row.person.external_id) is not None:
        return None
    what = row.person.email if row.repeats == "email" else f"external id {row.person.external_id!r}"
    message = f"{what} is in an earlier row of the list"
    return RowRefused(number, RefusalCode.ALREADY_EXISTS, message, (row.repeats,))


async def _keep_errors(
    unit: Unit, run: rows.Import, people: Sequence[_Row], refused: Sequence[RowRefused], *, first_row: int | None = None
) -> None:
    begins = run.done if first_row is None else first_row
    errors = [
        rows.RowError(
            row=begins + each.row + 1,
            line=people[each.row].line,
            email=people[each.row].person.email,
            code=each.code.value,
            message=each.message,
            field=each.field,
        )
        for each in refused
    ]
    await rows.insert_errors(unit.client, unit.organization_id, run.id, errors)


def _next(run: rows.Import, *, after_last: Status) -> Status:
    return after_last if run.done == run.total else Status.RUNNING


async def _note(unit: Unit, run: rows.Import, status: Status) -> Advanced:
    """Keep how far a list is, say so, and forget the list itself where it is done with."""
    is_over = status not in {Status.WAITING, Status.RUNNING}
    await rows.update(
        unit.client,
        unit.organization_id,
        run.id,
        status=status.value,
        done=run.done,
        failed=run.failed,
        added=run.added,
        finished_at=unit.at if is_over else None,
    )
    if is_over:
        await rows.forget_chunks(unit.client, unit.organization_id, run.id)
    counts = {"done": run.done, "failed": run.failed, "added": run.added}
    facts = {_IMPORT: run.id, "status": status.value, **counts}
    if is_over:
        unit.emit("ImportFinished", facts)
    else:
        unit.emit("ImportAdvanced", facts)
    return Advanced(status, **counts)
