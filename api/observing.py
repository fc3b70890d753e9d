"""What does whoever runs the server learn of an operation?

Its name, kind, cost, time and outcome, and who asked: counted for Prometheus, written in one line of the log, and as a
span where tracing is on. Never its variables, and never its document. Over HTTP the line is the request's own; on a
socket, where one connection carries many operations, each has a line of its own.
"""

import time
from types import TracebackType
from typing import Any, Final, Self

import structlog
from graphql import ExecutionResult
from starlette.requests import HTTPConnection

from api.callers import Caller, Visit
from api.metrics import OK, Metrics
from api.operations import Operation
from api.tracing import Tracing, Untraced
from auth.principal import Method, Principal
from schema.errors import ErrorCode, first_code

ANONYMOUS: Final = "anonymous"
CANCELLED: Final = "CANCELLED"
NOBODY: Final = "nobody"
UNNAMED: Final = "unnamed"
CLIENT_NAME_HEADER: Final = "apollographql-client-name"
HEADERS_TOLD: Final = frozenset({b"apollographql-client-name", b"traceparent", b"tracestate"})
"""The headers that say something of an operation to those who look at it later."""
_NAME_SHOWN_MAX: Final = 100
_log = structlog.get_logger("billgraph.access")


class Course:
    """An operation that is being carried out, of which is told when the block ends, whichever way it does."""

    __slots__ = ("_observer", "_opened", "_operation", "_span", "_started", "_visit", "actual", "code")

    def __init__(self, observer: "Observer", operation: Operation, visit: Visit) -> None:
        self._observer, self._operation, self._visit = observer, operation, visit
        self._opened = observer.tracing.span(operation, visit.connection.headers)
        self.code, self.actual = CANCELLED, 0

    def __enter__(self) -> Self:
        self._started = time.perf_counter()
        self._span = self._opened.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, where: TracebackType | None
    ) -> None:
        seconds = time.perf_counter() - self._started
        self._span.ended(self.code)
        self._observer.tell(self._operation, self._visit, self, seconds, self._span.trace_id)
        self._opened.__exit__(kind, fault, where)

    def ended(self, result: ExecutionResult, *, actual: int) -> None:
        """Note the answer, and what it cost."""
        self.code, self.actual = (first_code(result.errors).value if result.errors else OK), actual


class Observer:
    """Tells of each operation of one process."""

    def __init__(self, metrics: Metrics | None = None, tracing: Tracing | None = None) -> None:
        self.metrics = metrics or Metrics()
        self.tracing = tracing or Untraced()
        self._noticed: set[tuple[str, str]] = set()

    def close(self) -> None:
        """Send what has not been sent yet."""
        self.tracing.close()

    def refused(self, code: ErrorCode) -> None:
        """Tell of a request that never became an operation."""
        self.metrics.refused(code.value)

    def deprecated(self, operation: Operation, visit: Visit) -> None:
        """Tell which deprecated parts of the schema an operation uses: counted always, logged once for each client."""
        for coordinate in sorted(operation.deprecated):
            client = self.metrics.deprecated(coordinate, client_of(visit.connection, visit.caller))
            if (coordinate, client) not in self._noticed:
                self._noticed.add((coordinate, client))
                _log.warning("deprecated part used", coordinate=coordinate, client=client)

    def tell(self, operation: Operation, visit: Visit, course: Course, seconds: float, trace_id: str | None) -> None:
        """Count an operation that is over, and note what the log says of it."""
        requested = operation.cost.points
        self.metrics.answered(
            operation.name or ANONYMOUS,
            operation.kind.value,
            course.code,
            seconds=seconds,
            requested=requested,
            actual=course.actual,
            is_known=visit.caller is not None,
        )
        facts = {
            **named(operation),
            "principal": account_of(visit.caller),
            "requested": requested,
            "actual": course.actual,
            "code": course.code,
        }
        if trace_id is not None:
            facts["trace_id"] = trace_id
        if visit.connection.scope["type"] == "websocket":
            _log.info("operation", **facts, milliseconds=round(seconds * 1000, 1))
        else:
            visit.connection.scope.setdefault("state", {})["facts"] = facts


def named(operation: Operation) -> dict[str, Any]:
    """Return the facts of the log that are known before an operation starts."""
    return {"operation": (operation.name or ANONYMOUS)[:_NAME_SHOWN_MAX], "kind": operation.kind.value}


def account_of(caller: Caller | None) -> str:
    """Return the text under which logs know an account: no name, no address, the same as in the event log."""
    if caller is None:
        return NOBODY
    return caller.actor_id("") if isinstance(caller, Principal) else type(caller).__name__.lower()


def client_of(connection: HTTPConnection, caller: Caller | None) -> str:
    """Return which program asks: an API client by its id, else as the program calls itself."""
    if isinstance(caller, Principal) and caller.method is Method.API_CLIENT:
        return caller.actor_id("")
    return connection.headers.get(CLIENT_NAME_HEADER) or UNNAMED
