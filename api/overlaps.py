"""Would comparing the fields of this document with one another take too long?

Fields that answer under one name in one place must be mergeable, and validation compares each of them with every
other: 250 times the same field is 31,000 comparisons. Real documents repeat a field a few times, in the fragments of
their components. So the pairs are counted before they are compared, with every fragment spread out, and no more of
the document is spread out than it takes to know.

>>> from graphql import parse
>>> pairs(parse("{ me { id id } me { id } ...F } fragment F on Query { me { id } }"))
9
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from schema.errors import ErrorCode, GraphError

PAIRS_MAX = 3_000
SPREAD_MAX = 12_000
"""Selections looked at in one document, those of a fragment once for each place it is spread to."""

_Within = tuple[str, ...]
"""The fragments around something, outermost first."""

_Place = tuple[SelectionSetNode, _Within]


def pairs(document: DocumentNode) -> int:
    """Return how many pairs of fields validation has to compare, or raise `GraphError` when it is too many."""
    counting = _Counting(
        {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    )
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    for operation in operations:
        counting.count([(operation.selection_set, ())])
    for unused in [each for name, each in counting.fragments.items() if name not in counting.spread]:
        counting.count([(unused.selection_set, ())])  # refused later, for being unused, and compared before that
    return counting.pairs


@dataclass(slots=True)
class _Counting:
    """What was counted so far in one document."""

    fragments: dict[str, FragmentDefinitionNode]
    spread: set[str] = field(default_factory=set)
    pairs: int = 0
    seen: int = 0

    def count(self, places: Iterable[_Place]) -> None:
        """Count the pairs in what becomes one selection when it is merged, and below it."""
        below: dict[str, list[_Place]] = {}
        times: dict[str, int] = {}
        for node, within in self._fields(places):
            name = (node.alias or node.name).value
            self.pairs += times.get(name, 0)
            times[name] = times.get(name, 0) + 1
            if self.pairs > PAIRS_MAX:
                raise _refused(f"repeats fields under one name: more than {PAIRS_MAX} pairs to compare", PAIRS_MAX)
            if node.selection_set is not None:
                below.setdefault(name, []).append((node.selection_set, within))
        for merged in below.values():
            self.count(merged)

    def _fields(self, places: Iterable[_Place]) -> Iterator[tuple[FieldNode, _Within]]:
        """Yield the fields of selections with every fragment in its place; one that spreads itself is left out."""
        for selection, within in places:
            for node in selection.selections:
                self.seen += 1
                if self.seen > SPREAD_MAX:
                    raise _refused(f"has more than {SPREAD_MAX} selections, with its fragments spread", SPREAD_MAX)
                match node:
                    case FieldNode():
                        yield node, within
                    case InlineFragmentNode(selection_set=inner):
                        yield from self._fields([(inner, within)])
                    case FragmentSpreadNode():
                        name = node.name.value
                        self.spread.add(name)
                        if name not in within and (fragment := self.fragments.get(name)) is not None:
                            yield from self._fields([(fragment.selection_set, (*within, name))])


def _refused(what: str, limit: int) -> GraphError:
    return GraphError(ErrorCode.QUERY_TOO_COMPLEX, f"The document {what}.", limit=limit)
