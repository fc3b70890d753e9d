"""How is the graph read by a person who does not know it yet?

As pages made from the schema and from nothing else: one for each noun, and one each for what can be asked, done and
heard. A command's page has its input and its answer, a noun's page says where it is reached from.

>>> made = pages('"What can be asked." type Query { "A greeting." hello: String! }')
>>> print(made["queries.md"])
# Queries
<BLANKLINE>
What can be asked.
<BLANKLINE>
## hello
<BLANKLINE>
A greeting.
<BLANKLINE>
Answers with `String!`.
<BLANKLINE>
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from graphql import (
    FieldDefinitionNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    print_ast,
)

_PLUMBING: Final = re.compile(r".+(Connection|Edge|Payload)")
_BUILT_IN: Final = frozenset({"String", "Int", "Boolean", "ID", "Float"})
_LISTS: Final = {"queries.md": "Queries", "mutations.md": "Mutations", "subscriptions.md": "Subscriptions"}


def pages(sdl: str) -> dict[str, str]:
    """Return every page by its file name."""
    graph = build_schema(sdl)
    made = _Pages(graph)
    written = dict(made.all())
    return {name: "\n".join(lines).rstrip("\n") + "\n" for name, lines in sorted(written.items())}


class _Pages:
    """The pages of one graph."""

    def __init__(self, graph: GraphQLSchema) -> None:
        self._graph = graph
        self._roots = dict(zip(_LISTS, (graph.query_type, graph.mutation_type, graph.subscription_type), strict=True))
        self._uses: Mapping[str, list[str]] = self._found_uses()

    def all(self) -> Iterator[tuple[str, list[str]]]:
        nouns = sorted(name for name in self._graph.type_map if self._file(name) == _noun_file(name))
        yield "README.md", self._index(nouns)
        for file, root in self._roots.items():
            if root is not None:
                yield file, self._root(_LISTS[file], root)
        for name in nouns:
            yield _noun_file(name), self._noun(self._graph.type_map[name])
        for file, title, kind in (
            ("inputs.md", "Inputs", GraphQLInputObjectType),
            ("enums.md", "Values", GraphQLEnumType),
            ("scalars.md", "Scalars", GraphQLScalarType),
        ):
            found = [each for name, each in sorted(self._graph.type_map.items()) if self._is_own(each, kind)]
            if found:
                yield file, [f"# {title}", "", *(line for each in found for line in self._short(each))]

    def _index(self, nouns: list[str]) -> list[str]:
        lines = [
            "# Reference of the graph",
            "",
            "Made from `schema.graphql` by `billgraph schema --docs docs/reference`.",
            "",
        ]
        lines += [
            f"- [{_LISTS[file]}]({file}): {_first(root)}" for file, root in self._roots.items() if root is not None
        ]
        lines += ["- [Inputs](inputs.md), [Values](enums.md), [Scalars](scalars.md)", "", "## Nouns", ""]
        return [*lines, *(f"- [{name}]({_noun_file(name)}): {_first(self._graph.type_map[name])}" for name in nouns)]

    def _root(self, title: str, root: GraphQLObjectType) -> list[str]:
        lines = [f"# {title}", "", root.description or "", ""]
        for name, field in sorted(root.fields.items()):
            lines += [f"## {name}", "", field.description or "", "", *_facts(field)]
            given = [get_named_type(argument.type) for argument in field.args.values()]
            inputs = [
                each for each in given if isinstance(each, GraphQLInputObjectType) and root is self._graph.mutation_type
            ]
            if inputs:
                lines += self._inputs_table(inputs[0])
            else:
                lines += self._arguments(field)
            lines += [f"Answers with {self._link(str(field.type))}.", ""]
            answer = get_named_type(field.type)
            if answer.name.endswith("Payload") and isinstance(answer, GraphQLObjectType):
                lines += self._fields(answer)
        return lines

    def _noun(self, noun: GraphQLNamedType) -> list[str]:
        lines = [f"# {noun.name}", "", noun.description or "", ""]
        if isinstance(noun, GraphQLUnionType):
            return [*lines, f"One of {', '.join(self._link(each.name) for each in noun.types)}.", ""]
        assert isinstance(noun, GraphQLObjectType | GraphQLInterfaceType)
        if noun.interfaces:
            lines += [f"It is a {', '.join(self._link(each.name) for each in noun.interfaces)}.", ""]
        if isinstance(noun, GraphQLInterfaceType):
            kinds = sorted(each.name for each in self._graph.get_possible_types(noun))
            lines += [f"Kinds of it: {', '.join(map(self._link, kinds))}.", ""]
        if uses := self._uses.get(noun.name):
            lines += [f"Reached from {', '.join(f'`{use}`' for use in sorted(uses))}.", ""]
        lines += self._fields(noun)
        for name, field in sorted(noun.fields.items()):
            if field.args:
                lines += [f"## {name}", "", *self._arguments(field)]
        return lines

    def _fields(self, noun: GraphQLObjectType | GraphQLInterfaceType) -> list[str]:
        lines = ["| field | type | what it is |", "|---|---|---|"]
        for name, field in sorted(noun.fields.items()):
            told = " ".join((field.description or "", *_facts(field))).strip()
            lines.append(f"| `{name}` | {self._link(str(field.type))} | {_cell(told)} |")
        return [*lines, ""]

    def _arguments(self, field: GraphQLField) -> list[str]:
        if not field.args:
            return []
        lines = ["| argument | type | what it is |", "|---|---|---|"]
        for name, argument in sorted(field.args.items()):
            lines.append(f"| `{name}` | {self._link(str(argument.type))} | {_cell(argument.description or '')} |")
        return [*lines, ""]

    def _inputs_table(self, given: GraphQLInputObjectType) -> list[str]:
        lines = ["| input | type | what it is |", "|---|---|---|"]
        for name, field in sorted(given.fields.items()):
            lines.append(f"| `{name}` | {self._link(str(field.type))} | {_cell(field.description or '')} |")
        return [*lines, ""]

    def _short(self, each: GraphQLNamedType) -> list[str]:
        lines = [f"## {each.name}", "", each.description or "", ""]
        if isinstance(each, GraphQLInputObjectType):
            lines += self._inputs_table(each)
        if isinstance(each, GraphQLEnumType):
            lines += ["| value | what it means |", "|---|---|"]
            lines += [f"| `{name}` | {_cell(value.description or '')} |" for name, value in each.values.items()]
            lines.append("")
        return lines

    def _link(self, text: str) -> str:
        name = self._behind(self._graph.type_map[text.strip("[]!")])
        file = self._file(name)
        if file is None:
            return f"`{text}`"
        anchor = "" if file == _noun_file(name) else f"#{name.lower()}"
        return f"[`{text}`]({file}{anchor})"

    def _file(self, name: str) -> str | None:
        each = self._graph.type_map[name]
        if name in _BUILT_IN or name.startswith("__") or each in self._roots.values():
            return None
        match each:
            case GraphQLInputObjectType():
                return "inputs.md"
            case GraphQLEnumType():
                return "enums.md"
            case GraphQLScalarType():
                return "scalars.md"
        return None if _PLUMBING.fullmatch(name) else _noun_file(name)

    def _is_own(self, each: GraphQLNamedType, kind: type) -> bool:
        return isinstance(each, kind) and self._file(each.name) is not None

    def _found_uses(self) -> Mapping[str, list[str]]:
        """Return from which fields each noun is reached; through a connection counts as from its field."""
        uses: defaultdict[str, list[str]] = defaultdict(list)
        for name, each in self._graph.type_map.items():
            if isinstance(each, GraphQLObjectType | GraphQLInterfaceType) and not name.startswith("__"):
                if _PLUMBING.fullmatch(name):
                    continue
                for field_name, field in each.fields.items():
                    uses[self._behind(get_named_type(field.type))].append(f"{name}.{field_name}")
        return uses

    def _behind(self, target: GraphQLNamedType) -> str:
        if target.name.endswith("Connection") and isinstance(target, GraphQLObjectType) and "nodes" in target.fields:
            name: str = get_named_type(target.fields["nodes"].type).name
            return name
        return target.name


def _facts(field: GraphQLField) -> list[str]:
    """Return what is declared about a field beside its type: the permission it takes, and when it will be gone."""
    node = field.ast_node
    assert isinstance(node, FieldDefinitionNode), "the schema was read from text"
    facts = []
    for directive in node.directives or ():
        given = {argument.name.value: print_ast(argument.value) for argument in directive.arguments or ()}
        if directive.name.value == "requires":
            own = ", or it is about oneself" if given.get("orOwn") == "true" else ""
            facts.append(f"Takes `{given['permission']}`{own}.")
        if directive.name.value == "deprecated":
            facts.append(f"**Deprecated**: {field.deprecation_reason}")
    return [*facts, ""] if facts else []


def _noun_file(name: str) -> str:
    return f"{re.sub(r'(?<=[a-z0-9])(?=[A-Z])', '-', name).lower()}.md"


def _first(each: GraphQLNamedType) -> str:
    return (each.description or "").split("\n")[0]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
