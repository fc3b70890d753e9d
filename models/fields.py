"""How are instants and documents kept in a column?

An instant is a 64-bit integer: microseconds since 1970 in UTC. Text sorts wrongly and floats lose the last digit.
A document is JSON text with sorted keys, so that equal documents are equal bytes.
"""

import json
from datetime import datetime
from typing import Any

try:
    import orjson
except ImportError:  # the `speed` extra is not installed
    orjson = None  # type: ignore[assignment]  # the name is either the module or nothing

from tortoise.fields import BigIntField, CharField, TextField

from billing.periods import from_microseconds, to_microseconds

KEY_LENGTH = 200


# What the standard library would not write, orjson must not write either.
_OPTIONS = (
    0 if orjson is None else (orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME)
)


def dump(document: Any) -> str:
    """Return the one JSON text of `document`."""
    if orjson is not None:
        try:
            return orjson.dumps(document, option=_OPTIONS).decode()
        except TypeError:
            pass  # an integer beyond 64 bits or half of a surrogate pair: rare, and the slow way knows them
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


class Kept:
    """Mixin of a column whose values are kept in another form than they are looked at."""


class InstantField(Kept, BigIntField):
    """An aware UTC datetime in Python, microseconds in the row."""

    field_type = datetime

    def to_db_value(self, value: Any, instance: Any) -> int | None:  # noqa: ARG002  # the base's own signature
        return to_microseconds(value) if isinstance(value, datetime) else value

    def to_python_value(self, value: Any) -> datetime | None:
        return from_microseconds(value) if isinstance(value, int) else value


class DocumentField(Kept, TextField):  # type: ignore[misc]  # the base is a string to the type checker
    """A JSON document as canonical text."""

    field_type = object

    def to_db_value(self, value: Any, instance: Any) -> str | None:  # noqa: ARG002  # the base's own signature
        return None if value is None else dump(value)

    def to_python_value(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value


class CodeField(CharField[str]):
    """A short text. One that is too long is never written, but may be asked for: there is no such row."""

    def to_db_value(self, value: Any, instance: Any) -> Any:
        # A question is converted for the class of rows, a row for itself.
        return value if isinstance(instance, type) else super().to_db_value(value, instance)


def code(**kwargs: Any) -> Any:
    """Return a column for an id, a key or a code."""
    return CodeField(max_length=KEY_LENGTH, **kwargs)
