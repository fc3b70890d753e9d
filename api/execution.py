"""How does a request become an answer, the same way behind every door?

How a request becomes an operation is `preparing`. Queries are given up after a time. A mutation
is never interrupted: when its caller leaves or its time is over, only the waiting ends. Resolvers, permissions and
field extensions are strawberry's and run unchanged, for strawberry compiles them into the graphql-core schema.

A subscription on news is resolved for each subscriber, who is thereby let in or refused; its answers are worked out
once for all who asked the same question.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import strawberry
from graphql import (
    ExecutionResult,
    OperationType,
)
from graphql.execution import (
    Executor,
    create_source_event_stream,
    execute_root_selection_set,
    execute_subscription_event,
    map_source_to_response_event,
)
from strawberry.utils.await_maybe import await_maybe

from api import failures
from api.answers import in_order
from api.budgets import Budgets
from api.callers import OpenContext, Visit
from api.compiled.plans import ASKED_MIN, By, Plans
from api.deadlines import Deadline
from api.following import Channels, Listener, Sink, failed
from api.observing import Course, Observer
from api.operations import Operation, Refused
from api.preparing import Preparing
from api.settings import Limits
from api.trusted_documents import Library
from auth import views
from events.feed import Told
from schema.errors import ErrorCode, GraphError, as_graphql, first_code
from schema.news import News

failures.tell_the_first()

_ACCESS_LOST = frozenset({ErrorCode.UNAUTHENTICATED, ErrorCode.FORBIDDEN, ErrorCode.NOT_FOUND})


class Operations(Preparing):
    """Prepares and executes the operations of one schema."""

    def __init__(
        self,
        graph_schema: strawberry.Schema,
        limits: Limits,
        budgets: Budgets | None = None,
        library: Library | None = None,
        observer: Observer | None = None,
        *,
        compiled: bool = True,
        asked_min: int = ASKED_MIN,
    ) -> None:
        super().__init__(
            graph_schema._schema, limits, budgets or Budgets(()), library or Library({}), observer or Observer()
        )
        self.plans = Plans(graph_schema, asked_min=asked_min)
        self._compiled = compiled
        self._mutations: set[asyncio.Task[ExecutionResult]] = set()
        self._queries = 0
        self._streams = 0
        self.channels = Channels()

    async def run(self, operation: Operation, visit: Visit) -> ExecutionResult:
        """Return the answer to a query or mutation, with what it cost. It never raises for what happens inside."""
        self.observer.deprecated(operation, visit)
        with Course(self.observer, operation, visit) as course:
            result = in_order(await self._run(operation, visit))
            used = operation.cost.answered(self.rows(operation, result.data))
            course.ended(result, actual=used)
        if operation.tab is not None:
            asked = operation.cost.points
            operation.tab.give_back(asked - used)
            told = {"requested": asked, "actual": used, "remaining": operation.tab.remaining}
            result.extensions = {**(result.extensions or {}), "cost": told}
        return result

    async def _run(self, operation: Operation, visit: Visit) -> ExecutionResult:
        assert operation.kind is not OperationType.SUBSCRIPTION, "a subscription has no single answer"
        if self.busy >= self._limits.operations_max:
            return _failed(GraphError(ErrorCode.OVERLOADED, f"{self.busy} operations are in progress; try again."))
        if operation.kind is OperationType.MUTATION:
            return await self._mutate(operation, visit)
        self._queries += 1
        try:
            return await self._in_time(self._answered(operation, visit))
        finally:
            self._queries -= 1

    async def open(
        self, operation: Operation, visit: Visit, sink: Sink
    ) -> "Subscription | AsyncGenerator[ExecutionResult, None]":
        """Open a subscription on news, whose answers go to `sink`; of anything else return the answers.

        Raise `Refused` where a subscription cannot be opened.
        """
        if operation.kind is not OperationType.SUBSCRIPTION:
            return self._single(operation, visit)
        if self._streams >= self._limits.streams_max:
            message = f"{self._streams} subscriptions are open; try again."
            raise Refused(as_graphql(GraphError(ErrorCode.OVERLOADED, message)))
        self.observer.deprecated(operation, visit)
        self._streams += 1
        try:
            executor, source = await self._source(operation, visit)
            if isinstance(source, News):
                if visit.last_event_id is not None:
                    source = await source.resumed(visit.last_event_id)
                subscription = Subscription(self, operation, sink)
                subscription.listener = self._listener(subscription, executor, source, visit, source.start)
                return subscription
        except BaseException:
            self._streams -= 1
            raise
        return self._stream(executor, source, visit)

    @property
    def busy(self) -> int:
        """How many queries and mutations are in progress; a mutation counts until it is done, waited for or not."""
        return self._queries + len(self._mutations)

    @property
    def streams(self) -> int:
        """How many subscriptions are open."""
        return self._streams

    def left(self) -> None:
        """Note that a subscription is over."""
        self._streams -= 1

    async def renewed(self, subscription: "Subscription", visit: Visit) -> Listener:
        """Return a listener in place of the subscription's own, asked for anew by who its caller has become."""
        executor, source = await self._source(subscription.operation, visit)
        assert isinstance(source, News), "a field that told news tells news"
        position = subscription.listener.position
        return self._listener(subscription, executor, source, visit, position)

    async def drain(self, *, seconds: float) -> None:
        """Wait until no mutation is in progress, or until the time is over."""
        if self._mutations:
            await asyncio.wait(set(self._mutations), timeout=seconds)

    async def _mutate(self, operation: Operation, visit: Visit) -> ExecutionResult:
        task = asyncio.create_task(self._answered(operation, visit))
        self._mutations.add(task)
        task.add_done_callback(self._mutations.discard)
        # `wait` leaves the task alone both when this caller is cancelled and when the time is over.
        done, _ = await asyncio.wait({task}, timeout=self._limits.mutation_seconds_max)
        if done:
            return task.result()
        return _failed(
            GraphError(
                ErrorCode.TIMEOUT,
                f"The mutation is still in progress after {self._limits.mutation_seconds_max:g} s. "
                "Repeat it with the same idempotencyKey to learn its outcome.",
            )
        )

    async def _in_time(self, answering: Coroutine[Any, Any, ExecutionResult]) -> ExecutionResult:
        seconds = self._limits.query_seconds_max
        try:
            with Deadline(seconds):
                return await answering
        except TimeoutError:
            return _failed(GraphError(ErrorCode.TIMEOUT, f"Reading took longer than {seconds:g} s and was given up."))

    async def _answered(self, operation: Operation, visit: Visit) -> ExecutionResult:
        try:
            async with visit.context() as context:
                is_known = visit.caller is not None
                if self._compiled:
                    answer = await self.plans.answer(operation.written, context, operation.variables, is_known=is_known)
                    if answer is not None:
                        return answer
                else:
                    self.plans.tally[By.SWITCHED_OFF] += 1
                executor = self._built(operation, context, is_known=is_known)
                return await await_maybe(execute_root_selection_set(executor))
        except Refused as refused:
            return ExecutionResult(None, list(refused.errors))
        except Exception as error:  # opening or closing the context failed: an answer like any other fault
            return _failed(error)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            fault = RuntimeError("what the answer waited for was cancelled, and the answer was not")
            fault.__cause__ = error
            return _failed(fault)

    async def _single(self, operation: Operation, visit: Visit) -> AsyncGenerator[ExecutionResult, None]:
        yield await self.run(operation, visit)

    async def _source(self, operation: Operation, visit: Visit) -> tuple[Executor[Any], AsyncIterable[Any]]:
        async with visit.context() as context:
            executor = self._built(operation, context, is_known=visit.caller is not None)
            source = await await_maybe(create_source_event_stream(executor))
        if isinstance(source, ExecutionResult):
            raise Refused(*(source.errors or ()))
        assert isinstance(source, AsyncIterable), "the library returns a result or a stream"
        return executor, source

    def _listener(
        self, subscription: "Subscription", executor: Executor[Any], news: News[Any], visit: Visit, position: int
    ) -> Listener:
        open_context = visit.open_context

        async def execute(told: Told) -> ExecutionResult:
            return await self._in_time(_told(executor, news, told, open_context))

        question = subscription.operation.asked_by(views.key(news.view))
        return self.channels.join(question, news, execute, position, subscription.sink)

    async def _stream(
        self, executor: Executor[Any], source: AsyncIterable[Any], visit: Visit
    ) -> AsyncGenerator[ExecutionResult, None]:
        async def one_event(executor: Executor[Any]) -> ExecutionResult:
            async with visit.context() as fresh:
                executor.context_value = fresh
                return await await_maybe(execute_subscription_event(executor))

        async def one_event_in_time(executor: Executor[Any]) -> ExecutionResult:
            return await self._in_time(one_event(executor))

        try:
            async with aclosing(map_source_to_response_event(executor, source, one_event_in_time)) as events:
                async for event in events:
                    if event.data is None and event.errors and first_code(event.errors) in _ACCESS_LOST:
                        raise Refused(*event.errors)  # said once: whoever lost access is not told when news comes
                    yield event
        except Exception as error:  # whatever a source raises is an answer, presented like any other fault
            yield _failed(error)
        finally:
            self.left()

    def _built(self, operation: Operation, context: object, *, is_known: bool) -> Executor[Any]:
        built = self.plans.build(
            operation.document.node, operation.definition, context, operation.variables, is_known=is_known
        )
        if isinstance(built, list):
            raise Refused(*built)
        return built


@dataclass(slots=True)
class Subscription:
    """Somebody's subscription on news, for as long as it is open."""

    operations: Operations
    operation: Operation
    sink: Sink
    listener: Listener = field(init=False)
    is_open: bool = True

    def cancel(self) -> None:
        """Close it."""
        if self.is_open:
            self.is_open = False
            self.listener.leave()
            self.operations.left()

    async def renew(self, visit: Visit) -> None:
        """Go on as who the caller is now, or end with the reason why they may not."""
        self.listener.leave()
        try:
            listener = await self.operations.renewed(self, visit)
        except Exception as fault:
            if self.is_open:
                self.sink.end(_failed(fault))
            return
        if self.is_open:
            self.listener = listener
        else:
            listener.leave()


async def _told(executor: Executor[Any], news: News[Any], told: Told, open_context: OpenContext) -> ExecutionResult:
    """Return the answer to one piece of news, worked out for a view, on nobody's connection."""
    async with open_context(None, news.view) as context:
        one = executor.build_per_event_executor(await news.value(context, told))
        one.context_value = context
        return await await_maybe(execute_subscription_event(one))


def _failed(fault: Exception) -> ExecutionResult:
    return ExecutionResult(None, list(fault.errors)) if isinstance(fault, Refused) else failed(fault)
