"""What did the client ask for, and is it shaped like a GraphQL request?

One reading for all three transports: a POST body, the query string of a GET and the payload of `subscribe`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from starlette.datastructures import QueryParams

from api import json_codec
from schema.errors import ErrorCode, GraphError

NAME_LENGTH_MAX = 255
VARIABLES_MAX = 200
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class GraphRequest:
    """A document, the operation chosen in it, and the values of its variables."""

    query: str
    operation_name: str | None
    variables: dict[str, Any]
    document_id: str | None = None
    """Names a registered document in place of `query`, which is empty then."""
    sha256: str | None = None
    """The hash of an automatic persisted query, which may come without its text."""

    @classmethod
    def of(cls, parameters: object) -> Self:
        """Return the request in decoded JSON, or raise `GraphError` naming the parameter that is wrong."""
        if not isinstance(parameters, dict):
            raise _bad(f"A request is one JSON object, not {_kind(parameters)}.")
        identity, digest = _document_id(parameters), _digest(_map(parameters, "extensions"))
        query = parameters.get("query")
        if query is None and (identity or digest):
            query = ""
        elif identity is not None:
            raise _bad("Send one of query and documentId, not both.")
        elif not isinstance(query, str) or not query.strip():
            raise _bad(f"The parameter query must be a GraphQL document, not {_kind(query)}.")
        name = parameters.get("operationName")
        if name is not None and not isinstance(name, str):
            raise _bad(f"The parameter operationName must be a string, not {_kind(name)}.")
        if name is not None and len(name) > NAME_LENGTH_MAX:
            raise _bad(f"The parameter operationName is longer than {NAME_LENGTH_MAX} characters.")
        variables = _map(parameters, "variables")
        if len(variables) > VARIABLES_MAX:
            raise _bad(f"{len(variables)} variables were sent; {VARIABLES_MAX} are allowed.")
        return cls(query, name or None, variables, identity, digest)

    @classmethod
    def of_query_string(cls, parameters: QueryParams, *, json_depth_max: int) -> Self:
        """Return the request in the query string of a GET, where the maps are JSON texts."""
        read: dict[str, object] = {name: parameters.get(name) for name in ("query", "documentId", "operationName")}
        for name in ("variables", "extensions"):
            if text := parameters.get(name):
                try:
                    read[name] = json_codec.decode(text, depth_max=json_depth_max)
                except json_codec.InvalidJson as error:
                    raise _bad(f"The parameter {name} cannot be read: {error}.") from error
        return cls.of(read)


def _document_id(parameters: Mapping[str, object]) -> str | None:
    identity = parameters.get("documentId")
    if identity is None:
        return None
    if not isinstance(identity, str) or not 0 < len(identity) <= NAME_LENGTH_MAX:
        raise _bad(f"The parameter documentId must be a string of 1 to {NAME_LENGTH_MAX} characters.")
    return identity


def _digest(extensions: Mapping[str, object]) -> str | None:
    """Return the hash of an automatic persisted query, as Apollo's clients send it."""
    given = extensions.get("persistedQuery")
    if given is None:
        return None
    if not isinstance(given, dict) or not isinstance(digest := given.get("sha256Hash"), str):
        raise _bad("The extension persistedQuery needs a sha256Hash.")
    if given.get("version") != 1:
        raise GraphError(ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")
    if not _SHA256.fullmatch(digest):
        raise _bad("The sha256Hash of a persisted query is 64 hexadecimal digits in lower case.")
    return digest


def _map(parameters: Mapping[str, object], name: str) -> dict[str, Any]:
    value = parameters.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _bad(f"The parameter {name} must be an object, not {_kind(value)}.")
    return value


def _bad(message: str) -> GraphError:
    return GraphError(ErrorCode.BAD_REQUEST, message)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "a string" if value.strip() else "an empty string"
        case int() | float():
            return "a number"
        case list():
            return "an array"
        case _:
            return "an object"
