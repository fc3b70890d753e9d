"""How does a request become an answer, the same way behind every door?

A document is measured, then parsed and validated once and remembered. Queries are given up after a time. A mutation
is never interrupted: when its caller leaves or its time is over, only the waiting ends. Resolvers, permissions and
field extensions are strawberry's and run unchanged, for strawberry compiles them into the graphql-core schema.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)
from graphql.execution import (
    Executor,
    create_source_event_stream,
    execute_root_selection_set,
    execute_subscription_event,
    map_source_to_response_event,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.utils.await_maybe import await_maybe

from api import cost
from api.callers import Visit
from api.graph_requests import GraphRequest
from api.settings import Limits
from schema.errors import ERRORS_MAX, ErrorCode, GraphError, as_graphql, coded, first_code

_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
_ACCESS_LOST = frozenset({ErrorCode.UNAUTHENTICATED, ErrorCode.FORBIDDEN, ErrorCode.NOT_FOUND})
_CACHED_LENGTH_MAX = 1 << 20
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u(?:0000|\{0+\})")  # the database stores none; JSON bodies are checked alike


class Refused(Exception):
    """The request was not executed. `errors` say why; there is no data."""

    def __init__(self, *errors: GraphQLError) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a valid document, with the values of its variables."""

    document: DocumentNode
    definition: OperationDefinitionNode
    variables: dict[str, Any]

    @property
    def kind(self) -> OperationType:
        """Return whether it reads, writes or subscribes."""
        return self.definition.operation

    @property
    def name(self) -> str | None:
        """Return the name its author gave it."""
        return None if self.definition.name is None else self.definition.name.value


class Operations:
    """Prepares and executes the operations of one schema."""

    def __init__(self, graph_schema: strawberry.Schema, limits: Limits) -> None:
        self._schema = graph_schema._schema
        self._executor: type[Executor[Any]] = graph_schema.execution_context_class
        self._limits = limits
        self._documents = _Documents(limits.documents_cached_max)
        self._mutations: set[asyncio.Task[ExecutionResult]] = set()
        self._queries = 0
        self._streams = 0

    def prepare(self, request: GraphRequest) -> Operation:
        """Return the operation the request means, or raise `Refused`."""
        document = self._documents.get(request.query)
        if document is None:
            document = self._validated(request.query)
            self._documents.add(request.query, document)
        return Operation(document, _chosen(document, request.operation_name), request.variables)

    async def run(self, operation: Operation, visit: Visit) -> ExecutionResult:
        """Return the answer to a query or mutation. It never raises for what happens inside."""
        assert operation.kind is not OperationType.SUBSCRIPTION, "a subscription has no single answer"
        busy = self._queries + len(self._mutations)  # a mutation counts until it is done, waited for or not
        if busy >= self._limits.operations_max:
            return _failed(GraphError(ErrorCode.OVERLOADED, f"{busy} operations are in progress; try again."))
        if operation.kind is OperationType.MUTATION:
            return await self._mutate(operation, visit)
        self._queries += 1
        try:
            return await self._in_time(self._answered(operation, visit))
        finally:
            self._queries -= 1

    async def stream(self, operation: Operation, visit: Visit) -> AsyncGenerator[ExecutionResult, None]:
        """Yield every answer to an operation of any kind, then end."""
        if operation.kind is not OperationType.SUBSCRIPTION:
            yield await self.run(operation, visit)
            return
        if self._streams >= self._limits.streams_max:
            yield _failed(GraphError(ErrorCode.OVERLOADED, f"{self._streams} subscriptions are open; try again."))
            return
        self._streams += 1
        try:
            async with aclosing(self._events(operation, visit)) as events:
                async for event in events:
                    yield event
        except Exception as error:  # whatever a source raises is an answer, presented like any other fault
            yield _failed(error)
        finally:
            self._streams -= 1

    async def drain(self, *, seconds: float) -> None:
        """Wait until no mutation is in progress, or until the time is over."""
        if self._mutations:
            await asyncio.wait(set(self._mutations), timeout=seconds)

    def _validated(self, text: str) -> DocumentNode:
        limits = self._limits
        if len(text) > limits.document_length_max:
            raise Refused(as_graphql(_too_long(len(text), limits.document_length_max)))
        if _NUL.search(text):
            message = "A string in the document holds the character U+0000."
            raise Refused(as_graphql(GraphError(ErrorCode.BAD_USER_INPUT, message)))
        try:
            document = parse(text, max_tokens=limits.document_tokens_max)
        except GraphQLError as error:
            raise Refused(coded(error, ErrorCode.GRAPHQL_PARSE_FAILED)) from error
        try:
            cost.require_within(cost.measure(document), limits)
        except GraphError as fault:
            raise Refused(as_graphql(fault)) from fault
        errors = validate(self._schema, document, _RULES, max_errors=ERRORS_MAX - 1)
        if errors:
            raise Refused(*(coded(error, ErrorCode.GRAPHQL_VALIDATION_FAILED) for error in errors))
        return document

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
            async with asyncio.timeout(seconds):
                return await answering
        except TimeoutError:
            return _failed(GraphError(ErrorCode.TIMEOUT, f"Reading took longer than {seconds:g} s and was given up."))

    async def _answered(self, operation: Operation, visit: Visit) -> ExecutionResult:
        try:
            async with visit.context() as context:
                executor = self._built(operation, context)
                return await await_maybe(execute_root_selection_set(executor))
        except Refused as refused:
            return ExecutionResult(None, list(refused.errors))
        except Exception as error:  # opening or closing the context failed: an answer like any other fault
            return _failed(error)

    async def _events(self, operation: Operation, visit: Visit) -> AsyncGenerator[ExecutionResult, None]:
        async def one_event(executor: Executor[Any]) -> ExecutionResult:
            async with visit.context() as fresh:
                executor.context_value = fresh
                return await await_maybe(execute_subscription_event(executor))

        async def one_event_in_time(executor: Executor[Any]) -> ExecutionResult:
            return await self._in_time(one_event(executor))

        async with visit.context() as context:
            executor = self._built(operation, context)
            source = await await_maybe(create_source_event_stream(executor))
            if isinstance(source, ExecutionResult):
                raise Refused(*(source.errors or ()))
            assert isinstance(source, AsyncIterable), "the library returns a result or a stream"
            async with aclosing(map_source_to_response_event(executor, source, one_event_in_time)) as events:
                async for event in events:
                    if event.data is None and event.errors and first_code(event.errors) in _ACCESS_LOST:
                        raise Refused(*event.errors)  # said once: whoever lost access is not told when news comes
                    yield event

    def _built(self, operation: Operation, context: object) -> Executor[Any]:
        built = self._executor.build(
            self._schema,
            operation.document,
            context_value=context,
            raw_variable_values=operation.variables,
            operation_name=operation.name,
            max_coercion_errors=ERRORS_MAX - 1,
            operation_extensions={},
        )
        if isinstance(built, list):
            raise Refused(*built)
        return built


class _Documents:
    """The documents seen last, bounded by number and by length of text."""

    def __init__(self, count_max: int) -> None:
        self._count_max = count_max
        self._length = 0
        self._by_text: OrderedDict[str, DocumentNode] = OrderedDict()

    def get(self, text: str) -> DocumentNode | None:
        document = self._by_text.get(text)
        if document is not None:
            self._by_text.move_to_end(text)
        return document

    def add(self, text: str, document: DocumentNode) -> None:
        self._by_text[text] = document
        self._length += len(text)
        while len(self._by_text) > self._count_max or self._length > _CACHED_LENGTH_MAX:
            forgotten, _ = self._by_text.popitem(last=False)
            self._length -= len(forgotten)


def _chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is not None:
        operations = [node for node in operations if node.name is not None and node.name.value == name]
    match operations:
        case [operation]:
            return operation
        case []:
            message = "The document has no operation." if name is None else f"There is no operation named {name}."
        case _:
            message = f"The document has {len(operations)} operations; operationName must say which to run."
    raise Refused(as_graphql(GraphError(ErrorCode.OPERATION_RESOLUTION_FAILURE, message)))


def _failed(fault: Exception) -> ExecutionResult:
    errors = list(fault.errors) if isinstance(fault, Refused) else [as_graphql(fault)]
    return ExecutionResult(None, errors)


def _too_long(length: int, length_max: int) -> GraphError:
    message = f"The document has {length} characters; {length_max} are allowed."
    return GraphError(ErrorCode.QUERY_TOO_COMPLEX, message, limit=length_max)
