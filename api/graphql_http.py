"""How is the graph asked over HTTP?

GraphQL over HTTP, to the letter: POST for every query and mutation, GET for queries only, an answer in the media type
the client prefers. `application/graphql-response+json` is honest about failure: no data, no 2xx. The older
`application/json` answers 200 to every well-formed request, because its clients look nowhere else.
"""

from collections.abc import Mapping
from types import MappingProxyType

from graphql import ExecutionResult, OperationType
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api import body, json_codec, media_types
from api.answers import answer, has_data
from api.budgets import Tab
from api.callers import Authenticate, Caller, OpenContext, Visit, require_origin
from api.execution import Operations
from api.graph_requests import GraphRequest
from api.headers import Request
from api.middleware import request_id
from api.observing import account_of, named
from api.operations import Operation, Refused
from api.pacing import WORTH_WAITING_BYTES
from api.pages import QueryPage
from api.replies import Reply
from api.settings import Settings
from schema.errors import ErrorCode, GraphError, as_graphql, first_code, first_facts

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"
HTML = "text/html"
RETRY_AFTER_SECONDS = 2
FAILURES_RETRY_AFTER_SECONDS = 60

STATUS: Mapping[ErrorCode, int] = MappingProxyType(
    {
        ErrorCode.UNAUTHENTICATED: 401,
        ErrorCode.TOO_MANY_FAILURES: 429,
        ErrorCode.FORBIDDEN: 403,
        ErrorCode.ORIGIN_FORBIDDEN: 403,
        ErrorCode.DOCUMENT_NOT_TRUSTED: 403,
        ErrorCode.METHOD_NOT_ALLOWED: 405,
        ErrorCode.NOT_ACCEPTABLE: 406,
        ErrorCode.BODY_TOO_LARGE: 413,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
        ErrorCode.RATE_LIMITED: 429,
        ErrorCode.INTERNAL: 500,
        ErrorCode.OVERLOADED: 503,
        ErrorCode.TIMEOUT: 504,
    }
)
_ASKING = frozenset({"query", "documentId", "extensions"})
_HEADERS: Mapping[ErrorCode, Mapping[str, str]] = MappingProxyType(
    {
        ErrorCode.UNAUTHENTICATED: {"www-authenticate": "Bearer"},
        ErrorCode.TOO_MANY_FAILURES: {"retry-after": str(FAILURES_RETRY_AFTER_SECONDS)},
        ErrorCode.OVERLOADED: {"retry-after": str(RETRY_AFTER_SECONDS)},
    }
)


class HttpDoor:
    """What the doors over plain HTTP have in common: who is calling, and what for."""

    def __init__(
        self, operations: Operations, *, settings: Settings, authenticate: Authenticate, open_context: OpenContext
    ) -> None:
        self.operations = operations
        self._settings = settings
        self._authenticate = authenticate
        self._open_context = open_context

    async def enter(self, request: Request) -> tuple[Operation, Visit]:
        """Return the operation and who asks for it, or raise `GraphError` or `Refused`."""
        require_origin(request, self._settings.trusted_origins)
        caller, asked = await self._introduced(request)
        state = request.scope["state"]
        state["tab"] = tab = self._tab(request, caller, asked)
        operation = await self.operations.admit(asked, tab=tab, is_known=caller is not None)
        state["facts"] = {**named(operation), "principal": account_of(caller)}
        if request.method == "GET" and operation.kind is OperationType.MUTATION:
            raise GraphError(ErrorCode.METHOD_NOT_ALLOWED, "A mutation needs POST.", allow="POST")
        left_off = request.headers.get("last-event-id") or None
        return operation, Visit(request, caller, self._open_context, request_id(request.scope), left_off)

    async def _introduced(self, request: Request) -> tuple[Caller | None, GraphRequest]:
        """Return who is calling and what they ask; a request that does not come so far is paid for all the same."""
        caller = None
        try:
            caller = await self._authenticate(request, {})
            request.scope["state"]["facts"] = {"principal": account_of(caller)}
            return caller, await self._read(request, caller)
        except GraphError as fault:
            self.operations.observer.refused(fault.code)
            request.scope["state"]["tab"] = tab = self._tab(request, caller, None)
            tab.require(1)
            tab.fine()
            raise

    def _tab(self, request: Request, caller: Caller | None, asked: GraphRequest | None) -> Tab:
        budgets = self.operations.budgets
        return budgets.tab(budgets.payers_of(request, caller, asked))

    async def _read(self, request: Request, caller: Caller | None) -> GraphRequest:
        limits = self._settings.limits
        match request.method:
            case "POST":
                body.require_json(request)
                text = await body.read(request, bytes_max=limits.body_bytes_max)
                if len(text) < WORTH_WAITING_BYTES:
                    return GraphRequest.of(body.decoded(text, depth_max=limits.json_depth_max))
                who = tuple(self.operations.budgets.payers_of(request, caller, None)[:1])
                return await self.operations.pace.run(
                    who, lambda: GraphRequest.of(body.decoded(text, depth_max=limits.json_depth_max))
                )
            case "GET":
                return GraphRequest.of_query_string(request.query_params, json_depth_max=limits.json_depth_max)
            case _:
                message = f"{request.method} carries no GraphQL; use POST."
                raise GraphError(ErrorCode.METHOD_NOT_ALLOWED, message, allow="GET, POST")


class GraphQLOverHttp:
    """The ASGI application at `/graphql`, for everything but WebSocket."""

    def __init__(self, door: HttpDoor, page: QueryPage | None) -> None:
        self._door = door
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        response = await self._respond(request)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        # A browser that opens the address gets a page; a program that accepts anything gets JSON.
        offers: tuple[str, ...] = (JSON, GRAPHQL_RESPONSE)
        if self._page is not None and request.method in {"GET", "HEAD"} and not _ASKING & request.query_params.keys():
            offers = (*offers, HTML)
        media_type = media_types.chosen(request.headers.get("accept") or "*/*", offers)
        if self._page is not None and media_type == HTML:
            return self._page.response()
        if media_type is None:
            fault = GraphError(ErrorCode.NOT_ACCEPTABLE, f"Accept {GRAPHQL_RESPONSE} or {JSON}.")
            return failure(fault, JSON, request)
        try:
            operation, visit = await self._door.enter(request)
            if operation.kind is OperationType.SUBSCRIPTION:
                raise GraphError(ErrorCode.BAD_REQUEST, "Subscribe over WebSocket, or by POST to /graphql/stream.")
            result = await self._door.operations.run(operation, visit)
        except Refused as refused:
            result = ExecutionResult(None, list(refused.errors))
        except Exception as error:  # presented like every other fault: ours as they are, the unexpected masked
            return failure(error, media_type, request)
        return _answered(result, media_type, request)


def failure(fault: Exception, media_type: str, request: Request) -> Response:
    """Return the response to a request that never became an operation: its status says so in any media type."""
    result = ExecutionResult(None, [as_graphql(fault)])
    code = first_code(result.errors or ())
    return _response(result, media_type, STATUS.get(code, 400), request)


def _answered(result: ExecutionResult, media_type: str, request: Request) -> Response:
    if has_data(result):
        return _response(result, media_type, 200, request)
    status = STATUS.get(first_code(result.errors or ()), 400)
    if media_type == JSON and status < 500 and status != STATUS[ErrorCode.RATE_LIMITED]:
        status = 200
    return _response(result, media_type, status, request)


def _response(result: ExecutionResult, media_type: str, status: int, request: Request) -> Response:
    state = request.scope["state"]
    tab: Tab | None = state.get("tab")
    headers = {} if tab is None else dict(tab.headers())
    if result.errors:
        state.setdefault("facts", {})["code"] = first_code(result.errors).value
    if result.errors and status >= 400:
        code, facts = first_code(result.errors), first_facts(result.errors)
        headers |= _HEADERS.get(code, {})
        if code is ErrorCode.METHOD_NOT_ALLOWED:
            headers["allow"] = str(facts["allow"])
        if code is ErrorCode.RATE_LIMITED:
            headers["retry-after"] = str(facts["retry_after_seconds"])
    return Reply(json_codec.encode(answer(result, state["request_id"])), status, media_type, headers)
