"""The examples of the calculator: each is run as it stands, and its answer is the one worked out by hand beside it."""

import json
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, build_schema

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


def _prices(variables: dict[str, Any]) -> list[str]:
    return [key for asked in variables["input"]["items"] for key in asked["item"]["price"]]


def _read(name: str) -> Any:
    return json.loads((EXAMPLES / name).read_text(encoding="utf-8"))
