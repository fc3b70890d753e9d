"""How does a client walk a long list?

As Relay describes it, by key and never by offset: a row inserted meanwhile neither repeats nor hides another. The
total is counted only where it is selected, because counting a long list costs more than a page of it.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

import strawberry

from models.paging import PAGE_MAX, Page, Window
from schema import cursors
from schema.access import field
from schema.errors import ErrorCode, GraphError

T = TypeVar("T")
R = TypeVar("R")

PAGE_DEFAULT = 20

First = Annotated[
    int | None,
    strawberry.argument(description=f"How many, from the start: at most {PAGE_MAX}, {PAGE_DEFAULT} if left out."),
]
After = Annotated[str | None, strawberry.argument(description="Only what follows this cursor of the same list.")]
Last = Annotated[int | None, strawberry.argument(description=f"How many, from the end: at most {PAGE_MAX}.")]
Before = Annotated[str | None, strawberry.argument(description="Only what comes before this cursor of the same list.")]


@strawberry.type(description="Whether a list goes on beyond this page, and where the page begins and ends.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is more before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the first entry, null on an empty page.")
    end_cursor: str | None = strawberry.field(description="The cursor of the last entry, null on an empty page.")


@strawberry.type(description="One entry of a list, and where it stands.")
class Edge(Generic[T]):
    node: T = strawberry.field(description="The entry itself.")
    key: strawberry.Private[str]
    listing: strawberry.Private["Listing"]

    @field(description="Where the entry stands; give it as `after` or `before`.", requires=None)
    def cursor(self) -> str:
        return self.listing.cursor(self.key)


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The entries of the page, each with its cursor.")
    page_info: PageInfo = strawberry.field(description="Whether and how the list goes on.")
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @field(description="The entries of the page, without their cursors.", requires=None)
    def nodes(self) -> list[T]:
        return [edge.node for edge in self.edges]

    @field(description="How many entries the whole list has. Counted only when asked for.", requires=None)
    async def total_count(self) -> int:
        return await self.count()


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that can be walked: its name and whose it is, which every cursor of it carries."""

    name: str
    scope: str

    def window(self, first: int | None, after: str | None, last: int | None, before: str | None) -> Window:
        """Return the window that the arguments ask for; raise a coded fault for sizes and cursors that cannot be."""
        if first is not None and last is not None:
            raise _size("give either first or last, not both")
        named, size = ("first", first) if last is None else ("last", last)
        size = PAGE_DEFAULT if size is None else size
        if not 0 <= size <= PAGE_MAX:
            raise _size(f"{named} is {size}; it must be 0 to {PAGE_MAX}")
        return Window(size, self._key(after), self._key(before), from_end=last is not None)

    def cursor(self, key: str) -> str:
        """Return the cursor of an entry."""
        return cursors.encode(self.name, self.scope, key)

    def connection(
        self,
        page: Page[R],
        *,
        key: Callable[[R], str],
        node: Callable[[R], T],
        count: Callable[[], Awaitable[int]],
    ) -> Connection[T]:
        """Return the page as a connection of nodes."""
        edges = [Edge(node=node(row), key=key(row), listing=self) for row in page.rows]
        info = PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=edges[0].cursor() if edges else None,
            end_cursor=edges[-1].cursor() if edges else None,
        )
        return Connection(edges=edges, page_info=info, count=count)

    def _key(self, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        if self.name == cursors.EVENTS:
            return str(cursors.decode_sequence(cursor, self.scope))
        return cursors.decode(cursor, self.name, self.scope)


def page_of_loaded(rows: Iterable[R], window: Window, *, key: Callable[[R], str]) -> Page[R]:
    """Return the window of a list that is in memory already, in ascending order of its unique keys."""
    ordered = sorted(rows, key=key)
    inside = [
        row
        for row in ordered
        if (window.after is None or key(row) > window.after) and (window.before is None or key(row) < window.before)
    ]
    shown = inside[max(0, len(inside) - window.size) :] if window.from_end else inside[: window.size]
    more = len(inside) > window.size
    if window.from_end:
        return Page(tuple(shown), has_next=window.before is not None, has_previous=more)
    return Page(tuple(shown), has_next=more, has_previous=window.after is not None)


def _size(message: str) -> GraphError:
    return GraphError(ErrorCode.PAGE_SIZE_INVALID, message, page_max=PAGE_MAX)
