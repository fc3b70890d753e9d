"""How much would this document make us do, and is that too much?

Asked before validation, for validating a hostile document is itself the attack: 200 fragments that each spread the
next one twice describe 2²⁰⁰ fields in a few kilobytes. Each fragment is measured once, so the answer takes time in
proportion to the text.

A connection costs its edges times its page size, and the page size is on the field above, out of a fragment's
sight. So the rows of a selection are kept as `rows + edge_rows × page size`, which can be added and remembered
before the page size is known.

>>> from graphql import parse
>>> measure(parse("{ members(first: 50) { edges { node { invoices(first: 10) { nodes { id } } } } } }"))[0].rows
550
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from api.settings import Limits
from schema.errors import ErrorCode, GraphError

PAGE_SIZE_MAX = 100
PAGE_SIZE_DEFAULT = 50
INTROSPECTION_DEPTH_MAX = 20
NESTING_MAX = 100
_ENOUGH = 10**9  # sums stop here: past any limit, and far from integers of a hundred digits

_PAGE_ARGUMENTS = frozenset({"first", "last"})
_EDGE_FIELDS = frozenset({"edges", "nodes"})
_INTROSPECTION = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True)
class Cost:
    """What a selection amounts to once every fragment is spread out."""

    depth: int = 0
    introspection_depth: int = 0
    roots: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    rows: int = 0
    edge_rows: int = 0

    @property
    def points(self) -> int:
        """Return what is asked for in one number: a point for each field and each row."""
        return _sum(_sum(self.fields, self.rows), 1)

    def answered(self, rows: int) -> int:
        """Return the points of an answer that has so many rows, never more than what was asked for."""
        return min(self.points, self.fields + rows + 1)

    def beside(self, other: "Cost") -> "Cost":
        """Return the cost of both selections in one place."""
        return Cost(
            depth=max(self.depth, other.depth),
            introspection_depth=max(self.introspection_depth, other.introspection_depth),
            roots=_sum(self.roots, other.roots),
            fields=_sum(self.fields, other.fields),
            aliases=_sum(self.aliases, other.aliases),
            directives=_sum(self.directives, other.directives),
            rows=_sum(self.rows, other.rows),
            edge_rows=_sum(self.edge_rows, other.edge_rows),
        )


def measure(document: DocumentNode) -> tuple[Cost, ...]:
    """Return the cost of each operation in the document, or raise `GraphError` when it is nested past measuring."""
    survey = _Survey(document)
    return tuple(
        survey.selection(definition.selection_set, level=0).beside(Cost(directives=len(definition.directives or ())))
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
    )


def require_within(costs: Iterable[Cost], limits: Limits) -> None:
    """Raise `GraphError` naming the first bound that one of the operations exceeds, with its value."""
    for cost in costs:
        for what, actual, allowed in _against(cost, limits):
            if actual > allowed:
                raise GraphError(
                    ErrorCode.QUERY_TOO_COMPLEX,
                    f"The document has {_told(actual)} {what}; {allowed} are allowed.",
                    limit=allowed,
                )


def _against(cost: Cost, limits: Limits) -> Iterator[tuple[str, int, int]]:
    yield "levels of fields", cost.depth, limits.query_depth_max
    yield "levels of introspection", cost.introspection_depth, INTROSPECTION_DEPTH_MAX
    yield "root fields", cost.roots, limits.query_roots_max
    yield "fields", cost.fields, limits.query_fields_max
    yield "aliases", cost.aliases, limits.query_aliases_max
    yield "directives", cost.directives, limits.query_directives_max
    yield "rows", cost.rows, limits.query_rows_max


class _Survey:
    """One pass over one document, in which every fragment is measured at most once."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._measured: dict[str, Cost] = {}

    def selection(self, selections: SelectionSetNode | None, *, level: int) -> Cost:
        """Return the cost of everything between one pair of braces."""
        if level > NESTING_MAX:
            raise GraphError(
                ErrorCode.QUERY_TOO_COMPLEX,
                f"The document nests selections and fragments more than {NESTING_MAX} levels deep.",
                limit=NESTING_MAX,
            )
        total = Cost()
        for node in selections.selections if selections is not None else ():
            total = total.beside(self._node(node, level))
        return total

    def _node(self, node: SelectionNode, level: int) -> Cost:
        match node:
            case FieldNode():
                cost = _field(node, self.selection(node.selection_set, level=level + 1))
            case FragmentSpreadNode():
                cost = self._fragment(node.name.value, level + 1)
            case InlineFragmentNode():
                cost = self.selection(node.selection_set, level=level + 1)
            case _:
                raise AssertionError(f"{node.kind} is no selection")
        return cost.beside(Cost(directives=len(node.directives))) if node.directives else cost

    def _fragment(self, name: str, level: int) -> Cost:
        cost = self._measured.get(name)
        if cost is None:
            self._measured[name] = cost = Cost()  # what a cycle or an unknown name costs: validation reports both
            if (definition := self._fragments.get(name)) is not None:
                self._measured[name] = cost = self.selection(definition.selection_set, level=level)
        return cost


def _field(node: FieldNode, below: Cost) -> Cost:
    rows = _sum(below.rows, below.edge_rows * _page_size(node))
    is_edges = node.name.value in _EDGE_FIELDS and not node.arguments
    is_introspection = node.name.value in _INTROSPECTION
    return Cost(
        depth=1 if is_introspection else below.depth + 1,
        introspection_depth=below.depth + 1 if is_introspection else below.introspection_depth,
        roots=1,
        fields=_sum(below.fields, 1),
        aliases=_sum(below.aliases, 1 if node.alias is not None else 0),
        directives=below.directives,
        rows=0 if is_edges else rows,
        edge_rows=_sum(rows, 1) if is_edges else 0,
    )


def _page_size(node: FieldNode) -> int:
    """Return the page size a field asks for; one that only a variable knows counts as the largest allowed."""
    for argument in node.arguments or ():
        if argument.name.value in _PAGE_ARGUMENTS:
            if not isinstance(argument.value, IntValueNode):
                return PAGE_SIZE_MAX
            return min(int(argument.value.value[:9]), PAGE_SIZE_MAX) if argument.value.value[0] != "-" else 0
    return PAGE_SIZE_DEFAULT


def _sum(one: int, other: int) -> int:
    return min(one + other, _ENOUGH)


def _told(count: int) -> str:
    return "countless" if count == _ENOUGH else str(count)
