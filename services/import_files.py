"""How is a list of people written as a file?

As CSV with a header that names the columns, in any order: `email`, `name` and `role`, and where they are wanted `tier`,
`add_ons` (separated by blanks) and `external_id`. A row is known by the line of the file on which it begins.

>>> read("email,name,role,add_ons\\nmax@x.example,Max,member,hipaa audit\\n")[0].person.add_ons
('hipaa', 'audit')
>>> read("email,name\\n")
Traceback (most recent call last):
    ...
services.import_files.InvalidFile: line 1: the header has no column 'role'; it must have email, name, role
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Final

from services.import_runs import PEOPLE_MAX
from services.imports import NewMember

REQUIRED: Final = ("email", "name", "role")
COLUMNS: Final = (*REQUIRED, "tier", "add_ons", "external_id")


class InvalidFile(ValueError):
    """The text is no list of people; `line` is where it stops being one."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Listed:
    """One person of a list, and the line of the file on which they stand."""

    person: NewMember
    line: int


def read(text: str) -> tuple[Listed, ...]:
    """Return the people of a list; raise `InvalidFile` at the first line that cannot be read."""
    if "\0" in text:  # PostgreSQL stores no NUL: it would fail deep inside, as our own fault
        raise InvalidFile(text.count("\n", 0, text.index("\0")) + 1, "a NUL is no character of a list")
    rows = _rows(text.removeprefix("\ufeff"))
    first = next(rows, None)
    if first is None:
        raise InvalidFile(1, f"there is no header; it must have {', '.join(REQUIRED)}")
    header = _header(*first)
    found: list[Listed] = []
    for line, cells in rows:
        if len(cells) != len(header):
            raise InvalidFile(line, f"{len(cells)} cells under {len(header)} columns")
        if len(found) == PEOPLE_MAX:
            raise InvalidFile(line, f"a list has at most {PEOPLE_MAX:,} people")
        found.append(Listed(_person(dict(zip(header, cells, strict=True))), line))
    return tuple(found)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, each with the line on which it begins."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, [cell.strip() for cell in cells]
            begins = reader.line_num + 1
    except csv.Error as error:
        raise InvalidFile(begins, str(error)) from error


def _header(line: int, cells: list[str]) -> tuple[str, ...]:
    names = tuple(cell.lower() for cell in cells)
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise InvalidFile(line, f"the header has a column {unknown[0][:40]!r}; known are {', '.join(COLUMNS)}")
    if len(set(names)) < len(names):
        raise InvalidFile(line, "the header names a column twice")
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise InvalidFile(line, f"the header has no column {missing[0]!r}; it must have {', '.join(REQUIRED)}")
    return names


def _person(cells: Mapping[str, str]) -> NewMember:
    return NewMember(
        email=cells["email"],
        name=cells["name"],
        role=cells["role"],
        tier=cells.get("tier") or None,
        add_ons=tuple(cells.get("add_ons", "").split()),
        external_id=cells.get("external_id") or None,
    )
