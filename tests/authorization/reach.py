"""How is a field reached? By a path that is found, not written: a new field is tried without touching the tests.

A path leads from the organization to something of each type that is really there, over fields that need no argument.
Every field of that type is then asked for at its end. What a caller may not pass on the way counts as not allowed.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
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
    GraphQLOutputType,
    GraphQLUnionType,
    ast_from_value,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
    print_ast,
)

from resolvers.roots import sdl

GRAPH: Final = build_schema(sdl())
DEPTH_MAX: Final = 9
_PAGED: Final = {"first": "5"}
_QUESTION: Final = """
    currency: "USD", items: [
        {item: {key: "a", name: "A", quantity: {kind: SEATS}, price: {unit: {unit: "10"}}}, quantity: "2"}
        {
            item: {key: "c", name: "C", quantity: {kind: SEATS}, price: {unit: {unit: "10"}}}
            span: {start: "2026-10-01T00:00:00Z", end: "2026-11-01T00:00:00Z"}
            seats: [{member: "ann", start: "2026-09-01T00:00:00Z"}]
        }
        {item: {key: "b", name: "B", quantity: {kind: SEATS}, price: {unit: {unit: "1"}}, quoteAbove: 1}, quantity: "2"}
    ]
"""
ARGUMENTS: Final[Mapping[str, str]] = {
    "Query.organization": "(id: $organization)",
    "Query.node": "(id: $member)",
    "Query.nodes": "(ids: [$member])",
    "Query.previewSeatChange": "(organizationId: $organization, memberId: $other, deactivate: true)",
    "Query.estimate": f"(input: {{{_QUESTION}}})",
    "Organization.usage": '(period: "2026-10", groupBy: [MEMBER])',
    "Member.usage": '(period: "2026-10", groupBy: [MODEL])',
}
"""The arguments of fields that cannot be asked for without; names after a $ stand for ids, filled in when asked."""
NAMED: Final[Mapping[str, str]] = {
    "organizationId": "$organization",
    "memberId": "$other",
    "planKey": '"everything"',
    "role": '"auditor"',
}
"""What a required argument of this name is given; any other gets the least that its type takes."""
Ask = Callable[[str], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """One field on the way, with its arguments, and the type that is looked at behind it."""

    name: str
    arguments: str
    type_name: str


@dataclass(frozen=True, slots=True)
class Path:
    """The way to something of a type."""

    steps: tuple[Step, ...]

    def document(self, selection: str) -> str:
        """Return the query that selects something at the end of the path."""
        for step in reversed(self.steps):
            selection = f"{step.name}{step.arguments} {{ ... on {step.type_name} {{ {selection} }} }}"
        return f"{{ {selection} }}"


_HOME: Final = Step("organization", "(id: $organization)", "Organization")
SIDEWAYS: Final = (
    Path((_HOME, Step("members", "(first: 5)", "MemberConnection"))),
    Path(
        (
            _HOME,
            Step("invoices", "(first: 5)", "InvoiceConnection"),
            Step("nodes", "", "Invoice"),
            Step("lines", "", "InvoiceLine"),
            Step("usageEvents", "(first: 5)", "UsageEventConnection"),
        )
    ),
)
"""Ways to begin with: one member alone may lack what another has, and a line only supposed has no usage behind it."""


async def paths(ask: Ask) -> dict[str, Path]:
    """Return a path to something of each type, found with what `ask` answers to one who may see everything."""
    found: dict[str, Path] = {}
    waiting = deque([*SIDEWAYS, Path(())])
    while waiting:
        path = waiting.popleft()
        here = GRAPH.type_map[path.steps[-1].type_name] if path.steps else GRAPH.query_type
        assert isinstance(here, GraphQLObjectType)
        for step in _onwards(here):
            further = Path((*path.steps, step))
            if step.type_name in found or len(further.steps) > DEPTH_MAX:
                continue
            if _holds(await ask(further.document("__typename")), step.type_name):
                found[step.type_name] = further
                waiting.append(further)
    missing = {kind for kind, _, _ in fields()} - found.keys()
    assert not missing, f"there is no {', '.join(sorted(missing))} in the world: put one there"
    return found


def fields() -> Iterator[tuple[str, str, GraphQLField]]:
    """Yield the type, name and definition of every field that questions lead to."""
    roots = {GRAPH.mutation_type, GRAPH.query_type, GRAPH.subscription_type}
    answers = _answers()
    for name, kind in sorted(GRAPH.type_map.items()):
        if isinstance(kind, GraphQLObjectType) and kind not in roots and name not in answers and name[:2] != "__":
            for field_name, field in sorted(kind.fields.items()):
                yield name, field_name, field


def selected(type_name: str, name: str, field: GraphQLField) -> str:
    """Return a field as it is asked for, with the least below it."""
    below = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
    return f"{name}{arguments(type_name, name, field)}{below}"


def arguments(type_name: str, name: str, field: GraphQLField) -> str:
    """Return the arguments without which a field cannot be asked for, and a page of one where it is a list."""
    given = ARGUMENTS.get(f"{type_name}.{name}")
    if given is not None:
        return given
    required = [each for each, argument in field.args.items() if is_required_argument(argument)]
    paged = [f"{each}: {value}" for each, value in _PAGED.items() if each in field.args]
    written = [f"{each}: {NAMED.get(each) or _literal(field.args[each].type, each)}" for each in required] + paged
    return f"({', '.join(written)})" if written else ""


def example(kind: GraphQLInputType, name: str, known: Mapping[str, str]) -> Any:
    """Return the least value an input takes; `known` has the ids that must be right for it to be looked at."""
    match kind:
        case GraphQLNonNull():
            return example(kind.of_type, name, known)
        case GraphQLList():
            return []
        case GraphQLEnumType():
            return next(iter(kind.values))
        case GraphQLInputObjectType() if kind.is_one_of:
            first, field = next(iter(kind.fields.items()))
            return {first: example(field.type, first, known)}
        case GraphQLInputObjectType():
            return {
                each: example(field.type, each, known)
                for each, field in kind.fields.items()
                if is_required_input_field(field)
            }
        case _ if name in known:
            return known[name]
    examples = {"Int": 1, "Boolean": True, "DateTime": "2026-11-20T00:00:00+00:00", "Decimal": "1", "Long": "1"}
    return examples.get(kind.name, "example")


def _literal(kind: GraphQLInputType, name: str) -> str:
    node = ast_from_value(example(kind, name, {}), kind)
    assert node is not None
    return print_ast(node)


def _onwards(here: GraphQLObjectType) -> Iterator[Step]:
    for name, field in here.fields.items():
        if is_leaf_type(get_named_type(field.type)) or (here is GRAPH.query_type and name in {"node", "nodes"}):
            continue
        given = arguments(here.name, name, field)
        for target in _targets(field.type):
            yield Step(name, given, target.name)


def _targets(kind: GraphQLOutputType) -> list[GraphQLObjectType]:
    named = get_named_type(kind)
    if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
        return list(GRAPH.get_possible_types(named))
    assert isinstance(named, GraphQLObjectType)
    return [named]


def _holds(answer: Any, type_name: str) -> bool:
    """Return whether something of a type is at the end of the path that was asked for."""
    if isinstance(answer, list):
        return any(_holds(each, type_name) for each in answer)
    if not isinstance(answer, Mapping):
        return False
    return answer.get("__typename") == type_name or any(_holds(each, type_name) for each in answer.values())


def _answers() -> set[str]:
    """Return the types that stand only in answers of mutations and subscriptions, and what refuses a command."""
    assert GRAPH.query_type is not None
    refusals = set(GRAPH.get_possible_types(GRAPH.type_map["UserError"]))  # type: ignore[arg-type]  # an interface
    seen = _closure(GRAPH.query_type) - refusals
    roots = [each for each in (GRAPH.mutation_type, GRAPH.subscription_type) if each is not None]
    return {target.name for root in roots for target in _closure(root) - seen}


def _closure(root: GraphQLObjectType) -> set[GraphQLObjectType]:
    seen: set[GraphQLObjectType] = set()
    waiting = [root]
    while waiting:
        here = waiting.pop()
        if here not in seen:
            seen.add(here)
            waiting += [
                target
                for field in here.fields.values()
                if not is_leaf_type(get_named_type(field.type))
                for target in _targets(field.type)
            ]
    return seen
