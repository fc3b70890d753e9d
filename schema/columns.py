"""How does a thing show the row that it stands for?

A column is read when its field is asked for. Whoever lists a hundred invoices for their numbers does not pay for
addresses, instants and six amounts of each.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import strawberry

from schema.money import Money


def column(name: str, *, description: str, make: Callable[[Any], Any] | None = None) -> Any:
    """Declare a field that is a column of `self.row`, as it is or as `make` makes it; null stays null."""
    read = attrgetter(f"row.{name}")

    def plain(self: Any) -> Any:
        return read(self)

    def made(self: Any) -> Any:
        return None if (value := read(self)) is None else make(value)  # type: ignore[misc]  # only used with one

    return strawberry.field(resolver=plain if make is None else made, description=description)


def billed(name: str, *, description: str) -> Any:
    """Declare a field that is billed money: a column of `self.row` in minor units, in the currency of the row."""
    read = attrgetter(f"row.{name}", "row.currency", "owner.locale")

    def resolve(self: Any) -> Money:
        return Money.of_minor(*read(self))

    return strawberry.field(resolver=resolve, description=description)
