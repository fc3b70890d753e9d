"""What could a client ask that is valid, and asks for everything a plan must be able to do?

Lists and pages of lists, interfaces told apart, fields merged from several places, named and inline fragments,
`@skip` and `@include` by literals and by variables, arguments that are right and arguments that are not, and values
of variables that their types do not take. The same seed asks the same questions.
"""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from benchmarks.inputs import Inputs

DEPTH_MAX: Final = 8
FIELDS_MAX: Final = 45
_WAY: Final = frozenset({"nodes", "edges", "node", "members", "invoices", "lines", "chain", "explanation"})
"""Fields that lead to where there is much to see: they are taken more often than others."""
_GIVEN: Final[Mapping[str, Sequence[Any]]] = {
    "first": (1, 2, 3, 5, 100, 0, None, -1, 101),
    "last": (None, None, 2, 3),
    "after": (None, None, None, "nonsense"),
    "before": (None, None, None, "nonsense"),
    "period": ("2026-10", "2026-10", "2026-11", None, "2026-13", "soon"),
    "search": ("a", "", None),
    "slug": ("pooled", "nobody"),
}
_SCALARS: Final[Mapping[str, Sequence[Any]]] = {
    "Int": (0, 1, 2, 5, 50, -1, 2_147_483_647),
    "Boolean": (True, False),
    "Float": (0.5, 2.0),
    "Long": ("1", "25", 3),
    "Decimal": ("0", "1", "12.40", "-0.5"),
    "ExactNumber": ("1", "1/3"),
    "DateTime": ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00+02:00"),
    "Date": ("2026-10-01",),
}
_WRONG: Final[Sequence[Any]] = (None, "nonsense", 1, 1.5, True, {}, [], {"a": 1}, "9" * 30)
_ESTIMATE: Final = {
    "currency": "USD",
    "items": [{"item": {"key": "a", "name": "A", "quantity": {"kind": "SEATS"}, "price": {"unit": {"unit": "10"}}},
               "quantity": "2"}],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What is sent: a document, and the values of its variables."""

    document: str
    variables: dict[str, Any]


@dataclass(slots=True)
class Questioner:
    """Asks questions of one schema with one source of chance; `known` are ids of what is there, by their kind."""

    schema: GraphQLSchema
    known: Mapping[str, Sequence[str]]
    chance: random.Random
    _inputs: Inputs = field(init=False)
    _left: int = 0
    _named: int = 0
    _declared: dict[str, str] = field(default_factory=dict)
    _values: dict[str, Any] = field(default_factory=dict)
    _fragments: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._inputs = Inputs(self.chance, self._leaf, null=0.03, optional=0.3, nesting_max=3)

    def question(self) -> Question:
        """Return the next question."""
        self._left, self._named = self.chance.randint(8, FIELDS_MAX), 0
        self._declared, self._values, self._fragments = {}, {}, []
        assert self.schema.query_type is not None, "a schema has a query type"
        selection = " ".join(self._roots(self.schema.query_type))
        declared = ", ".join(f"${name}: {kind}" for name, kind in self._declared.items())
        head = f"query Q({declared})" if declared else "query Q"
        return Question(" ".join([f"{head} {{ {selection} }}", *self._fragments]), dict(self._values))

    def varied(self, question: Question) -> Question:
        """Return the same document, sometimes with another value of a variable: of its type, or of none it takes."""
        values = dict(question.variables)
        for name, value in values.items():
            if isinstance(value, bool) and self._likely(0.3):
                values[name] = not value
        if values and self._likely(0.06):
            values[self.chance.choice(list(values))] = self.chance.choice(_WRONG)
        return Question(question.document, values)

    def _roots(self, root: GraphQLObjectType) -> Iterator[str]:
        names = ["organization"] if self._likely(0.75) else []
        names += self.chance.choices(sorted(root.fields), k=self.chance.choice((0, 1, 1, 2)) if names else 2)
        for name in names:
            self._left = max(self._left, 8)
            yield self._spread(root, [self._field(name, root.fields[name], 1, aliased=True)])

    def _likely(self, probability: float) -> bool:
        return self.chance.random() < probability

    def _next(self, prefix: str) -> str:
        self._named += 1
        return f"{prefix}{self._named}"

    def _field(self, name: str, definition: GraphQLField, depth: int, *, aliased: bool) -> str:
        """Return one field, or the same field twice with a part of its selection each."""
        self._left -= 1
        arguments = self._arguments(definition)
        head = f"{self._next('a')}: {name}" if aliased or arguments or self._likely(0.1) else name
        named = get_named_type(definition.type)
        if is_leaf_type(named):
            return self._conditional(f"{head}{arguments}")
        parts = self._selection(named, depth + 1)
        if len(parts) > 1 and self._likely(0.15):
            return f"{head}{arguments} {{ {' '.join(parts[1:])} }} {head}{arguments} {{ {parts[0]} }}"
        return f"{self._conditional(f'{head}{arguments}')} {{ {' '.join(parts)} }}"

    def _conditional(self, text: str) -> str:
        if not self._likely(0.05):
            return text
        kind = self.chance.choice(("skip", "include"))
        if self._likely(0.5):
            return f"{text} @{kind}(if: {self.chance.choice(('true', 'false'))})"
        return f"{text} @{kind}(if: {self._variable('Boolean!', self._likely(0.5))})"

    def _variable(self, kind: str, value: Any) -> str:
        name = self._next("v")
        if value is None and not kind.endswith("!") and self._likely(0.5):
            self._declared[name] = kind  # and no value is sent
        else:
            self._declared[name], self._values[name] = kind, value
        return f"${name}"

    def _selection(self, kind: Any, depth: int) -> list[str]:
        """Return the parts of the selection of an object, never none."""
        parts = ["__typename"] if self._likely(0.6) else []
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            if isinstance(kind, GraphQLInterfaceType):
                parts += [self._field(*each, depth, aliased=False) for each in self._chosen(kind, depth)[:2]]
            possible = list(self.schema.get_possible_types(kind))
            for target in self.chance.sample(possible, min(len(possible), 3)):
                inner = [self._field(*each, depth, aliased=True) for each in self._chosen(target, depth)]
                parts += [f"... on {target.name} {{ {' '.join(inner)} }}"] if inner else []
        else:
            chosen = [self._field(*each, depth, aliased=False) for each in self._chosen(kind, depth)]
            cut = self.chance.randint(0, len(chosen))
            parts += chosen[:cut] + ([self._spread(kind, chosen[cut:])] if chosen[cut:] else [])
        return parts or ["__typename"]

    def _spread(self, kind: GraphQLObjectType, parts: Sequence[str]) -> str:
        """Return parts of a selection as they are, or in a fragment of one kind or the other."""
        inside = " ".join(parts)
        match self.chance.randrange(8):
            case 0:
                return f"{self._conditional('...')} {{ {inside} }}"
            case 1:
                on = self.chance.choice([kind, *kind.interfaces]) if not kind.interfaces else kind
                return f"{self._conditional(f'... on {on.name}')} {{ {inside} }}"
            case 2:
                name = self._next("F")
                self._fragments.append(f"fragment {name} on {kind.name} {{ {inside} }}")
                return self._conditional(f"...{name}") + (f" ...{name}" if self._likely(0.2) else "")
            case _:
                return inside

    def _chosen(self, kind: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> list[tuple[str, GraphQLField]]:
        possible = [
            (name, definition)
            for name, definition in sorted(kind.fields.items())
            if is_leaf_type(get_named_type(definition.type)) or (depth < DEPTH_MAX and self._left > 0)
        ]
        count = min(len(possible), self.chance.randint(1, 6), max(1, self._left))
        chosen = {name: definition for name, definition in possible if name in _WAY and self._likely(0.45)}
        chosen |= dict(self.chance.sample(possible, count))
        shuffled = list(chosen.items())
        self.chance.shuffle(shuffled)
        return shuffled

    def _arguments(self, definition: GraphQLField) -> str:
        given = []
        is_found_by_id = {"id", "slug"} <= definition.args.keys() and self._likely(0.93)
        for name, argument in definition.args.items():
            is_way = is_found_by_id and name == "id"
            if is_found_by_id and name == "slug":
                continue
            if not is_required_argument(argument) and not is_way and not self._likely(0.35):
                continue
            value = self._value(argument.type, name)
            if value is None and isinstance(argument.type, GraphQLNonNull):
                value = "nonsense"
            by_variable = self._likely(0.4)
            text = self._variable(str(argument.type), value) if by_variable else _literal(argument.type, value)
            given.append(f"{name}: {text}")
        return f"({', '.join(given)})" if given else ""

    def _value(self, kind: GraphQLInputType, name: str) -> Any:
        if get_named_type(kind).name == "EstimateInput" and self._likely(0.8):
            return _ESTIMATE
        return self._inputs.value(kind, name)

    def _leaf(self, kind: GraphQLScalarType, name: str) -> Any:
        if kind.name == "ID" or name.endswith("Id"):
            return self._id(name)
        if name in _GIVEN:
            usual = _GIVEN[name]
            return self.chance.choice(usual[: len(usual) // 2 + 1] if self._likely(0.85) else usual)
        return self.chance.choice(_SCALARS.get(kind.name, ("a", "chat", "member", "2026-10", "USD")))

    def _id(self, name: str) -> str:
        kind = "mem" if name == "memberId" else "org" if name in {"organizationId", "id"} else ""
        if kind == "org" and self._likely(0.1):
            kind = ""
        fitting = self.known.get(kind) or [each for ids in self.known.values() for each in ids]
        chosen = self.chance.choice(fitting)
        return chosen if self._likely(0.96) else self.chance.choice((f"{chosen}0", "nonsense", ""))


def _literal(kind: Any, value: Any) -> str:
    """Return a value as it is written in a document."""
    if isinstance(kind, GraphQLNonNull):
        return _literal(kind.of_type, value)
    if value is None:
        return "null"
    if isinstance(kind, GraphQLList):
        return f"[{', '.join(_literal(kind.of_type, each) for each in value)}]" if isinstance(value, list) else "null"
    if isinstance(kind, GraphQLEnumType):
        return str(value)
    if isinstance(kind, GraphQLInputObjectType):
        inside = (f"{name}: {_literal(kind.fields[name].type, each)}" for name, each in value.items())
        return f"{{{', '.join(inside)}}}"
    return json.dumps(value)
