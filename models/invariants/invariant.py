"""What is an invariant?

A sentence about the rows that is true after every commit, and a query that finds where it is not. Declaring one takes
a function in a file of this folder and nothing else: its docstring is the sentence, its name is what the operator sees.

    @of_organization
    async def lines_add_up_to_the_subtotal(books: Books) -> Differences:
        \"\"\"The lines of an invoice add up to its subtotal.\"\"\"
        return await books.differing(_SUBTOTALS)
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from models.organizations import Organization
from models.sql import Client, Row, Statement


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the rows are not as they must be."""

    what: str
    expected: str
    found: str


Differences = Sequence[Difference]


@dataclass(frozen=True, slots=True)
class Books:
    """One organization as it stands in a snapshot, and how many differences of a kind are worth finding."""

    client: Client
    organization: Organization
    most: int

    @property
    def organization_id(self) -> str:
        """The organization that every query names."""
        return self.organization.organization_id

    @property
    def dialect(self) -> str:
        """Which database this is, for the few statements that differ."""
        return self.client.capabilities.dialect

    async def differing(self, statement: Statement, **parameters: Any) -> Differences:
        """Return what a statement finds; it names `:organization_id` and `:most`."""
        rows = await statement.rows(self.client, organization_id=self.organization_id, most=self.most, **parameters)
        return [difference(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Shelf:
    """All organizations as they stand in a snapshot, for what no single one can tell."""

    client: Client
    most: int

    async def differing(self, statement: Statement, **parameters: Any) -> Differences:
        """Return what a statement finds; it names `:most`."""
        return [difference(row) for row in await statement.rows(self.client, most=self.most, **parameters)]


def difference(row: Row) -> Difference:
    """Return a row of `what`, `expected` and `found` as a difference."""
    return Difference(str(row["what"]), str(row["expected"]), str(row["found"]))


class Scope(StrEnum):
    """What one look covers."""

    ORGANIZATION = "ORGANIZATION"
    DATABASE = "DATABASE"


@dataclass(frozen=True, slots=True)
class Invariant:
    """A sentence that is always true, and the look that finds where it is not."""

    name: str
    promise: str
    scope: Scope
    differences: Callable[[Any], Awaitable[Differences]]


def of_organization(look: Callable[[Books], Awaitable[Differences]]) -> Invariant:
    """Declare an invariant of each organization by itself."""
    return _declared(look, Scope.ORGANIZATION)


def of_database(look: Callable[[Shelf], Awaitable[Differences]]) -> Invariant:
    """Declare an invariant that spans organizations."""
    return _declared(look, Scope.DATABASE)


def found_in(folder: ModuleType) -> tuple[Invariant, ...]:
    """Return the invariants of every file in a folder, in the order of the files and of the lines in each."""
    names = sorted(module.name for module in iter_modules(folder.__path__))
    modules = [import_module(f"{folder.__name__}.{name}") for name in names]
    return tuple(value for module in modules for value in vars(module).values() if isinstance(value, Invariant))


def _declared(look: Callable[[Any], Awaitable[Differences]], scope: Scope) -> Invariant:
    assert look.__doc__, "an invariant is a sentence before it is a query"
    concept = look.__module__.rpartition(".")[2]
    return Invariant(f"{concept}.{look.__name__}", look.__doc__.strip(), scope, look)
