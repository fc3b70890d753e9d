"""What may be changed in a released schema, and what breaks its clients."""

from datetime import date
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema
from graphql.type import GraphQLArgument, GraphQLEnumValue, GraphQLField, GraphQLInputField

from resolvers.roots import sdl
from schema.compatibility import changes, removal_day

RELEASED = sorted((Path(__file__).parents[2] / "schema" / "released").glob("*.graphql"))
TODAY = date(2027, 3, 2)
ENDED = '@deprecated(reason: "Use name; removed after 2027-03-01.")'
PROMISED = '@deprecated(reason: "Use name; removed after 2027-03-02.")'
UNDATED = '@deprecated(reason: "Use name.")'

BASE = """
    type Query {{ name(short: Boolean = false {arg}): String, nick: Nick {field}, color: Color, find(by: By): String }}
    type Nick {{ text: String }}
    enum Color {{ RED, BLUE {value} }}
    input By {{ id: ID, slug: String {given} }}
"""
GONE = {
    "field": "type Query { name(short: Boolean = false): String, color: Color, find(by: By): String } "
    "enum Color { RED, BLUE } input By { id: ID, slug: String }",
    "arg": "type Query { name: String, nick: Nick, color: Color, find(by: By): String } "
    "type Nick { text: String } enum Color { RED, BLUE } input By { id: ID, slug: String }",
    "value": "type Query { name(short: Boolean = false): String, nick: Nick, color: Color, find(by: By): String } "
    "type Nick { text: String } enum Color { RED } input By { id: ID, slug: String }",
    "given": "type Query { name(short: Boolean = false): String, nick: Nick, color: Color, find(by: By): String } "
    "type Nick { text: String } enum Color { RED, BLUE } input By { id: ID }",
}


def _breaks(old: str, new: str) -> list[str]:
    return [change.text for change in changes(old, new, on=TODAY) if change.breaks]


@pytest.mark.parametrize("part", GONE)
def test_lets_go_what_was_deprecated_until_a_day_that_has_passed(part: str) -> None:
    marks = dict.fromkeys(GONE, "")

    assert _breaks(BASE.format(**{**marks, part: ENDED}), GONE[part]) == []


@pytest.mark.parametrize("part", GONE)
@pytest.mark.parametrize("mark", ["", UNDATED, PROMISED])
def test_keeps_everything_else(part: str, mark: str) -> None:
    marks = dict.fromkeys(GONE, "")

    assert _breaks(BASE.format(**{**marks, part: mark}), GONE[part]) != []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("type Query { a: String }", "type Query { a: Int }"),
        ("type Query { a: String! }", "type Query { a: String }"),
        ("type Query { a: String }", "type Query { a(b: Int!): String }"),
        ("type Query { a(b: I): String } input I { c: Int }",
         "type Query { a(b: I): String } input I { c: Int, d: Int! }"),
        ("type Query { a(b: Int = 1): String }", "type Query { a(b: Int = 2): String }"),
        ("type Query { a: U } union U = A | B type A { x: Int } type B { x: Int }",
         "type Query { a: U, b: B } union U = A type A { x: Int } type B { x: Int }"),
        ("type Query { a: N } interface N { x: Int } type A implements N { x: Int }",
         "type Query { a: N, b: A } interface N { x: Int } type A { x: Int }"),
    ],
)  # fmt: skip
def test_notices_what_breaks(old: str, new: str) -> None:
    assert _breaks(old, new) != []
    assert _breaks(old, old) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("type Query { a: C } enum C { X }", "type Query { a: C } enum C { X Y }"),
        ("type Query { a: String }", "type Query { a(b: Int): String }"),
        ("type Query { a: U } union U = A type A { x: Int }",
         "type Query { a: U } union U = A | B type A { x: Int } type B { x: Int }"),
    ],
)  # fmt: skip
def test_names_what_is_merely_dangerous(old: str, new: str) -> None:
    found = changes(old, new, on=TODAY)

    assert [change.breaks for change in found] == [False]


def test_a_new_field_is_no_change_to_anybody() -> None:
    assert changes("type Query { a: String }", "type Query { a: String, b: T } type T { c: Int }", on=TODAY) == ()


def test_breaks_no_client_of_what_was_released() -> None:
    assert RELEASED, "the last released schema is kept"
    for path in RELEASED[-1:]:
        broken = [change.text for change in changes(path.read_text("utf-8"), sdl(), on=TODAY) if change.breaks]
        assert broken == [], f"deprecate with a day first: {path.name}"


def test_whatever_is_deprecated_says_until_when() -> None:
    assert [name for name, reason in _deprecated(build_schema(sdl())) if removal_day(reason) is None] == []


def _deprecated(graph: GraphQLSchema) -> list[tuple[str, str]]:
    parts: list[tuple[str, GraphQLField | GraphQLArgument | GraphQLEnumValue | GraphQLInputField]] = []
    for kind in graph.type_map.values():
        for name, part in getattr(kind, "fields", {}).items():
            parts.append((f"{kind.name}.{name}", part))
            parts += [(f"{kind.name}.{name}({each})", given) for each, given in getattr(part, "args", {}).items()]
        parts += [(f"{kind.name}.{name}", value) for name, value in getattr(kind, "values", {}).items()]
    return [(name, part.deprecation_reason) for name, part in parts if part.deprecation_reason]
