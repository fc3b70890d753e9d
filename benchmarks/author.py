"""What could somebody send who knows the schema, and nothing of what the values mean?

Valid documents: fields that exist, arguments of the right type, values from the edges of what a type takes, and ids of
things that are really there, of the wrong kind, or of nobody. The same seed writes the same documents.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from benchmarks.inputs import Inputs

DEPTH_MAX: Final = 7
FIELDS_MAX: Final = 40
_OPTIONAL: Final = 0.35
_NULL: Final = 0.05
_OWN: Final = 0.85
_NESTING_MAX: Final = 5
_LONG: Final = 9_223_372_036_854_775_807
_TEXTS: Final = (
    "", " ", "a", "example", "-1", "0", "1", "1e999", "NaN", "null", "USD", "EUR", "usd", "XXX", "en", "ru-RU",
    "2026-10",
    "2026-13", "0000-00", "9999-12", "0001-01", "Europe/Berlin", "Nowhere/Land", "../../etc/passwd", "' OR 1=1 --",
    "%s%n",
    "ann@acme.example", "chat", "chat_code", "member", "owner", "tokens", "https://93.184.215.14/", "http://localhost/",
    "\u202eabc", "\U0001f4b8", "e\u0301", "\ufeff", "ß" * 40, "x" * 300, "x" * 5_000, "\t\n", "\x7f", "DE", "{}",
    "a,b\n1,2",
)  # fmt: skip
_SCALARS: Final[Mapping[str, Sequence[Any]]] = {
    "Int": (0, 1, 2, 5, 50, 100, 101, -1, 1_000, 2_147_483_647, -2_147_483_648),
    "Float": (0.0, 1.5, -1.5, 1e308),
    "Boolean": (True, False),
    "Long": ("0", "1", "-1", str(_LONG), str(-_LONG - 1), 7),
    "Decimal": ("0", "1", "-1", "0.01", "12.40", "0.000000001", "999999999", "9" * 15, "9" * 18, "-0.5", "100"),
    "ExactNumber": ("0", "1", "1/3", "-1/3", "9" * 15, "0.1"),
    "DateTime": (
        "2026-10-01T00:00:00Z", "2026-11-20T00:00:00+00:00", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z", "2026-10-25T01:30:00+02:00", "2199-12-31T00:00:00Z",
    ),
    "Date": ("2026-10-01", "2026-02-28", "0001-01-01", "9999-12-31"),
    "JSON": ({}, {"a": [1, None, {"b": "c"}]}, [], "text", 1, None),
}  # fmt: skip


@dataclass(slots=True)
class Author:
    """Writes documents from one schema with one source of chance; `known` are ids of what is really there."""

    schema: GraphQLSchema
    known: Sequence[str]
    chance: random.Random
    own: Mapping[str, str] = field(default_factory=dict)
    """What a field of this name is mostly given, so that more is looked at than an id of nobody."""
    _inputs: Inputs = field(init=False)
    _left: int = 0
    _variables: dict[str, tuple[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._inputs = Inputs(self.chance, self._leaf, _NULL, _OPTIONAL, _NESTING_MAX)

    def question(self) -> dict[str, Any]:
        """Return the parameters of a query."""
        assert self.schema.query_type is not None
        return self._written("query", self.schema.query_type, roots=self.chance.randint(1, 3))

    def command(self) -> dict[str, Any]:
        """Return the parameters of a mutation."""
        assert self.schema.mutation_type is not None
        return self._written("mutation", self.schema.mutation_type, roots=1)

    def _written(self, keyword: str, root: GraphQLObjectType, *, roots: int) -> dict[str, Any]:
        self._left, self._variables = FIELDS_MAX, {}
        names = self.chance.choices(sorted(root.fields), k=roots)
        parts = [f"r{place}: {self._field(name, root.fields[name], 1)}" for place, name in enumerate(names)]
        declared = ", ".join(f"${name}: {kind}" for name, (kind, _) in self._variables.items())
        head = f"{keyword} Q({declared})" if declared else f"{keyword} Q"
        values = {name: value for name, (_, value) in self._variables.items()}
        return {"query": f"{head} {{ {' '.join(parts)} }}", "variables": values}

    def _field(self, name: str, definition: GraphQLField, depth: int) -> str:
        self._left -= 1
        given = []
        for argument, each in definition.args.items():
            if is_required_argument(each) or self.chance.random() < _OPTIONAL:
                variable = f"v{len(self._variables)}"
                self._variables[variable] = (str(each.type), self._inputs.value(each.type, argument))
                given.append(f"{argument}: ${variable}")
        arguments = f"({', '.join(given)})" if given else ""
        return f"{name}{arguments}{self._below(definition, depth)}"

    def _below(self, definition: GraphQLField, depth: int) -> str:
        named = get_named_type(definition.type)
        if is_leaf_type(named):
            return ""
        return f" {{ __typename {' '.join(self._selection(named, depth))} }}"

    def _selection(self, kind: Any, depth: int) -> Iterator[str]:
        targets = [kind]
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            possible = list(self.schema.get_possible_types(kind))
            targets = self.chance.sample(possible, min(len(possible), 2))
        for number, target in enumerate(targets):
            fields = self._chosen(target, depth)
            written = [f"f{depth}_{number}_{at}: {self._field(*each, depth + 1)}" for at, each in enumerate(fields)]
            if target is kind:
                yield from written
            elif written:
                yield f"... on {target.name} {{ {' '.join(written)} }}"

    def _chosen(self, kind: GraphQLObjectType, depth: int) -> list[tuple[str, GraphQLField]]:
        possible = [
            (name, definition)
            for name, definition in sorted(kind.fields.items())
            if depth < DEPTH_MAX or is_leaf_type(get_named_type(definition.type))
        ]
        count = max(0, min(self._left, self.chance.randint(1, 5), len(possible)))
        self._left -= count
        return self.chance.sample(possible, count)

    def _leaf(self, kind: GraphQLScalarType, name: str) -> Any:
        chance = self.chance
        if name in self.own and chance.random() < _OWN:
            return self.own[name]
        if name in {"first", "last"} and chance.random() < _OWN:
            return chance.choice((1, 5, 50))
        if kind.name == "ID" or (kind.name == "String" and chance.random() < _NULL):
            return self._id()
        return chance.choice(_SCALARS.get(kind.name, _TEXTS))

    def _id(self) -> str:
        chance = self.chance
        known = chance.choice(self.known) if self.known else "org_nobody"
        if chance.random() < 0.7:
            return known
        kind, _, rest = known.partition("_")
        return chance.choice(
            (f"mem_{rest}", f"{kind}_{rest[::-1]}", kind, f"{known}0", known.upper(), "", "_", "x" * 200)
        )
