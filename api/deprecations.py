"""Which deprecated parts of the schema does an operation use?

Fields, arguments, values of enums and fields of inputs, under the coordinates by which the schema's reference knows
them. What a document says is looked at once, with its validation; what stands in variables, for each operation. A
schema in which nothing is deprecated costs nothing.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    separate_operations,
    type_from_ast,
    visit,
)


@lru_cache(maxsize=8)
def is_anything_deprecated(schema: GraphQLSchema) -> bool:
    """Return whether the schema has a deprecated part at all."""
    for kind in schema.type_map.values():
        parts = [*getattr(kind, "fields", {}).values(), *getattr(kind, "values", {}).values()]
        given = [argument for part in parts for argument in getattr(part, "args", {}).values()]
        if any(each.deprecation_reason is not None for each in (*parts, *given)):
            return True
    return False


def in_document(schema: GraphQLSchema, document: DocumentNode) -> Mapping[str, frozenset[str]]:
    """Return what each operation of a valid document uses, by the operation's name, `""` where it has none."""
    found = {}
    for name, alone in separate_operations(document).items():
        info = TypeInfo(schema)
        uses = _Uses(info)
        visit(alone, TypeInfoVisitor(info, uses))
        found[name] = frozenset(uses.found)
    return found


def in_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> frozenset[str]:
    """Return what the values of an operation's variables use. What does not fit its type is left to the executor."""
    found: set[str] = set()
    for definition in operation.variable_definitions or ():
        kind = type_from_ast(schema, definition.type)
        if kind is not None and (name := definition.variable.name.value) in variables:
            found.update(_in_value(kind, variables[name]))
    return frozenset(found)


class _Uses(Visitor):
    """Notes each deprecated part that a document names."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.found: set[str] = set()
        self._info = info

    def enter_field(self, node: Any, *_: Any) -> None:
        """Look at a field."""
        field, parent = self._info.get_field_def(), self._info.get_parent_type()
        if field is not None and parent is not None and field.deprecation_reason is not None:
            self.found.add(f"{parent.name}.{node.name.value}")

    def enter_argument(self, node: Any, *_: Any) -> None:
        """Look at an argument of a field; those of directives are not ours."""
        argument, field, parent = self._info.get_argument(), self._info.get_field_def(), self._info.get_parent_type()
        if self._info.get_directive() is not None or argument is None or argument.deprecation_reason is None:
            return
        fields = getattr(parent, "fields", {})
        name = next(name for name, each in fields.items() if each is field)
        self.found.add(f"{parent}.{name}({node.name.value}:)")

    def enter_object_field(self, node: Any, *_: Any) -> None:
        """Look at a field of an input."""
        parent = get_named_type(self._info.get_parent_input_type())
        if isinstance(parent, GraphQLInputObjectType):
            self.found.update(_of_input(parent, node.name.value))

    def enter_enum_value(self, node: Node, *_: Any) -> None:
        """Look at a value of an enum."""
        kind = get_named_type(self._info.get_input_type())
        if isinstance(kind, GraphQLEnumType):
            self.found.update(_of_enum(kind, node.value))  # type: ignore[attr-defined]  # an enum value has one


def _in_value(kind: Any, value: Any) -> Iterator[str]:
    match kind, value:
        case _, None:
            return
        case GraphQLNonNull(), _:
            yield from _in_value(kind.of_type, value)
        case GraphQLList(), list():
            for each in value:
                yield from _in_value(kind.of_type, each)
        case GraphQLList(), _:
            yield from _in_value(kind.of_type, value)
        case GraphQLInputObjectType(), dict():
            for name, each in value.items():
                if name in kind.fields:
                    yield from _of_input(kind, name)
                    yield from _in_value(kind.fields[name].type, each)
        case GraphQLEnumType(), str():
            yield from _of_enum(kind, value)


def _of_input(kind: GraphQLInputObjectType, name: str) -> Iterator[str]:
    field = kind.fields.get(name)
    if field is not None and field.deprecation_reason is not None:
        yield f"{kind.name}.{name}"


def _of_enum(kind: GraphQLEnumType, name: str) -> Iterator[str]:
    value = kind.values.get(name)
    if value is not None and value.deprecation_reason is not None:
        yield f"{kind.name}.{name}"
