"""What does a plan know of one field of its operation?

Everything that does not change from request to request: how it is resolved, what guards it, how its value becomes a
part of the answer, and which place in the answer is null when it cannot be.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import strawberry
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    is_non_null_type,
    located_error,
)
from graphql.execution.collect_fields import FieldDetailsList
from strawberry.types.field import StrawberryField

from schema.access import Guard
from schema.loaded import LOADED, Loaded

if TYPE_CHECKING:
    from api.compiled.run import Run

BACKREF: Final = "strawberry-definition"

Path = tuple[Any, str | int] | None
"""A place in the answer: the place it is in, and its key or index there. None is the answer itself."""

Complete = Callable[[Any, "Run", Path], Any]
"""Turn a resolved value into a part of the answer, or raise what is wrong with it."""

Call = Callable[[Any, "Run", Path], Any]
"""Resolve a field of an object; what is returned may be a coroutine."""


def keys(path: Path) -> list[str | int]:
    """Return the keys that lead to a place, outermost first.

    >>> keys((((None, "members"), 3), "name"))
    ['members', 3, 'name']
    """
    found: list[str | int] = []
    while path is not None:
        path, key = path
        found.append(key)
    return found[::-1]


@dataclass(slots=True, eq=False)
class Field:
    """One field of one selection."""

    key: str
    parent: GraphQLObjectType
    definition: GraphQLField
    details: FieldDetailsList
    catch: int | None
    """How many keys up from the field the nearest place is that may be null; None for the answer itself."""
    nodes: list[FieldNode] = field(init=False)
    declared: StrawberryField | None = field(init=False)
    has_arguments: bool = field(init=False)
    is_required: bool = field(init=False)
    """Whether it may not be null."""
    is_async: bool = field(init=False)
    """Whether resolving it gives something to wait for."""
    is_direct: bool = field(init=False)
    """Whether the function behind it can be called without strawberry in between."""
    guards: tuple[Guard, ...] = field(init=False)
    """What guards a field that is called directly."""
    loaded: Loaded | None = field(init=False)
    """How its row is loaded, where it is made of one that a loader reads."""
    is_given_literally: bool = field(init=False)
    """Whether no variable is part of its arguments."""
    constant: dict[str, Any] | None = None
    """Its arguments as its function takes them, where they are the same in each request and nobody can change them."""
    leaves_lane: bool = False
    """Whether it is known to wait for other things than loaders."""
    complete: Complete = field(init=False)
    call: Call = field(init=False)

    def __post_init__(self) -> None:
        self.nodes = [detail.node for detail in self.details]
        self.declared = found = (self.definition.extensions or {}).get(BACKREF)
        self.has_arguments = bool(self.definition.args)
        self.is_given_literally = not any(_has_variable(each.value) for each in self.nodes[0].arguments or ())
        self.is_required = is_non_null_type(self.definition.type)
        self.is_async = found is not None and found.is_async
        extensions = found.extensions if found is not None else []
        self.is_direct = found is not None and _takes_itself(found) and all(type(each) is Guard for each in extensions)
        base = found.base_resolver if found is not None else None
        self.loaded = getattr(base.wrapped_func, LOADED, None) if base is not None and self.is_direct else None
        self.guards = tuple(each for each in extensions if isinstance(each, Guard)) if self.is_direct else ()

    @property
    def is_typename(self) -> bool:
        """Return whether it is the name of the object's type."""
        return self.nodes[0].name.value == "__typename"

    @property
    def is_attribute(self) -> bool:
        """Return whether it is nothing but an attribute of the object."""
        return self.declared is not None and self.declared.is_basic_field

    @property
    def is_pure(self) -> bool:
        """Return whether it is worked out from the object alone, at once and without anybody's permission."""
        found = self.declared
        if found is None or found.extensions or found.is_async:
            return False
        base = found.base_resolver
        return base is None or not (self.has_arguments or base.info_parameter or not _takes_itself(found))

    def located(self, fault: Exception, path: Path) -> GraphQLError:
        """Return a fault as an error of this field, at this place unless it knows a better one."""
        return located_error(fault, self.nodes, keys(path))


Waiting = tuple[Field, Any, dict[str, Any], Path, Awaitable[Any] | None]
"""A field, the object it is a field of, the object's part of the answer, the field's place, and what is resolved."""


def _has_variable(node: ValueNode) -> bool:
    match node:
        case VariableNode():
            return True
        case ListValueNode():
            return any(map(_has_variable, node.values))
        case ObjectValueNode():
            return any(_has_variable(each.value) for each in node.fields)
    return False


def _takes_itself(found: StrawberryField) -> bool:
    base = found.base_resolver
    return base is not None and bool(base.self_parameter) and not (base.parent_parameter or base.root_parameter)


class PlanInfo(strawberry.Info[Any, None]):
    """What a resolver is told of the request. All but the context is made only for those who ask."""

    def __init__(self, run: "Run", of: Field, path: Path) -> None:
        self._run, self._of, self._path = run, of, path

    @property
    def context(self) -> Any:
        """The context of the operation."""
        return self._run.context

    @property
    def _field(self) -> StrawberryField:  # type: ignore[override]  # the base keeps it as an attribute
        assert self._of.declared is not None, "only what strawberry declared is resolved with its information"
        return self._of.declared

    @property
    def _raw_info(self) -> Any:  # type: ignore[override]  # the base keeps it as an attribute
        return self._run.raw_info(self._of, self._path)


def call_of(of: Field) -> Call:
    """Return how the field is resolved: by its attribute, its function, or all that strawberry put around it."""
    found = of.declared
    if of.is_attribute:
        assert found is not None, "an attribute is declared"
        return _attribute(found.python_name)
    if of.is_direct:
        assert found is not None, "a function is declared"
        return _direct(of, found)

    def whole(source: Any, run: "Run", path: Path) -> Any:
        resolve = of.definition.resolve
        assert resolve is not None, "strawberry gives every field a resolver"
        return resolve(source, run.raw_info(of, path), **run.arguments(of))

    return whole


def _attribute(name: str) -> Call:
    def read(source: Any, _run: "Run", _path: Path) -> Any:
        return getattr(source, name)

    return read


def _direct(of: Field, found: StrawberryField) -> Call:
    base = found.base_resolver
    assert base is not None, "a function is declared"
    asked = base.info_parameter.name if base.info_parameter else None
    names: Mapping[str, Any] = {"function": base.wrapped_func, "PlanInfo": PlanInfo, "of": of}
    told = f", {asked}=PlanInfo(run, of, path)" if asked else ""
    given = ", **run.given(of, path)" if of.has_arguments else ""
    call: Call = eval(f"lambda source, run, path: function(source{told}{given})", dict(names))  # noqa: S307  # ours
    return call
