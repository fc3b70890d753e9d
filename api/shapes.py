"""Is the document made of more parts than anybody writes by hand or generates for a page?

Validation looks at some parts once for each of others: at every fragment for every operation, at a whole literal for
each fault in it. So the parts are counted first, each once and none of them spread out. What is long belongs into a
variable, whose length is bounded where JSON is read.

>>> from graphql import parse
>>> count(parse("query Q($id: ID!) { node(id: $id) { id } }"))[OperationDefinitionNode]
1
"""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    ListValueNode,
    Node,
    ObjectFieldNode,
    OperationDefinitionNode,
    VariableDefinitionNode,
)
from graphql.language.ast import ArgumentNode

from schema.errors import ERRORS_MAX, ErrorCode, GraphError

MOST: Mapping[type[Node], tuple[int, str]] = MappingProxyType(
    {
        OperationDefinitionNode: (50, "operations"),
        FragmentDefinitionNode: (100, "fragments"),
        FragmentSpreadNode: (300, "fragment spreads"),
        VariableDefinitionNode: (200, "variables"),
        ArgumentNode: (300, "arguments"),
        ObjectFieldNode: (300, "fields in literal objects"),
        ListValueNode: (500, "items in literal lists"),
        DirectiveNode: (100, "directives"),
    }
)
_QUOTED_MAX = 1_000


def count(document: DocumentNode) -> Counter[type[Node]]:
    """Return how many parts of each kind there are; a list counts by its items. It takes no recursion."""
    found: Counter[type[Node]] = Counter()
    waiting: list[Node] = [document]
    while waiting:
        node = waiting.pop()
        found[type(node)] += len(node.values) if isinstance(node, ListValueNode) else 1
        for name in node.keys:
            below = getattr(node, name)
            if isinstance(below, Node):
                waiting.append(below)
            elif isinstance(below, tuple):
                waiting.extend(each for each in below if isinstance(each, Node))
    return found


def require_usual(document: DocumentNode) -> int:
    """Raise `GraphError` naming the first kind of part there is too much of; return how many errors to look for.

    An error in a literal quotes all of it. A document with long literals is told fewer of its errors.
    """
    found = count(document)
    for kind, (most, name) in MOST.items():
        if found[kind] > most:
            raise GraphError(
                ErrorCode.QUERY_TOO_COMPLEX, f"The document has {found[kind]} {name}; {most} are allowed.", limit=most
            )
    literals = found[ObjectFieldNode] + found[ListValueNode]
    return min(ERRORS_MAX - 1, max(1, _QUOTED_MAX // max(1, literals)))
