"""What is refused before validation, because validating it would be the attack; and what is not."""

import pytest
from graphql import parse

from api import overlaps, shapes
from api.execution import Operations
from api.operations import Refused
from api.settings import Limits
from schema.errors import ERRORS_MAX, ErrorCode, GraphError, first_code
from tests.api.graph import graph
from tests.api.test_execution import request

RELAY = " ".join(f"fragment C{number} on Member {{ id name friend {{ id }} }}" for number in range(20))


@pytest.mark.parametrize(
    ("expected", "query"),
    [
        (0, "{ hello }"),
        (1, "{ hello hello }"),
        (1, "{ a: hello a: member { name } }"),
        (0, "{ hello other: hello }"),
        (3, "{ hello ... { hello } ...F } fragment F on Query { hello }"),
        (2, "{ member { name } ...F } fragment F on Query { member { name } }"),
        (9, "{ me { id id } me { id } ...F } fragment F on Query { me { id } }"),
        (1, "{ ...F } fragment F on Query { ...F hello hello }"),
        (1, "{ hello } fragment Unused on Query { hello hello }"),
        (0, "{ member { ...F } } fragment F on Member { friend { ...F } }"),
    ],
)
def test_counts_the_pairs_that_validation_compares(expected: int, query: str) -> None:
    assert overlaps.pairs(parse(query)) == expected


def test_takes_the_fragments_of_twenty_components() -> None:
    spreads = " ".join(f"...C{number}" for number in range(20))

    assert overlaps.pairs(parse(f"{{ member {{ {spreads} }} }} {RELAY}")) == 4 * 190


@pytest.mark.parametrize(
    "query",
    [
        "{ member {" + " name" * 250 + " } }",
        "{ hello } fragment Unused on Member {" + " name" * 250 + " }",
        "{ ...A } fragment A on Query {" + " ...B" * 150 + " } fragment B on Query {" + " ...A hello" * 150 + " }",
        " ".join(f"query Q{number} {{ ...F }}" for number in range(49)) + " fragment F on Query { "
        + "a: member { name } " * 19 + "}",
    ],
    ids=["one field", "unused fragment", "cycle", "many operations"],
)  # fmt: skip
def test_compares_no_flood_of_fields(query: str) -> None:
    with pytest.raises(GraphError) as refused:
        overlaps.pairs(parse(query))

    assert refused.value.code is ErrorCode.QUERY_TOO_COMPLEX


@pytest.mark.parametrize(
    ("what", "query"),
    [
        ("operations", " ".join(f"query Q{number} {{ hello }}" for number in range(51))),
        ("fragments", "{ hello } " + " ".join(f"fragment F{number} on Query {{ hello }}" for number in range(101))),
        ("fragment spreads", "{ " + "...F " * 301 + "}"),
        ("variables", "query(" + " ".join(f"$v{number}: Int" for number in range(201)) + ") { hello }"),
        ("arguments", "{ hello(" + " ".join(f"a{number}: 1" for number in range(301)) + ") }"),
        ("fields in literal objects", "{ hello(name: {" + "a: 1 " * 301 + "}) }"),
        ("items in literal lists", "{ hello(name: [" + "1 " * 501 + "]) }"),
        ("items in literal lists", "{ hello(name: [" + "[" + "1 " * 250 + "] " + "[" + "1 " * 250 + "]]) }"),
        ("directives", "{ hello " + "@skip(if: true) " * 101 + "}"),
    ],
)
def test_bounds_each_kind_of_part(what: str, query: str) -> None:
    with pytest.raises(GraphError, match=what) as refused:
        shapes.require_usual(parse(query))

    assert refused.value.code is ErrorCode.QUERY_TOO_COMPLEX


def test_looks_for_fewer_errors_where_each_quotes_a_long_literal() -> None:
    short, long = "{ hello(name: [1, 2]) }", "{ hello(name: [" + "1 " * 400 + "]) }"

    assert [shapes.require_usual(parse(each)) for each in (short, long)] == [ERRORS_MAX - 1, 2]


def test_says_that_there_are_too_many_tokens() -> None:
    with pytest.raises(Refused, match="more than 3000 tokens") as refused:
        Operations(graph, Limits()).prepare(request("{" + " hello" * 4_000 + "}"))

    assert first_code(refused.value.errors) is ErrorCode.QUERY_TOO_COMPLEX


@pytest.mark.parametrize(("is_known", "expected"), [(True, True), (False, False)])
def test_suggests_names_to_those_it_knows_only(is_known: bool, expected: bool) -> None:
    with pytest.raises(Refused) as refused:
        Operations(graph, Limits()).prepare(request("{ helo }"), is_known=is_known)

    assert ("hello" in refused.value.errors[0].message) is expected
