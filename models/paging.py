"""How is a long list read in pieces that do not shift?

By key, never by offset: a page is "at most so many rows after this id". Ids sort by age, so a row inserted
meanwhile neither repeats nor hides another. Each page reads one row more than it shows, to know whether more follow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tortoise.models import Model
from tortoise.queryset import QuerySet

T = TypeVar("T")
M = TypeVar("M", bound=Model)

PAGE_MAX = 100


@dataclass(frozen=True, slots=True)
class Window:
    """At most `size` rows strictly between `after` and `before`, taken from the start or from the end."""

    size: int
    after: str | None = None
    before: str | None = None
    from_end: bool = False

    def __post_init__(self) -> None:
        assert 0 <= self.size <= PAGE_MAX, f"a page has 0 to {PAGE_MAX} rows, not {self.size}"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The rows of a window in list order, and whether the list goes on at either end."""

    rows: tuple[T, ...]
    has_next: bool
    has_previous: bool


async def page(query: QuerySet[M], window: Window, *, key: str = "id", descending: bool = False) -> Page[M]:
    """Return one page of `query`, ordered by `key`."""
    later, earlier = ("lt", "gt") if descending else ("gt", "lt")
    if window.after is not None:
        query = query.filter(**{f"{key}__{later}": window.after})
    if window.before is not None:
        query = query.filter(**{f"{key}__{earlier}": window.before})
    backwards = descending != window.from_end
    return page_from(list(await query.order_by(f"-{key}" if backwards else key).limit(window.size + 1)), window)


def page_from(rows: Sequence[M], window: Window) -> Page[M]:
    """Return the page that was read from where its window starts, with a row more where more follow."""
    more = len(rows) > window.size
    rows = rows[: window.size]
    if window.from_end:
        return Page(tuple(reversed(rows)), has_next=window.before is not None, has_previous=more)
    return Page(tuple(rows), has_next=more, has_previous=window.after is not None)
