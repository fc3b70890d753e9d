"""Which operations have a plan?

An operation gets one when it is asked for the second time, for writing a plan takes about as long as executing the
operation once, and it is kept as long as its document is remembered. What `@skip` and `@include` depend on is part of
which plan it is. What only the library knows how to execute stays with the library, and is counted.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

import strawberry
from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution import ExecutionResult, Executor
from graphql.execution.values import VariableValues, get_variable_values
from strawberry.schema.schema_converter import GraphQLCoreConverter

from api.compiled.run import Run
from api.compiled.selections import Project, Selections, Uncompilable
from schema.errors import ERRORS_MAX

ASKED_MIN: Final = 2
"""How often an operation is asked for until it gets a plan."""

VARIANTS_MAX: Final = 16
"""How many plans one operation has at most, for the combinations of what its conditions depend on."""

_NOT_WRITTEN: Final = frozenset({"defer", "stream", "experimental_disableErrorPropagation"})
_CONDITIONS: Final = frozenset({"skip", "include"})
_ABSENT: Final = object()


class By(StrEnum):
    """What executed an operation: its plan, or the library and why."""

    PLAN = "PLAN"
    NEW = "LIBRARY_NEW"
    MUTATION = "LIBRARY_MUTATION"
    SWITCHED_OFF = "LIBRARY_SWITCHED_OFF"
    DIRECTIVE = "LIBRARY_DIRECTIVE"
    INTROSPECTION = "LIBRARY_INTROSPECTION"
    CONDITIONS = "LIBRARY_CONDITIONS"


FALLBACKS: Final = (By.DIRECTIVE, By.INTROSPECTION, By.CONDITIONS)
"""Why a query that came again was not carried out by a plan."""


class Tally(Counter[str]):
    """How many operations were executed by what."""

    @property
    def fallbacks(self) -> int:
        """How many queries came again and were the library's all the same."""
        return sum(self[each] for each in FALLBACKS)


@dataclass(frozen=True, slots=True)
class Plan:
    """An operation as functions."""

    project: Project
    document: DocumentNode
    operation: OperationDefinitionNode
    plans: "Plans"

    @property
    def converter(self) -> GraphQLCoreConverter:
        """Return what knows the Python types of arguments."""
        return self.plans.graph.schema_converter

    def executor(self, context: Any, raw: dict[str, Any], *, is_known: bool) -> Executor[Any]:
        """Return the library's executor, for what is done by the book."""
        built = self.plans.build(self.document, self.operation, context, raw, is_known=is_known)
        assert isinstance(built, Executor), "the variables have been read already"
        return built


class Written:
    """What is kept of one operation of a document."""

    def __init__(self, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self.document = document
        self.operation = operation
        self.asked = 0
        self.variants: dict[tuple[Any, ...], Plan | By] = {}

    @cached_property
    def directives(self) -> "_Directives":
        """What the directives of the document ask for."""
        found = _Directives()
        visit(self.document, found)
        return found

    def variant(self, variables: VariableValues) -> tuple[Any, ...]:
        """Return what `@skip` and `@include` come to, by the variables they depend on."""
        return tuple(variables.coerced.get(name, _ABSENT) for name in sorted(self.directives.conditions))


class Plans:
    """Writes plans for the operations of one schema, and carries them out."""

    def __init__(self, graph: strawberry.Schema, *, asked_min: int = ASKED_MIN) -> None:
        self.graph = graph
        self.tally = Tally()
        self._schema: GraphQLSchema = graph._schema
        self._executor: type[Executor[Any]] = graph.execution_context_class
        self._asked_min = asked_min

    async def answer(
        self, written: Written, context: Any, raw: dict[str, Any], *, is_known: bool
    ) -> ExecutionResult | None:
        """Return the answer to an operation, or None where there is no plan for it and the library must answer."""
        operation = written.operation
        if operation.operation is not OperationType.QUERY:
            self.tally[By.MUTATION] += 1
            return None
        written.asked += 1
        if written.asked < self._asked_min:
            self.tally[By.NEW] += 1
            return None
        variables = get_variable_values(
            self._schema,
            operation.variable_definitions or (),
            raw,
            max_errors=ERRORS_MAX - 1,
            hide_suggestions=not is_known,
        )
        if isinstance(variables, list):
            return ExecutionResult(None, variables)
        plan = self._plan(written, variables)
        if isinstance(plan, By):
            self.tally[plan] += 1
            return None
        self.tally[By.PLAN] += 1
        return await Run(plan, context, variables, raw, is_known=is_known).answer()

    def build(
        self, document: DocumentNode, operation: OperationDefinitionNode, context: Any, raw: Any, *, is_known: bool
    ) -> Executor[Any] | list[GraphQLError]:
        """Return the library's executor of an operation, or what is wrong with its variables."""
        return self._executor.build(
            self._schema,
            document,
            context_value=context,
            raw_variable_values=raw,
            operation_name=operation.name.value if operation.name else None,
            max_coercion_errors=ERRORS_MAX - 1,
            hide_suggestions=not is_known,
            operation_extensions={},
        )

    def _plan(self, written: Written, variables: VariableValues) -> Plan | By:
        variant = written.variant(variables)
        if variant not in written.variants:
            if len(written.variants) >= VARIANTS_MAX:
                return By.CONDITIONS
            written.variants[variant] = self._write(written, variables)
        return written.variants[variant]

    def _write(self, written: Written, variables: VariableValues) -> Plan | By:
        if not written.directives.is_written:
            return By.DIRECTIVE
        try:
            project = Selections(self._schema, written.operation, _fragments(written.document), variables).root()
        except Uncompilable:
            return By.INTROSPECTION
        except GraphQLError:  # a condition without a value is an error the library knows to tell
            return By.CONDITIONS
        return Plan(project, written.document, written.operation, self)


def _fragments(document: DocumentNode) -> Mapping[str, FragmentDefinitionNode]:
    return {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}


class _Directives(Visitor):
    """Collects the variables that conditions depend on, and the directives that only the library obeys."""

    def __init__(self) -> None:
        super().__init__()
        self.conditions: set[str] = set()
        self.is_written = True

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        """Take note of a directive."""
        if node.name.value in _CONDITIONS:
            given = (each.value for each in node.arguments or ())
            self.conditions |= {each.name.value for each in given if isinstance(each, VariableNode)}
        self.is_written &= node.name.value not in _NOT_WRITTEN
