"""How does a result look on the wire?

`data` is absent when nothing was executed and null when a required field failed: clients and status codes depend on
the difference, which the library does not keep. An error with a path proves that execution began.
"""

from typing import Any

from graphql import ExecutionResult

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
