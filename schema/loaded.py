"""Which fields are made of one row that a loader reads?

Such a field is written as what it makes of the row. The library waits for each of them like for anything else; a plan
asks the loader for the rows of all of them at once, and pays for nothing in between.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Concatenate, Final, ParamSpec

from billing.roles import Permission
from schema.access import Own, field
from schema.batches import Loader
from schema.context import Info

P = ParamSpec("P")
LOADED: Final = "loaded"
"""The attribute of a resolver that says how its field is loaded."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Which loader reads the row of a field, by which key of the object, and what is made of it."""

    loader: Callable[[Any], Loader[Any, Any]]
    key: Callable[[Any], Any]
    make: Callable[[Any, Any], Any]


class _Row:
    """A row that is waited for, and then made into the value of a field."""

    __slots__ = ("_how", "_info", "_source")

    def __init__(self, how: Loaded, source: Any, info: Info) -> None:
        self._how, self._source, self._info = how, source, info

    def __await__(self) -> Generator[Any, Any, Any]:
        how, source = self._how, self._source
        row = yield from how.loader(self._info.context.loaders).load(how.key(source)).__await__()
        return how.make(source, row)


def loaded(
    loader: str, *, description: str, requires: Permission | None, own: Own = Own.NOTHING, key: str = "row_key"
) -> Callable[[Callable[Concatenate[Any, P], Any]], Any]:
    """Declare a field by the method that makes it of the row of a loader; `key` is the object's attribute."""

    def declare(make: Callable[Concatenate[Any, P], Any]) -> Any:
        how = Loaded(attrgetter(loader), attrgetter(key), make)

        def resolve(self: Any, info: Info) -> Any:
            return _Row(how, self, info)

        # strawberry reads names and types off the function, and looks types up where its module says
        resolve.__name__, resolve.__qualname__, resolve.__module__ = make.__name__, make.__qualname__, make.__module__
        resolve.__annotations__ = {"info": Info, "return": make.__annotations__["return"]}
        setattr(resolve, LOADED, how)
        return field(description=description, requires=requires, own=own)(resolve)

    return declare
