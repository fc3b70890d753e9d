"""What does a subscription give to whoever serves it?

Not a stream of values but what to follow and how to tell it, so that the doors can work out one answer for all who
asked the same question with the same view. Iterated over, it is the plain stream that GraphQL knows.
"""

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from auth.principal import Principal
from events.feed import Feed, Told
from models import events as log
from models.organizations import Organization
from schema import cursors
from schema.context import Context
from schema.errors import ErrorCode, GraphError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class News(AsyncIterable[T], Generic[T]):
    """The news of one organization that a subscriber with a certain view has asked for.

    `start` is the number of the last event that the subscriber has seen, `head` that of the newest one.
    """

    context: Context
    feed: Feed
    view: Principal
    start: int
    head: int
    tell: Callable[[Organization, Told], T]

    async def resumed(self, cursor: str) -> "News[T]":
        """Return the same news from another cursor on."""
        owner = await self.context.loaders.organization.load(self.feed.organization_id)
        assert owner is not None, "organizations stay"
        start, head = await stretch(self.context, owner, cursor)
        return replace(self, start=start, head=head)

    async def value(self, context: Context, told: Told) -> T:
        """Return what the subscription yields for `told`, with the organization as it is now."""
        owner = await context.loaders.organization.load(self.feed.organization_id)
        assert owner is not None, "organizations stay"
        return self.tell(owner, told)

    def __aiter__(self) -> AsyncIterator[T]:
        return self._values()

    async def _values(self) -> AsyncGenerator[T, None]:
        async with aclosing(self.feed.follow(self.start)) as following:
            async for told in following:
                self.context.refresh()
                yield await self.value(self.context, told)


async def stretch(context: Context, owner: Organization, after: str | None) -> tuple[int, int]:
    """Return the numbers after which a subscriber wants to hear, and of the newest event.

    Raise `GraphError` for a cursor that is none, and for one that stands further back than subscriptions go: the
    whole log is there to be read as the organization's history, but not to be followed from its beginning.
    """
    head = await log.head(context.reader, owner.organization_id)
    if after is None:
        return head, head
    start = cursors.decode_sequence(after, owner.organization_id)
    if start > head:
        raise cursors.MalformedCursor
    # A sandbox lives by its own clock, on which a month can pass in a second: it is followed from anywhere.
    missed = await log.find(context.reader, owner.organization_id, start + 1) if owner.test_clock_at is None else None
    if missed is not None and missed.occurred_at < context.now - context.resumable:
        raise GraphError(
            ErrorCode.CURSOR_EXPIRED,
            f"the first event after this cursor happened more than {context.resumable.days} days ago: "
            "read what you need from the graph, and subscribe from its eventCursor",
            event_cursor=cursors.encode(cursors.EVENTS, owner.organization_id, str(head)),
        )
    return start, head


def cursor(told: Told) -> str:
    """Return the cursor from which to go on once `told` is known."""
    event = told.events[-1]
    return cursors.encode(cursors.EVENTS, event.organization_id, str(event.sequence))
