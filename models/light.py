"""How does a record become a row without ceremony?

Tortoise makes a row column by column through converters, and gives it the machinery by which rows are changed. Most
rows are only looked at, and at a few of their columns. So each table has a second class, made from the first: the same
columns, methods and type, with a slot for each column, filled from the record as the driver gives it. What a column
keeps in another form, an instant or a document, is converted when somebody looks at it, and once.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeVar, cast

from tortoise.models import Model, ModelMeta

from models.fields import Kept

M = TypeVar("M", bound=Model)


def columns(row: type[Model]) -> tuple[str, ...]:
    """Return the columns of a table, in the order in which `rows_of` expects their values."""
    return tuple(row._meta.fields_db_projection.values())


def rows_of(row: type[M], records: Iterable[Iterable[Any]]) -> list[M]:
    """Return the rows in some records, each of which has a value for every column."""
    return list(map(_class_of(row), records))


class _Converted:
    """A column that is kept in another form than it is looked at; what was worked out, or set, stands in its place."""

    def __init__(self, name: str, slot: str, convert: Callable[[Any], Any]) -> None:
        self._name, self._slot, self._convert = name, slot, convert

    def __get__(self, row: Model | None, owner: type[Model]) -> Any:
        assert row is not None, "a column belongs to a row"
        value = row.__dict__[self._name] = self._convert(getattr(row, self._slot))
        return value


@cache
def _class_of(row: type[M]) -> Callable[[Iterable[Any]], M]:
    """Return the class of a table's light rows."""
    fields = row._meta.fields_map
    converted = {name: f"_kept_{name}" for name, field in fields.items() if isinstance(field, Kept)}
    slots = tuple(converted.get(name, name) for name in row._meta.fields_db_projection)
    namespace: dict[str, Any] = {
        "__slots__": slots,
        "__doc__": row.__doc__,
        "__module__": row.__module__,
        "__init__": _init(slots),
        "__setattr__": object.__setattr__,  # what Tortoise does beside is for relations, of which there are none
        "__eq__": lambda self, other: isinstance(other, row) and self.pk == other.pk,
        "__hash__": row.__hash__,
        "_partial": False,
        "_saved_in_db": True,
        "_custom_generated_pk": row._meta.db_pk_column not in row._meta.generated_db_fields,
        "_await_when_save": {},
    }
    for name, slot in converted.items():
        namespace[name] = _Converted(name, slot, fields[name].to_python_value)
    # Not by calling the metaclass, for which every class is a table of its own.
    return cast(Callable[[Iterable[Any]], M], type.__new__(ModelMeta, row.__name__, (row,), namespace))


def _init(slots: tuple[str, ...]) -> Callable[..., None]:
    """Write what fills the slots, in one assignment: half of the time would go into walking the names."""
    places = ", ".join(f"self.{slot}" for slot in slots)
    found: dict[str, Any] = {}
    exec(f"def __init__(self, record):\n    ({places},) = record", found)  # noqa: S102  # names of a table's columns
    return cast(Callable[..., None], found["__init__"])
