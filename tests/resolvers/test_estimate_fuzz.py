"""Whatever is asked, the calculator answers or refuses by name.

Questions are drawn from the schema itself, so a field that is added is asked about from then on. Values come from
small pools, because a question that is wrong in ten places at once never gets past the first.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    build_schema,
    is_required_input_field,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resolvers.roots import schema
from tests.conformance import graph

ESTIMATE: Final = """query($input: EstimateInput!) { estimate(input: $input) {
    subtotal { amount formatted } tax { amount } includedTax { amount } total { amount } due { amount }
    credit { amount } discount { amount } quoteRequired { itemKey }
    lines { key quantity amount { amount formatted } tax { amount } explanation { formula policy rounding { exact }
        steps { quantity unitAmount flatAmount amount } } }
    userErrors { code field message } } }"""

DECIMALS: Final = ("0", "1", "10", "0.5", "3", "100", "2.99", "-1", "-0.01", "0.000001", "9" * 18, "1" * 40)
WHOLES: Final = (0, 1, 2, 5, 100, 10_000, -1, 2**53, 2**63 - 1)
INSTANTS: Final = (
    "2026-10-01T00:00:00Z",
    "2026-10-16T12:00:00+03:00",
    "2026-11-01T00:00:00Z",
    "2026-11-01T00:00:00",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59.999999-23:59",
)
TEXTS: Final = ("item", "calls", "opus", "chat", "", "x" * 500, "naïve\u202e", "a.b", "0")
POOLS: Final[dict[str, tuple[Any, ...]]] = {
    "currency": ("USD", "EUR", "JPY", "BHD", "usd", "XXX", ""),
    "locale": ("en", "ru-RU", "de-DE", "zz", "", "zh-Hans-CN"),
    "timeZone": ("UTC", "Europe/Berlin", "Mars/Base", "", "America/New_York"),
    "percent": ("0", "10", "20", "100", "101", "-1"),
    "whole": ("0", "1", "31", "-31"),
    "part": ("0", "1", "17", "32"),
    "direction": ("INPUT", "OUTPUT"),
    "meter": ("calls", "gb", ""),
    "meters": (["gb"], ["gb", "calls"], [], ["gb", "gb"]),
    "key": ("item", "other", "users"),
    "model": ("opus", "haiku"),
}
EXAMPLES: Final = [
    json.loads(path.read_text(encoding="utf-8"))["input"]
    for path in sorted((Path(__file__).parents[2] / "examples" / "graphql" / "estimates").glob("*.variables.json"))
]
TYPES: Final = build_schema(schema.as_str()).type_map


def inputs(kind: Any, name: str = "") -> st.SearchStrategy[Any]:
    """Return values of an input type: mostly of its shape, for what has another never reaches a resolver."""
    match kind:
        case GraphQLNonNull():
            return inputs(kind.of_type, name)
        case _ if name in POOLS and not isinstance(kind, GraphQLInputObjectType | GraphQLEnumType):
            return st.sampled_from(POOLS[name])
        case GraphQLList():
            return st.lists(inputs(kind.of_type, name), min_size=name == "items", max_size=2)
        case GraphQLEnumType():
            return st.sampled_from(sorted(kind.values))
        case GraphQLInputObjectType() if kind.is_one_of:
            return st.one_of(*(st.fixed_dictionaries({key: inputs(of.type, key)}) for key, of in kind.fields.items()))
        case GraphQLInputObjectType():
            return _objects(kind)
        case _:
            pool = {"Decimal": DECIMALS, "Long": WHOLES, "DateTime": INSTANTS, "Boolean": (True, False)}
            return st.sampled_from(pool.get(kind.name, TEXTS))


def _objects(kind: GraphQLInputObjectType) -> st.SearchStrategy[Any]:
    fields = kind.fields.items()
    needed = {key: inputs(of.type, key) for key, of in fields if is_required_input_field(of)}
    optional = {key: inputs(of.type, key) for key, of in fields if key not in needed}
    few = st.lists(st.sampled_from(sorted(optional)), max_size=2, unique=True) if optional else st.just([])
    return few.flatmap(lambda chosen: st.fixed_dictionaries({**needed, **{key: optional[key] for key in chosen}}))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(question=inputs(TYPES["EstimateInput"]))
def test_never_fails_on_a_question(question: Any) -> None:
    _answered(question)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_never_fails_on_a_good_question_gone_wrong(data: st.DataObject) -> None:
    question = copy.deepcopy(data.draw(st.sampled_from(EXAMPLES)))
    for _ in range(data.draw(st.integers(1, 4))):
        holder, key, kind = data.draw(st.sampled_from(list(_places(question, TYPES["EstimateInput"]))))
        holder[key] = data.draw(inputs(kind, str(key)))

    _answered(question)


def _places(value: Any, kind: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Yield every place of a question where something else could stand: its holder, its key and its type."""
    kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(kind, GraphQLList) and isinstance(value, list):
        for index, each in enumerate(value):
            yield value, index, kind.of_type
            yield from _places(each, kind.of_type)
    elif isinstance(kind, GraphQLInputObjectType) and isinstance(value, dict):
        for key, of in kind.fields.items():
            if not kind.is_one_of:
                yield value, key, of.type
            if value.get(key) is not None:
                yield from _places(value[key], of.type)


def _answered(question: Any) -> None:
    fault, found = _asked(question)
    if fault is not None:  # the question is of another shape than the schema says, which is said before it is read
        assert fault.startswith("Variable '$input' has invalid value"), (fault, question)
        return
    for error in found["userErrors"]:
        assert error["field"], (error, question)
        assert error["message"]
    assert bool(found["userErrors"]) != bool(found["subtotal"]), found


def _asked(question: Any) -> tuple[str | None, Any]:
    try:
        return None, graph.executed(ESTIMATE, {"input": question})["estimate"]
    except ValueError as fault:
        return str(fault), None
