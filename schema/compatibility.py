"""Which clients of a released schema would another schema break?

What was deprecated with a date may go when the date has passed: it is taken out of the released schema first, as if it
had never been promised. A change of a default is a break too, for the same query then does something else. What is
merely dangerous, such as a new value of an enum, is named and let through: clients have been told to expect it.

>>> old = "type Query { name: String, nick: String @deprecated(reason: \\"Use name; removed after 2027-03-01.\\") }"
>>> [change.text for change in changes(old, "type Query { name: String }", on=date(2027, 3, 1))]
['Field Query.nick was removed.']
>>> changes(old, "type Query { name: String }", on=date(2027, 3, 2))
()
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from graphql import (
    REMOVE,
    DirectiveNode,
    DocumentNode,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    StringValueNode,
    TypeDefinitionNode,
    Visitor,
    build_ast_schema,
    build_schema,
    get_named_type,
    parse,
    visit,
)
from graphql.utilities import DangerousChangeType, find_breaking_changes, find_dangerous_changes

REMOVAL: Final = re.compile(r"removed after (\d{4}-\d{2}-\d{2})\b")
_BREAKS_SILENTLY: Final = frozenset({DangerousChangeType.ARG_DEFAULT_VALUE_CHANGE})


@dataclass(frozen=True, slots=True)
class Change:
    """One difference that clients would notice, and whether they break by it."""

    text: str
    breaks: bool


def changes(released: str, current: str, *, on: date) -> tuple[Change, ...]:
    """Return what clients of the released schema would notice on a day, what breaks them first."""
    old, new = _still_promised(parse(released), on), build_schema(current)
    breaking = [Change(change.description, breaks=True) for change in find_breaking_changes(old, new)]
    dangerous = [
        Change(change.description, breaks=change.type in _BREAKS_SILENTLY)
        for change in find_dangerous_changes(old, new)
    ]
    return tuple(sorted(breaking + dangerous, key=lambda change: (not change.breaks, change.text)))


def removal_day(reason: str) -> date | None:
    """Return the day after which something deprecated may go, None where the reason names none."""
    named = REMOVAL.search(reason)
    return date.fromisoformat(named[1]) if named else None


def _still_promised(released: DocumentNode, on: date) -> GraphQLSchema:
    whole = build_ast_schema(released)
    kept: DocumentNode = visit(released, _Ended(on))
    pruned = build_ast_schema(kept, assume_valid=True)
    gone = _reached(whole) - _reached(pruned)  # types that only what has ended led to
    definitions = [
        each for each in kept.definitions if not (isinstance(each, TypeDefinitionNode) and each.name.value in gone)
    ]
    return build_ast_schema(DocumentNode(definitions=tuple(definitions)), assume_valid=True)


class _Ended(Visitor):
    """Takes out what was deprecated with a day that has passed."""

    def __init__(self, on: date) -> None:
        super().__init__()
        self._on = on

    def enter(self, node: Any, *_: Any) -> Any:
        """Remove the node when its day has passed."""
        day = next((_day(each) for each in getattr(node, "directives", None) or () if _is_deprecation(each)), None)
        return REMOVE if day is not None and day < self._on else None


def _is_deprecation(directive: Any) -> bool:
    return isinstance(directive, DirectiveNode) and directive.name.value == "deprecated"


def _day(directive: DirectiveNode) -> date | None:
    reasons = [each.value.value for each in directive.arguments or () if isinstance(each.value, StringValueNode)]
    return removal_day(" ".join(reasons))


def _reached(schema: GraphQLSchema) -> set[str]:
    """Return the names of the types that lead from the roots, through interfaces to what implements them too."""
    waiting: list[GraphQLNamedType] = [
        root for root in (schema.query_type, schema.mutation_type, schema.subscription_type) if root is not None
    ]
    seen: set[str] = set()
    while waiting:
        here = waiting.pop()
        if here.name not in seen:
            seen.add(here.name)
            waiting += _onwards(schema, here)
    return seen


def _onwards(schema: GraphQLSchema, here: GraphQLNamedType) -> Iterator[GraphQLNamedType]:
    match here:
        case GraphQLUnionType():
            yield from here.types
        case GraphQLInputObjectType():
            yield from (get_named_type(field.type) for field in here.fields.values())
        case GraphQLObjectType() | GraphQLInterfaceType():
            yield from here.interfaces
            if isinstance(here, GraphQLInterfaceType):
                yield from schema.get_possible_types(here)
            for field in here.fields.values():
                yield get_named_type(field.type)
                yield from (get_named_type(argument.type) for argument in field.args.values())
