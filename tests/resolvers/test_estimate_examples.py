"""The examples of the calculator: each is run as it stands, and its answer is the one worked out by hand beside it."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    build_schema,
    get_named_type,
    get_nullable_type,
)

from resolvers.roots import schema
from tests.conformance import graph

EXAMPLES = Path(__file__).parents[2] / "examples" / "graphql" / "estimates"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.graphql"))


@pytest.mark.parametrize("name", NAMES)
def test_answers_as_worked_by_hand(name: str) -> None:
    document = (EXAMPLES / f"{name}.graphql").read_text(encoding="utf-8")

    found = graph.executed(document, _read(f"{name}.variables.json"))

    assert found == _read(f"{name}.answer.json")
    assert document.startswith("# "), "every example says what it shows and how its answer is worked out"


def test_has_an_example_of_every_price() -> None:
    priced = {key for name in NAMES for key in _prices(_read(f"{name}.variables.json"))}
    prices = build_schema(schema.as_str()).type_map["PriceInput"]

    assert isinstance(prices, GraphQLInputObjectType)
    assert priced == set(prices.fields)


def test_has_an_example_of_every_value_of_every_policy() -> None:
    types = build_schema(schema.as_str()).type_map
    used: defaultdict[str, set[str]] = defaultdict(set)
    for name in NAMES:
        for policy, value in _values(_read(f"{name}.variables.json")["input"], types["EstimateInput"]):
            used[policy].add(value)

    missing = {policy: found for policy, values in _policies(types) if (found := values - used[policy])}
    assert missing == {}


def _values(given: Any, kind: Any) -> Iterator[tuple[str, str]]:
    """Yield each value of an enum in a question, with the name of the enum."""
    kind = get_nullable_type(kind)
    if isinstance(kind, GraphQLList):
        for each in given:
            yield from _values(each, kind.of_type)
    elif isinstance(kind, GraphQLEnumType):
        yield kind.name, given
    elif isinstance(kind, GraphQLInputObjectType):
        for key, each in given.items():
            yield from _values(each, kind.fields[key].type)


def _policies(types: Mapping[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """Yield every enum that a question can reach, with its values."""
    waiting, seen = [types["EstimateInput"]], set()
    while waiting:
        kind = waiting.pop()
        if kind.name in seen:
            continue
        seen.add(kind.name)
        if isinstance(kind, GraphQLEnumType):
            yield kind.name, set(kind.values)
        elif isinstance(kind, GraphQLInputObjectType):
            waiting += [get_named_type(field.type) for field in kind.fields.values()]


def _prices(variables: dict[str, Any]) -> list[str]:
    return [key for asked in variables["input"]["items"] for key in asked["item"]["price"]]


def _read(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text(encoding="utf-8"))
