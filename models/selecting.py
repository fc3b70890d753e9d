"""How are rows read whose question is always the same?

Tortoise composes the text of a query each time it is asked, and that takes longer than the database takes to answer
it. Questions that every page asks are therefore written once, as a condition in SQL; what comes back are light rows of
the same table: see `models.light`.

Rows of many keys are read key by key, each by its index. PostgreSQL would sooner read the whole organization and
compare every row with every key, where its statistics say that organizations are small: those of a new table do, and
so do those of many small organizations about the large one among them.
"""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from tortoise.models import Model

from models import light
from models.paging import Page, Window, page_from
from models.sql import Client, Statement

M = TypeVar("M", bound=Model)


class Select(Generic[M]):
    """The rows of one table that meet a condition; `rest` is what follows the table's name, parameters named."""

    def __init__(self, row: type[M], rest: str) -> None:
        self._row = row
        self._statement = Statement(f"{_columns(row)} {rest}")

    async def all(self, client: Client, **parameters: Any) -> list[M]:
        """Return every row."""
        return light.rows_of(self._row, await self._statement.records(client, **parameters))

    async def first(self, client: Client, **parameters: Any) -> M | None:
        """Return the first row, or None where there is none; `rest` says how many may come."""
        found = await self.all(client, **parameters)
        return found[0] if found else None


class Lookup(Generic[M]):
    """The rows of one organization that have one of several values in a column, and meet a further condition."""

    def __init__(self, row: type[M], column: str, condition: str = "TRUE") -> None:
        self._row = row
        of_organization = f"{_columns(row)} WHERE organization_id = :organization_id"
        self._at_once = Statement(f'{of_organization} AND "{column}" IN :wanted[] AND {condition}')
        # OFFSET keeps the planner from joining in another order; it is nothing that SQLite knows at this place.
        one = f'{of_organization} AND "{column}" = wanted.value AND {condition} OFFSET 0'
        self._one_by_one = Statement(
            f"SELECT found.* FROM :wanted[] AS wanted (value) CROSS JOIN LATERAL ({one}) AS found"  # noqa: S608
        )

    async def all(self, client: Client, organization_id: str, wanted: Iterable[str]) -> list[M]:
        """Return every row, in no particular order; a value that is given twice counts once."""
        statement = self._at_once if client.capabilities.dialect == "sqlite" else self._one_by_one
        found = await statement.records(client, organization_id=organization_id, wanted=list(dict.fromkeys(wanted)))
        return light.rows_of(self._row, found)


class Pages(Generic[M]):
    """The windows of one list: the rows that meet a condition, by a key that is unique in it."""

    def __init__(self, row: type[M], condition: str, *, key: str = "id", descending: bool = False) -> None:
        self._row, self._condition, self._key, self._descending = row, condition, key, descending
        self._statements: dict[tuple[bool, bool, bool], Statement] = {}

    async def page(self, client: Client, window: Window, **parameters: Any) -> Page[M]:
        """Return one page, in one statement; it reads a row more than it shows, to know whether more follow."""
        shape = (window.after is not None, window.before is not None, window.from_end)
        statement = self._statements.get(shape)
        if statement is None:
            statement = self._statements[shape] = self._written(*shape)
        bounds = {"page_after": window.after, "page_before": window.before, "page_limit": window.size + 1}
        records = await statement.records(client, **parameters, **bounds)
        return page_from(light.rows_of(self._row, records), window)

    def _written(self, has_after: bool, has_before: bool, from_end: bool) -> Statement:  # a shape
        later, earlier = ("<", ">") if self._descending else (">", "<")
        wanted = [self._condition]
        if has_after:
            wanted.append(f'"{self._key}" {later} :page_after')
        if has_before:
            wanted.append(f'"{self._key}" {earlier} :page_before')
        order = "DESC" if self._descending != from_end else "ASC"
        where = " AND ".join(wanted)
        return Statement(f'{_columns(self._row)} WHERE {where} ORDER BY "{self._key}" {order} LIMIT :page_limit')


def _columns(row: type[Model]) -> str:
    names = ", ".join(f'"{name}"' for name in light.columns(row))
    return f'SELECT {names} FROM "{row._meta.db_table}"'  # noqa: S608  # names of the row's own definition
