"""Whatever is deprecated is noticed where it is used: in a document, in its literals and in its variables."""

from typing import Any

import pytest
from graphql import OperationDefinitionNode, build_schema, parse

from api import deprecations

SCHEMA = build_schema("""
    type Query {
        name(short: Boolean @deprecated(reason: "x")): String
        nick: String @deprecated(reason: "x")
        find(by: By, all: [By!]): Query
        paint(color: Color): String
    }
    input By { id: ID  slug: String @deprecated(reason: "x")  below: By  color: Color }
    enum Color { RED  BLUE @deprecated(reason: "x") }
""")


def used(text: str, variables: dict[str, Any] | None = None) -> set[str]:
    document = parse(text)
    [definition] = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    [found] = deprecations.in_document(SCHEMA, document).values()
    return set(found | deprecations.in_variables(SCHEMA, definition, variables or {}))


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (set(), "{ name find(by: {id: 1}) { name } paint(color: RED) }"),
        ({"Query.nick"}, "{ nick a: nick find { nick } }"),
        ({"Query.nick"}, "{ ...F } fragment F on Query { nick }"),
        ({"Query.name(short:)"}, "{ name(short: true) }"),
        ({"By.slug"}, '{ find(by: {below: {slug: "a"}}) { name } }'),
        ({"Color.BLUE"}, "{ paint(color: BLUE) }"),
        ({"By.slug", "Color.BLUE"}, '{ find(all: [{slug: "a"}, {color: BLUE}]) { name } }'),
        (set(), "{ name @include(if: true) }"),
    ],
)
def test_finds_it_in_the_document(expected: set[str], text: str) -> None:
    assert used(text) == expected


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (set(), None),
        (set(), [{"id": "1", "color": "RED", "unknown": 1}]),
        ({"By.slug"}, [{"id": "1"}, {"below": {"slug": None}}]),
        ({"Color.BLUE"}, {"color": "BLUE"}),
        (set(), "not what the type allows"),
    ],
)
def test_finds_it_in_variables(expected: set[str], value: object) -> None:
    assert used("query Q($all: [By!]) { find(all: $all) { name } }", {"all": value}) == expected


def test_tells_operations_of_one_document_apart() -> None:
    text = "query A { nick } query B { ...F } query C { name } fragment F on Query { name(short: true) }"

    found = deprecations.in_document(SCHEMA, parse(text))

    assert found == {"A": {"Query.nick"}, "B": {"Query.name(short:)"}, "C": frozenset()}


def test_knows_a_schema_in_which_nothing_is_deprecated() -> None:
    assert deprecations.is_anything_deprecated(SCHEMA)
    assert not deprecations.is_anything_deprecated(build_schema("type Query { a(b: C): String } enum C { D }"))
