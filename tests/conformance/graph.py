"""How is a question sent through the graph?

As a client sends it: a document and a variable, prepared and executed behind no other door than the one that is
served. The variable is the question with its names in camel case; what the graph types otherwise than the document is
seen from the type alone, so no case is written by hand.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, cast

from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    build_schema,
    is_input_object_type,
)
from starlette.requests import HTTPConnection
from strawberry.utils.str_converters import to_camel_case

from api.callers import Visit
from api.execution import Operations
from api.graph_requests import GraphRequest
from api.operations import Refused
from api.settings import Limits
from resolvers.roots import schema
from schema.context import Context

ESTIMATE: Final = """query($input: EstimateInput!) { estimate(input: $input) {
    subtotal { amount } tax { amount } includedTax { amount }
    total { amount } credit { amount } due { amount } quoteRequired { itemKey }
    lines { key itemKey quantity amount { amount } tax { amount } shares { member amount { amount } } explanation {
        formula rounding { exact } steps { quantity unitAmount flatAmount amount } } }
    userErrors { message field } } }"""
OPERATIONS: Final = Operations(schema, Limits())
TAG: Final = "model"


class Fault(ValueError):
    """The graph could not make sense of an operation, or failed at it."""


def estimate(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the field answers to a question; raise ValueError where it is refused."""
    found: dict[str, Any] = executed(ESTIMATE, {"input": translated(question, _input_type())})["estimate"]
    if found["userErrors"]:
        raise ValueError("; ".join(f"{'.'.join(each['field'])}: {each['message']}" for each in found["userErrors"]))
    return found


def executed(document: str, variables: dict[str, Any]) -> dict[str, Any]:
    """Return the data of an operation that nobody in particular sends; raise Fault for one that fails."""
    return asyncio.run(executing(document, variables, _nobody()))


async def executing(document: str, variables: dict[str, Any], visit: Visit) -> dict[str, Any]:
    """Return the data of an operation; raise Fault for one that fails."""
    try:
        operation = OPERATIONS.prepare(GraphRequest(document, None, variables))
    except Refused as refused:
        raise Fault(str(refused)) from refused
    result = await OPERATIONS.run(operation, visit)
    if result.errors or result.data is None:
        raise Fault("; ".join(error.message for error in result.errors or ()))
    data: dict[str, Any] = result.data
    return data


def translated(value: Any, kind: GraphQLInputType) -> Any:
    """Return a value of the document as the graph's `kind` writes it; raise ValueError for a key it does not know."""
    if isinstance(kind, GraphQLNonNull):
        return translated(value, kind.of_type)
    match kind:
        case _ if value is None:
            return None
        case GraphQLList() if isinstance(value, Mapping):  # an object by name is a list of names and values
            return [_pair(name, each, kind.of_type) for name, each in value.items() if each is not None]
        case GraphQLList():
            return [translated(each, kind.of_type) for each in value]
        case GraphQLInputObjectType() if kind.is_one_of:
            rest = {key: each for key, each in value.items() if key != TAG}
            chosen = to_camel_case(str(value[TAG]).lower())
            return {chosen: translated(rest, _field(kind, chosen))}
        case GraphQLInputObjectType():
            names = {key: to_camel_case(key) for key in value}
            return {names[key]: translated(each, _field(kind, names[key])) for key, each in value.items()}
        case _ if isinstance(value, Mapping):  # a text by language is a text
            return value["en"]
        case _:
            return str(value) if kind.name == "Decimal" and type(value) is int else value


def _pair(name: str, value: Any, kind: GraphQLInputType) -> dict[str, Any]:
    entry = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    assert isinstance(entry, GraphQLInputObjectType)
    key, of_value = entry.fields
    return {key: name, of_value: translated(value, entry.fields[of_value].type)}


def _field(kind: GraphQLInputObjectType, name: str) -> GraphQLInputType:
    if name not in kind.fields:
        raise ValueError(f"{name}: unknown; {kind.name} has {', '.join(kind.fields)}")
    return kind.fields[name].type


@cache
def _input_type() -> GraphQLInputType:
    found = build_schema(schema.as_str()).type_map["EstimateInput"]
    assert is_input_object_type(found)
    return found


def _nobody() -> Visit:
    """Return nobody in particular, before whom nothing lies that the calculator could read."""
    return Visit(HTTPConnection({"type": "http", "headers": []}), None, _opened, "conformance")


@asynccontextmanager
async def _opened(connection: HTTPConnection, caller: object) -> AsyncIterator[object]:
    nothing = cast(Any, None)
    yield Context(None, nothing, nothing, nothing, lambda: datetime(2026, 1, 1, tzinfo=UTC), "conformance")
