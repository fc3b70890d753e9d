"""Which lists of people are coming in, how far are they, and what is wrong with them?

A list is kept in chunks while it is worked through, and forgotten when it is done. What stays is how it went, and the
rows that could not come in.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model
from tortoise.queryset import QuerySet

from models.fields import DocumentField, InstantField, code, dump
from models.inserting import INTEGER, TEXT, Insert
from models.paging import Page, Window, page
from models.sql import Client, Row, Statement


class Import(Model):
    """One list. `done` rows were looked at, of which `failed` cannot come in and `added` are members now."""

    organization_id: str = code()
    id: str = code(primary_key=True)
    status: str = code()
    mode: str = code()
    dry_run = fields.BigIntField()
    total = fields.BigIntField()
    done = fields.BigIntField()
    failed = fields.BigIntField()
    added = fields.BigIntField()
    withheld: Any = DocumentField()  # what whoever asked may not give: the reason by the role's key
    asked_by = fields.TextField()
    created_at: datetime = InstantField()  # type: ignore[assignment]
    finished_at: datetime | None = InstantField(null=True)  # type: ignore[assignment]

    class Meta:
        table = "imports"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a list, as JSON text; `first_row` counts from 0."""

    first_row: int
    people: str


@dataclass(frozen=True, slots=True)
class RowError:
    """Why one row cannot come in. `row` counts from 1, `line` is where it begins in a file."""

    row: int
    line: int | None
    email: str
    code: str
    message: str
    field: tuple[str, ...]


_INSERT_CHUNK = Insert(
    "import_chunks", {"organization_id": TEXT, "import_id": TEXT, "first_row": INTEGER, "people": TEXT}
)
_CHUNK = Statement("""
    SELECT first_row, people FROM import_chunks
    WHERE organization_id = :organization_id AND import_id = :import_id AND first_row >= :first_row
    ORDER BY first_row LIMIT 1
""")
_FORGET_CHUNKS = Statement("""
    DELETE FROM import_chunks WHERE organization_id = :organization_id AND import_id = :import_id
""")
_INSERT_ERROR = Insert(
    "import_errors",
    {
        "organization_id": TEXT,
        "import_id": TEXT,
        "row_number": INTEGER,
        "line": INTEGER,
        "email": TEXT,
        "code": TEXT,
        "message": TEXT,
        "field": TEXT,
    },
)
_ERRORS = """
    SELECT row_number, line, email, code, message, field FROM import_errors
    WHERE organization_id = :organization_id AND import_id = :import_id
      AND row_number > :floor AND row_number < :ceiling
"""
_FIRST_ERRORS = Statement(f"{_ERRORS} ORDER BY row_number LIMIT :limit")
_LAST_ERRORS = Statement(f"{_ERRORS} ORDER BY row_number DESC LIMIT :limit")
_WAITING = Statement("""
    SELECT organization_id, id FROM imports WHERE finished_at IS NULL AND id > :after ORDER BY id LIMIT :limit
""")
_ROW_MAX = 2**31


async def insert(client: Client, *, chunks: Sequence[Chunk], **columns: Any) -> Import:
    """Keep a new list."""
    inserted = await Import.create(using_db=client, **columns)
    named = (inserted.organization_id, inserted.id)
    await _INSERT_CHUNK.rows(client, [(*named, chunk.first_row, chunk.people) for chunk in chunks])
    return inserted


async def find(client: Client, organization_id: str, import_id: str) -> Import | None:
    """Return one list by id."""
    return await _all(organization_id).filter(id=import_id).using_db(client).first()


async def update(client: Client, organization_id: str, import_id: str, **columns: Any) -> None:
    """Note how far a list is."""
    await _all(organization_id).filter(id=import_id).using_db(client).update(**columns)


async def chunk_from(client: Client, organization_id: str, import_id: str, first_row: int) -> Chunk | None:
    """Return the rows of a list from `first_row` on, as many as one chunk has; None where the list ends."""
    row = await _CHUNK.first(client, organization_id=organization_id, import_id=import_id, first_row=first_row)
    return Chunk(row["first_row"], row["people"]) if row else None


async def forget_chunks(client: Client, organization_id: str, import_id: str) -> None:
    """Delete the list itself, once it is done with."""
    await _FORGET_CHUNKS.run(client, organization_id=organization_id, import_id=import_id)


async def insert_errors(client: Client, organization_id: str, import_id: str, errors: Sequence[RowError]) -> None:
    """Keep why rows cannot come in."""
    await _INSERT_ERROR.rows(
        client,
        [
            (
                organization_id,
                import_id,
                error.row,
                error.line,
                error.email,
                error.code,
                error.message,
                dump(error.field),
            )
            for error in errors
        ],
    )


async def errors_of(client: Client, organization_id: str, import_id: str, window: Window) -> Page[RowError]:
    """Return one page of the rows that could not come in, in the order of the list; keys are row numbers as text."""
    found = await (_LAST_ERRORS if window.from_end else _FIRST_ERRORS).rows(
        client,
        organization_id=organization_id,
        import_id=import_id,
        floor=int(window.after) if window.after is not None else 0,
        ceiling=int(window.before) if window.before is not None else _ROW_MAX,
        limit=window.size + 1,
    )
    more, shown = len(found) > window.size, [_error(row) for row in found[: window.size]]
    if window.from_end:
        return Page(tuple(reversed(shown)), has_next=window.before is not None, has_previous=more)
    return Page(tuple(shown), has_next=more, has_previous=window.after is not None)


async def waiting(client: Client, *, after: str, limit: int) -> list[tuple[str, str]]:
    """Return lists of all organizations that are not done with, by organization and id, those asked first first."""
    return [(row["organization_id"], row["id"]) for row in await _WAITING.rows(client, after=after, limit=limit)]


async def count_waiting(client: Client, organization_id: str) -> int:
    """Return how many lists of an organization are not done with."""
    return await _all(organization_id).filter(finished_at__isnull=True).using_db(client).count()


async def page_of(client: Client, organization_id: str, window: Window) -> Page[Import]:
    """Return one page of an organization's lists, newest first."""
    return await page(_all(organization_id).using_db(client), window, descending=True)


async def count(client: Client, organization_id: str) -> int:
    """Return how many lists an organization ever brought."""
    return await _all(organization_id).using_db(client).count()


def _all(organization_id: str) -> QuerySet[Import]:
    return Import.filter(organization_id=organization_id)


def _error(row: Row) -> RowError:
    return RowError(
        row["row_number"], row["line"], row["email"], row["code"], row["message"], tuple(json.loads(row["field"]))
    )
