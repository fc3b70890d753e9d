"""Which operation does a request mean, and when are two of them the same question?

A document is remembered with the text it was written as. Two operations ask the same when they differ in nothing but
the cursor from which to go on: a variable that is given as `after` at the root and used nowhere else.
"""

import json
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)

from api.budgets import Tab
from api.compiled.plans import Written
from api.cost import Cost
from api.following import Question
from api.rows import Rows
from auth.principal import Membership
from schema.errors import ErrorCode, GraphError, as_graphql

_CACHED_LENGTH_MAX = 1 << 20


class Refused(Exception):
    """The request was not executed. `errors` say why; there is no data."""

    def __init__(self, *errors: GraphQLError) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document and the text it was written as."""

    text: str
    node: DocumentNode
    costs: Mapping[str | None, Cost] = field(default_factory=dict)
    """What each operation asks for, by its name."""
    deprecated: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What each operation uses of what is deprecated, by its name, or the empty text where it has none."""
    written: dict[str | None, Written] = field(default_factory=dict)
    """What each operation was compiled to, by its name."""
    rows: dict[str | None, Rows] = field(default_factory=dict)
    """Where lists stand in the answer to each operation, by its name."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a valid document, with the values of its variables."""

    document: Document
    definition: OperationDefinitionNode
    variables: dict[str, Any]
    tab: Tab | None = None
    deprecated: frozenset[str] = frozenset()
    """What it uses of what is deprecated, as schema coordinates."""

    @property
    def cost(self) -> Cost:
        """Return what it asks for."""
        return self.document.costs.get(self.name, Cost())

    @property
    def written(self) -> Written:
        """Return what it was compiled to, as long as its document is remembered."""
        found = self.document.written.get(self.name)
        if found is None:
            found = self.document.written[self.name] = Written(self.document.node, self.definition)
        return found

    @property
    def kind(self) -> OperationType:
        """Return whether it reads, writes or subscribes."""
        return self.definition.operation

    @property
    def name(self) -> str | None:
        """Return the name its author gave it."""
        return None if self.definition.name is None else self.definition.name.value

    def asked_by(self, view: Membership) -> Question:
        """Return the question this is when asked with a view: all but the cursor from which to go on."""
        cursors = _cursor_variables(self.document.node, self.definition)
        shared = {name: value for name, value in self.variables.items() if name not in cursors}
        return Question(self.document.text, self.name, json.dumps(shared, sort_keys=True), view)


class Documents:
    """The documents seen last, bounded by number and by length of text."""

    def __init__(self, count_max: int) -> None:
        self._count_max = count_max
        self._length = 0
        self._by_text: OrderedDict[str, Document] = OrderedDict()

    def get(self, text: str) -> Document | None:
        """Return the document that was written as `text`."""
        document = self._by_text.get(text)
        if document is not None:
            self._by_text.move_to_end(text)
        return document

    def add(self, document: Document) -> None:
        """Remember a document."""
        self._by_text[document.text] = document
        self._length += len(document.text)
        while len(self._by_text) > self._count_max or self._length > _CACHED_LENGTH_MAX:
            forgotten, _ = self._by_text.popitem(last=False)
            self._length -= len(forgotten)


def chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """Return the operation called `name`, or the only one, or raise `Refused`."""
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


def _cursor_variables(document: DocumentNode, definition: OperationDefinitionNode) -> frozenset[str]:
    """Return the variables that say nothing but where to begin: given as `after` at the root, and nowhere else."""
    given = {
        argument.value.name.value
        for node in definition.selection_set.selections
        if isinstance(node, FieldNode)
        for argument in node.arguments or ()
        if argument.name.value == "after" and isinstance(argument.value, VariableNode)
    }
    uses = _Uses()
    visit(document, uses)
    return frozenset(name for name in given if uses.of[name] == 1)


class _Uses(Visitor):
    """Counts where variables are used, not where they are declared."""

    def __init__(self) -> None:
        super().__init__()
        self.of: Counter[str] = Counter()

    def enter_variable(self, node: VariableNode, _key: Any, parent: Any, *_: Any) -> None:
        """Count a use."""
        if not isinstance(parent, VariableDefinitionNode):
            self.of[node.name.value] += 1
