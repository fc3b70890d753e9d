"""How is a projection written down?

What is worked out from an object alone becomes one Python expression: attributes are read, and the usual classes of
values pass as they are. Anything else raises, mostly `Unfit`, and is then done by the book: an expression never has
to know what to say about a value that does not fit.
"""

from collections.abc import Callable
from typing import Any, Final

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLID,
    GraphQLInt,
    GraphQLObjectType,
    GraphQLString,
    is_leaf_type,
    is_list_type,
)
from graphql.type.scalars import GRAPHQL_MAX_INT, GRAPHQL_MIN_INT

from api.compiled.fields import Field
from api.compiled.values import shape, shown

_AS_IT_IS: Final = frozenset({GraphQLString, GraphQLID})
Below = Callable[[GraphQLObjectType, Field], list[Field]]
"""The fields that are selected of an object that a field leads to."""


class Unfit(Exception):
    """A value is not what an expression is written for."""


def plain_list(value: Any) -> Any:
    """Return a list as it is; raise `Unfit` for anything that may be none."""
    if value.__class__ is list or value.__class__ is tuple:
        return value
    raise Unfit


class Module:
    """Python source that is being written, and the things it names."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"Unfit": Unfit, "plain_list": plain_list}

    def name(self, kind: str, thing: Any) -> str:
        """Return a name under which the source finds a thing."""
        name = f"{kind}{len(self.names)}"
        self.names[name] = thing
        return name

    def write(self, *lines: str) -> None:
        """Add lines to the source."""
        self.lines += lines

    def build(self, *wanted: str) -> list[Any]:
        """Return what the source defines under these names."""
        source = "\n".join(self.lines)
        exec(compile(source, "<plan>", "exec"), self.names)  # noqa: S102  # every name and literal in it is ours
        return [self.names[name] for name in wanted]


class Writer:
    """Writes the expressions of one plan."""

    def __init__(self, module: Module, below: Below) -> None:
        self._module = module
        self._below = below

    def read(self, of: Field, source: str) -> str:
        """Return the expression of a field of an object that is called `source`."""
        assert of.declared is not None, "a pure field is declared"
        base = of.declared.base_resolver
        if base is None:
            value = f"{source}.{of.declared.python_name}"
        else:
            value = f"{self._module.name('f', base.wrapped_func)}({source})"
        return self.value(of.definition.type, of, value, 0)

    def value(self, declared: Any, of: Field, value: str, depth: int) -> str:
        """Return the expression that makes a value of a type a part of the answer."""
        is_required, named = shape(declared)
        if is_leaf_type(named):
            return self._leaf(named, value, is_required=is_required)
        held = value if is_required else f"w{depth}"
        if is_list_type(named):
            inner = self.value(named.of_type, of, f"i{depth}", depth + 1)
            made = f"[{inner} for i{depth} in plain_list({held})]"
        else:
            made = f"{self.object(named, of)}({held})"
        return made if is_required else f"(None if ({held} := {value}) is None else {made})"

    def object(self, declared: GraphQLObjectType, of: Field) -> str:
        """Write the function that projects an object of a type, and return its name."""
        fields = self._below(declared, of)
        parts = [
            f"{each.key!r}: {declared.name!r}" if each.is_typename else f"{each.key!r}: {self.read(each, 'o')}"
            for each in fields
        ]
        name = self._module.name("p", None)
        self._module.write(f"def {name}(o):", *self._check(declared, fields), f" return {{{', '.join(parts)}}}")
        return name

    def _check(self, declared: GraphQLObjectType, fields: list[Field]) -> list[str]:
        if declared.is_type_of is not None:
            return [f" if {self.is_other('o', declared)}: raise Unfit"]
        if all(each.is_typename for each in fields):  # nothing that is read would fail on what is no object
            return [" if o is None or isinstance(o, Exception): raise Unfit"]
        return []

    def is_other(self, source: str, declared: GraphQLObjectType) -> str:
        """Return the condition that an object is not of its type: quickly for one whose class says that it is."""
        own = self._module.name("c", declared.extensions["strawberry-definition"].origin)
        asked = self._module.name("k", declared.is_type_of)
        return f"{source}.__class__ is not {own} and not {asked}({source}, None)"

    def _leaf(self, declared: Any, value: str, *, is_required: bool) -> str:
        slowly = self._module.name("s", _slowly(declared, is_required=is_required))
        coerce = declared.coerce_output_value
        if declared in _AS_IT_IS or coerce is str:
            return f"(v if (v := {value}).__class__ is str else {slowly}(v))"
        if declared is GraphQLInt:
            bounds = f"{GRAPHQL_MIN_INT} <= v <= {GRAPHQL_MAX_INT}"
            return f"(v if (v := {value}).__class__ is int and {bounds} else {slowly}(v))"
        if declared is GraphQLBoolean:
            return f"(v if (v := {value}) is True or v is False else {slowly}(v))"
        own = getattr(declared, "wrapped_cls", None)
        if isinstance(declared, GraphQLEnumType) and own is not None:
            texts = self._module.name("e", {member: coerce(member) for member in own})
            return f"({texts}[v] if (v := {value}).__class__ is {self._module.name('c', own)} else {slowly}(v))"
        return f"{slowly}({value})"


def _slowly(declared: Any, *, is_required: bool) -> Callable[[Any], Any]:
    """Return how a leaf is answered when it is not simply what it should be."""
    coerce = declared.coerce_output_value

    def answered(value: Any) -> Any:
        if value is None:
            if is_required:
                raise Unfit
            return None
        if isinstance(value, Exception):
            raise value
        return shown(declared, coerce, value)

    return answered
