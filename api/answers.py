"""How does a result look on the wire?

`data` is absent when nothing was executed and null when a required field failed: clients and status codes depend on
the difference, which the library does not keep. An error with a path proves that execution began.

Which error comes first, and what is still told of a part of the answer that another error made null, the library
leaves to the order in which statements happen to end. Here the same question has the same answer: errors come in the
order of the answer, and inside of what is null because of an error only that error is told.
"""

from typing import Any

from graphql import ExecutionResult, GraphQLError

from schema.errors import present_all


def has_data(result: ExecutionResult) -> bool:
    """Return whether the operation was executed, however badly."""
    return result.data is not None or not result.errors or any(error.path for error in result.errors)


def answer(result: ExecutionResult, request_id: str) -> dict[str, Any]:
    """Return `result` as the JSON object that GraphQL specifies, errors first and presentable."""
    shown: dict[str, Any] = {}
    if result.errors:
        shown["errors"] = present_all(result.errors, request_id)
    if has_data(result):
        shown["data"] = result.data
    if result.extensions:
        shown["extensions"] = result.extensions
    return shown


def in_order(result: ExecutionResult) -> ExecutionResult:
    """Return `result` with its errors in the order of the answer, each the reason for a null of its own.

    Errors are expected as they came: the one that made a place null is the last that was told inside of it.

    >>> first, inside = GraphQLError("late", path=["a"]), GraphQLError("early", path=["b", "x"])
    >>> cause = GraphQLError("cause", path=["b", "y", 0])
    >>> [error.message for error in in_order(ExecutionResult({"a": None, "b": None}, [inside, cause, first])).errors]
    ['late', 'cause']
    """
    if result.errors and len(result.errors) > 1 and all(error.path is not None for error in result.errors):
        by_place = {_place(result.data, error): error for error in result.errors}
        result.errors = [by_place[place] for place in sorted(by_place)]
    return result


def _place(data: Any, error: GraphQLError) -> tuple[int, ...]:
    """Return where the null is that an error led to, as positions in the answer."""
    place, inside = [], data
    for key in error.path or ():
        if isinstance(key, int) and isinstance(inside, list):
            place.append(key)
            inside = inside[key]
        elif isinstance(inside, dict) and key in inside:
            place.append(list(inside).index(str(key)))
            inside = inside[key]
        else:
            break
    return tuple(place)
