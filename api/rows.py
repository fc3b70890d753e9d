"""How many objects stand in the lists of an answer?

Where they can stand, an operation says by itself: so it is found out once, and of an answer only those places are
looked at. What has no shape that the schema knows is walked through as a whole.

>>> rows_in({"members": {"nodes": [{"id": 1}, {"tags": ["a"]}]}})
2
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)

SHAPELESS: Final = frozenset({"JSON", "_Any"})
"""Scalars that may hold lists of objects."""

_HOLDERS: Final = frozenset({dict, list})  # what a JSON answer is made of, and no classes of their own
_Selected = tuple[GraphQLCompositeType, SelectionSetNode]


@dataclass(frozen=True, slots=True)
class Rows:
    """Where lists stand in an object of an answer: under which keys, directly, further below or perhaps."""

    lists: tuple[tuple[str, "Rows"], ...] = ()
    objects: tuple[tuple[str, "Rows"], ...] = ()
    shapeless: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.lists or self.objects or self.shapeless)

    def among(self, found: Mapping[str, Any] | None) -> int:
        """Return how many objects stand in the lists of this one."""
        if found is None:
            return 0
        rows = 0
        for key, below in self.lists:
            listed = found.get(key)
            if listed:
                rows += len(listed) - listed.count(None)
                if below:
                    rows += sum([below.among(each) for each in listed])
        for key, below in self.objects:
            rows += below.among(found.get(key))
        for key in self.shapeless:
            rows += rows_in(found.get(key))
        return rows


def rows_in(answer: object) -> int:
    """Return how many objects stand in the lists of anything."""
    rows = 0
    level: list[object] = [answer]
    while level:
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below += item.values()
            elif isinstance(item, list):
                rows += list(map(type, item)).count(dict)
                below += item
        level = [each for each in below if type(each) in _HOLDERS]
    return rows


def places(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Rows:
    """Return where lists stand in the answer to a valid operation. It takes time in proportion to its fields."""
    root = schema.get_root_type(operation.operation)
    assert root is not None, "the operation is valid"
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    return _Survey(schema, fragments).places([(root, operation.selection_set)])


class _Survey:
    """One pass over an operation, its fragments spread out."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._fragments = fragments

    def places(self, selected: Sequence[_Selected]) -> Rows:
        """Return where lists stand in an object of which all this is selected."""
        fields: dict[str, tuple[GraphQLOutputType, list[_Selected]]] = {}
        for parent, selections in selected:
            self._collect(parent, selections, fields)
        lists, objects, shapeless = [], [], []
        for key, (declared, below) in fields.items():
            kind = get_nullable_type(declared)
            inside = get_nullable_type(kind.of_type) if is_list_type(kind) else kind
            if is_list_type(inside) or get_named_type(inside).name in SHAPELESS:
                shapeless.append(key)
            elif is_list_type(kind) and is_composite_type(inside):
                lists.append((key, self.places(below)))
            elif is_composite_type(inside) and (found := self.places(below)):
                objects.append((key, found))
        return Rows(tuple(lists), tuple(objects), tuple(shapeless))

    def _collect(
        self,
        parent: GraphQLCompositeType,
        selections: SelectionSetNode,
        fields: dict[str, tuple[GraphQLOutputType, list[_Selected]]],
    ) -> None:
        for node in selections.selections:
            match node:
                case FieldNode():
                    key = (node.alias or node.name).value
                    field = self._schema.get_field(parent, node.name.value)
                    assert field is not None, "the operation is valid"
                    _, below = fields.setdefault(key, (field.type, []))
                    kind = get_named_type(field.type)
                    if node.selection_set is not None and is_composite_type(kind):
                        below.append((kind, node.selection_set))
                case InlineFragmentNode(type_condition=condition):
                    kind = parent if condition is None else self._named(condition.name.value)
                    self._collect(kind, node.selection_set, fields)
                case FragmentSpreadNode():
                    fragment = self._fragments[node.name.value]
                    self._collect(self._named(fragment.type_condition.name.value), fragment.selection_set, fields)

    def _named(self, name: str) -> GraphQLCompositeType:
        kind = self._schema.get_type(name)
        assert is_composite_type(kind), "the operation is valid"
        return kind
