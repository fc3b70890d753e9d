"""How does a resolved value become a part of the answer?

Two ways. What is worked out from objects alone is written as expressions by `writing`. What leads to fields that are
guarded, that take arguments or that wait goes through the steps below, which name the place of each value, for there
something may go wrong and must be told where.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLAbstractType,
    GraphQLError,
    GraphQLOutputType,
    GraphQLScalarType,
    Undefined,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.pyutils import inspect, is_iterable
from strawberry.types.base import StrawberryObjectDefinition, get_object_definition

from api.compiled.fields import BACKREF, Complete, Field, Path

if TYPE_CHECKING:
    from api.compiled.run import Run
    from api.compiled.selections import Project


def required(of: Field, inner: Complete) -> Complete:
    """Return the completion of what may not be null."""

    def complete(value: Any, run: "Run", path: Path) -> Any:
        completed = inner(value, run, path)
        if completed is None:
            name = of.nodes[0].name.value
            raise TypeError(f"Cannot return null for non-nullable field {of.parent}.{name}.")
        return completed

    return complete


def listed(of: Field, item: Complete, *, is_required: bool) -> Complete:
    """Return the completion of a list, each item by itself."""

    def complete(value: Any, run: "Run", path: Path) -> Any:
        if isinstance(value, Exception):
            raise value
        if value is None:
            return None
        if not is_iterable(value):
            name = of.nodes[0].name.value
            raise GraphQLError(f"Expected Iterable, but did not find one for field '{of.parent}.{name}'.")
        completed: list[Any] = []
        for index, each in enumerate(value):
            here = (path, index)
            begun = len(run.waiting)
            try:
                completed.append(item(each, run, here))
            except Exception as fault:
                error = of.located(fault, here)
                if is_required:
                    raise error from fault
                run.abandon(begun)
                run.errors.add(error, here)
                completed.append(None)
        return completed

    return complete


def one(project: "Project") -> Complete:
    """Return the completion of an object of a known type."""

    def complete(value: Any, run: "Run", path: Path) -> Any:
        if isinstance(value, Exception):
            raise value
        return None if value is None else project(value, run, path)

    return complete


def one_of(of: Field, declared: GraphQLAbstractType, projects: Mapping[str, "Project"]) -> Complete:
    """Return the completion of an object whose type shows when it is there.

    What strawberry answers for a class of ours that is not generic is the same for each of its objects.
    """
    known: dict[type, Project] = {}

    def complete(value: Any, run: "Run", path: Path) -> Any:
        if isinstance(value, Exception):
            raise value
        if value is None:
            return None
        project = known.get(value.__class__)
        if project is None:
            name = run.runtime_type(of, declared, value, path)
            project = projects[name]
            if _is_told_by_class(declared, value):
                known[value.__class__] = project
        return project(value, run, path)

    return complete


def _is_told_by_class(declared: GraphQLAbstractType, value: object) -> bool:
    definition = get_object_definition(value)
    found = (declared.extensions or {}).get(BACKREF)
    is_ours = isinstance(found, StrawberryObjectDefinition) and found.resolve_type is None
    return is_ours and definition is not None and not definition.is_graphql_generic


def leaf(declared: Any) -> Complete:
    """Return the completion of a scalar or an enum."""
    coerce = declared.coerce_output_value

    def complete(value: Any, _run: "Run", _path: Path) -> Any:
        if isinstance(value, Exception):
            raise value
        return None if value is None or value is Undefined else shown(declared, coerce, value)

    return complete


def shown(declared: Any, coerce: Any, value: Any) -> Any:
    """Return a leaf as it is answered; raise what the library raises for one that cannot be."""
    coerced = coerce(value)
    if coerced is Undefined or coerced is None:
        raise TypeError(
            f"Expected `{inspect(declared)}.coerce_output_value({inspect(value)})` to return non-nullable value, "
            f"returned: {inspect(coerced)}"
        )
    return coerced


def shape(declared: GraphQLOutputType) -> tuple[bool, Any]:
    """Return whether a type may not be null, and the type without that."""
    return (True, declared.of_type) if is_non_null_type(declared) else (False, declared)


def is_scalar(declared: Any) -> bool:
    """Return whether a type is a scalar."""
    return isinstance(declared, GraphQLScalarType)


__all__ = [
    "is_abstract_type",
    "is_leaf_type",
    "is_list_type",
    "leaf",
    "listed",
    "one",
    "one_of",
    "required",
    "shape",
    "shown",
]
