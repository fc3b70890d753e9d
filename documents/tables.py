"""How does a long list of records leave the house?

As CSV (RFC 4180, UTF-8 with a byte order mark, one header) for people with a spreadsheet, or as JSON lines, one
document a line, for programs. Both are written record by record, so that a list of any length needs little memory.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, assert_never

from documents.spreadsheet import harmless

_BYTE_ORDER_MARK: Final = "\ufeff"


class TableFormat(StrEnum):
    """What a list can be written as; the value is the ending of its name."""

    CSV = "csv"
    JSON_LINES = "jsonl"


MEDIA_TYPES: Final[Mapping[TableFormat, str]] = MappingProxyType(
    {TableFormat.CSV: "text/csv; charset=utf-8", TableFormat.JSON_LINES: "application/jsonl"}
)


def header(columns: Sequence[str], form: TableFormat) -> str:
    """Return what comes before the first record."""
    match form:
        case TableFormat.CSV:
            return _BYTE_ORDER_MARK + _cells(columns)
        case TableFormat.JSON_LINES:
            return ""
        case _:
            assert_never(form)


def line(record: Mapping[str, Any], columns: Sequence[str], form: TableFormat) -> str:
    """Return one record; in CSV a document is JSON text, and no spreadsheet takes a text for a formula.

    >>> line({"name": "=1+1", "tags": ["a"], "left": None}, ("name", "tags", "left"), TableFormat.CSV)
    '\\'=1+1,"[""a""]",\\r\\n'
    >>> line({"name": "=1+1", "left": None}, ("name", "left"), TableFormat.JSON_LINES)
    '{"name":"=1+1","left":null}\\n'
    """
    match form:
        case TableFormat.CSV:
            return _cells([_cell(record[name]) for name in columns])
        case TableFormat.JSON_LINES:
            shown = {name: record[name] for name in columns}
            return json.dumps(shown, ensure_ascii=False, separators=(",", ":")) + "\n"
        case _:
            assert_never(form)


def _cells(cells: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    return harmless(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
