"""Which faults may a client see, and under which code?

The list of codes is closed: clients branch on `extensions.code`, so a value is never renamed or reused. What the
business expects is data (`userErrors`) and never comes here. Whatever is not on the list is answered as `INTERNAL`
with nothing but a request id to quote, and logged with its traceback.

>>> error = GraphQLError("boom", original_error=GraphError(ErrorCode.PAGE_SIZE_INVALID, "first is 500", page_max=100))
>>> present(error, "req-1")["extensions"]
{'code': 'PAGE_SIZE_INVALID', 'requestId': 'req-1', 'pageMax': 100}
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Self

import structlog
from graphql import GraphQLError, GraphQLFormattedError
from strawberry.exceptions import StrawberryInputCoercionError

from auth import founders, policy
from models import runner, usage

ERRORS_MAX = 20
MESSAGE_MAX = 1_000

_log = structlog.get_logger(__name__)


class ErrorCode(StrEnum):
    """Every value `extensions.code` can take, each with the sentence that documents it."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        """Make a member that is its own code and knows what it means."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    BAD_REQUEST = "BAD_REQUEST", "The request is not a well-formed GraphQL request: its body, headers or parameters."
    NOT_ACCEPTABLE = "NOT_ACCEPTABLE", "The Accept header allows none of the media types the server can answer with."
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE", "The body must be sent as application/json in UTF-8."
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED", "The HTTP method cannot carry this operation; the Allow header can."
    BODY_TOO_LARGE = "BODY_TOO_LARGE", "The request body is larger than the server reads."
    ORIGIN_FORBIDDEN = "ORIGIN_FORBIDDEN", "A browser sent the request from a web site that is not allowed to."
    UNAUTHENTICATED = "UNAUTHENTICATED", "There is no valid session or access token; sign in and repeat the request."
    STEP_UP_REQUIRED = (
        "STEP_UP_REQUIRED",
        "The organization asks for a younger sign-in for this: open /login?step_up=1, sign in again and repeat it.",
    )
    TOO_MANY_FAILURES = "TOO_MANY_FAILURES", "Too much proof that does not hold came from this address; wait a minute."
    FORBIDDEN = "FORBIDDEN", "The caller is known, but its role lacks the permission the field needs."
    NOT_FOUND = "NOT_FOUND", "There is no such thing, or the caller may not know that there is."
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED", "The document is not GraphQL."
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED", "The document does not fit the schema."
    DOCUMENT_NOT_FOUND = "DOCUMENT_NOT_FOUND", "No document is registered under the documentId that was sent."
    DOCUMENT_NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED", "Only registered documents are executed here; send a documentId."
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND", "The hash is not known yet; send the document beside it."
    PERSISTED_QUERY_NOT_SUPPORTED = (
        "PERSISTED_QUERY_NOT_SUPPORTED",
        "Automatic persisted queries of that version, or any, are not taken here; send the document or its documentId.",
    )
    OPERATION_RESOLUTION_FAILURE = (
        "OPERATION_RESOLUTION_FAILURE",
        "The document has no operation of that name, or several and no name was given.",
    )
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX", "The document is deeper, wider or longer than the server executes."
    BAD_USER_INPUT = "BAD_USER_INPUT", "A variable or an argument has a value its type does not allow."
    ID_INVALID = "ID_INVALID", "A global id is malformed or names another type of thing."
    CURSOR_INVALID = "CURSOR_INVALID", "A cursor was not issued by the field it was given to."
    CURSOR_EXPIRED = "CURSOR_EXPIRED", "A cursor points to events no longer kept; read the state and subscribe anew."
    PAGE_SIZE_INVALID = "PAGE_SIZE_INVALID", "A page size is missing, negative or above the allowed maximum."
    RATE_LIMITED = "RATE_LIMITED", "The budget of points is used up; repeat the request after retryAfterSeconds."
    TIMEOUT = "TIMEOUT", "The operation took longer than allowed; a mutation may still take effect: repeat its key."
    OVERLOADED = "OVERLOADED", "The server has too much to do; repeat the request after a moment."
    INTERNAL = "INTERNAL", "Something went wrong on the server; quote the request id when reporting it."


class GraphError(Exception):
    """A fault that its sender may read. Raise it from a resolver, a scalar or a door.

    `facts` are the numbers and names a program needs to react; they appear beside the code, in camel case.
    """

    def __init__(self, code: ErrorCode, message: str, **facts: str | int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.facts: Mapping[str, str | int] = MappingProxyType(facts)


# Faults of the floors below that a client may see, so that no resolver has to translate them.
_UNDERSTOOD: Mapping[type[BaseException], ErrorCode] = MappingProxyType(
    {
        policy.Unauthenticated: ErrorCode.UNAUTHENTICATED,
        policy.Forbidden: ErrorCode.FORBIDDEN,
        policy.StepUpRequired: ErrorCode.STEP_UP_REQUIRED,
        founders.NotAFounder: ErrorCode.FORBIDDEN,
        policy.NotVisible: ErrorCode.NOT_FOUND,
        runner.Overloaded: ErrorCode.OVERLOADED,
        usage.TooManyEvents: ErrorCode.QUERY_TOO_COMPLEX,
    }
)


def as_graphql(fault: Exception) -> GraphQLError:
    """Return `fault` in the form in which answers carry it. What it may say is decided by `present`."""
    return GraphQLError(str(fault), original_error=fault)


def coded(error: GraphQLError, code: ErrorCode) -> GraphQLError:
    """Return `error` under `code`, keeping its place in the document. A more precise code inside it wins."""
    fault = _explicit(error) or GraphError(code, error.message)
    return GraphQLError(error.message, error.nodes, error.source, error.positions, error.path, fault)


def present(error: GraphQLError, request_id: str) -> GraphQLFormattedError:
    """Return `error` as the client may see it, and log it when it is ours to mend."""
    fault = _fault(error)
    if fault is None:
        *_, cause = _chain(error)
        _log.error("unexpected error", path=error.path, error=type(cause).__name__, exc_info=cause)
        fault = GraphError(ErrorCode.INTERNAL, f"Something went wrong; quote request {request_id} when reporting it.")
    facts = {_camel_case(name): value for name, value in fault.facts.items()}
    shown: GraphQLFormattedError = {"message": _shortened(fault.message)}
    if error.locations is not None:
        shown["locations"] = [location.formatted for location in error.locations]
    if error.path is not None:
        shown["path"] = error.path
    shown["extensions"] = {"code": fault.code.value, "requestId": request_id, **facts}
    return shown


def present_all(errors: Iterable[GraphQLError], request_id: str) -> list[GraphQLFormattedError]:
    """Return the first errors, at most `ERRORS_MAX`: one hostile document must not cost a long answer and log."""
    return [present(error, request_id) for error, _ in zip(errors, range(ERRORS_MAX), strict=False)]


def first_code(errors: Sequence[GraphQLError]) -> ErrorCode:
    """Return the code an answer as a whole goes by: that of its first error."""
    fault = _fault(errors[0])
    return ErrorCode.INTERNAL if fault is None else fault.code


def first_facts(errors: Sequence[GraphQLError]) -> Mapping[str, str | int]:
    """Return the facts beside the code of the first error."""
    fault = _fault(errors[0])
    return {} if fault is None else fault.facts


def _fault(error: GraphQLError) -> GraphError | None:
    """Return the readable fault inside `error`, or None when there is none to show."""
    fault = _explicit(error)
    if fault is None and _blames_input(error):
        fault = GraphError(ErrorCode.BAD_USER_INPUT, error.message)
    return fault


def _explicit(error: GraphQLError) -> GraphError | None:
    """Return the fault that somebody named: ours, one we understand, or a library error that carries our code."""
    for cause in _chain(error):
        if isinstance(cause, GraphError):
            return cause
        if isinstance(cause, GraphQLError):
            code = (cause.extensions or {}).get("code")
            if isinstance(code, str) and code in ErrorCode.__members__:
                return GraphError(ErrorCode[code], cause.message)
        elif type(cause) in _UNDERSTOOD:
            return GraphError(_UNDERSTOOD[type(cause)], str(cause))
    return None


def _blames_input(error: GraphQLError) -> bool:
    """Return whether the library complains of what the client sent rather than of what we answered.

    Without a path it speaks of a variable. With one, it names the argument's node; a value of ours that does not
    fit its field has a path but no node.
    """
    inner = error.original_error
    if error.path is None:
        return inner is None or isinstance(inner, GraphQLError)
    return isinstance(inner, StrawberryInputCoercionError) or (isinstance(inner, GraphQLError) and bool(inner.nodes))


def _chain(error: GraphQLError) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.original_error if isinstance(cause, GraphQLError) else None


def _shortened(message: str) -> str:
    return message if len(message) <= MESSAGE_MAX else f"{message[:MESSAGE_MAX]}…"


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
