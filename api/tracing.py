"""How does an operation show in a distributed trace?

As one span of kind server, named and described by OpenTelemetry's conventions for GraphQL, below the caller's own span
where the request names one in `traceparent`. The document is not a part of it unless the operator asks for that:
people write names and addresses into documents. Tracing needs the `otel` extra, which is imported when somebody asks
for traces and not before.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Protocol

from api.operations import Operation
from api.settings import Settings


class TracingNotInstalled(RuntimeError):
    """The settings ask for traces, and the packages that make them are not there."""

    def __init__(self) -> None:
        super().__init__(
            "BILLGRAPH_TRACING needs OpenTelemetry: install the extra, billgraph[otel], or set it to false"
        )


class Span(Protocol):
    """An operation as a trace shows it."""

    @property
    def trace_id(self) -> str | None:
        """The id of the trace that it belongs to, None where there is no trace."""
        ...

    def ended(self, code: str) -> None:
        """Note how it ended."""
        ...


class Tracing(Protocol):
    """Somebody who makes spans."""

    def span(self, operation: Operation, headers: Mapping[str, str], /) -> AbstractContextManager[Span]:
        """Open the span of an operation, for as long as it takes."""
        ...

    def close(self) -> None:
        """Send what has not been sent yet."""
        ...


class Untraced:
    """What there is where nobody asked for traces."""

    trace_id: str | None = None

    def span(self, _operation: Operation, _headers: Mapping[str, str]) -> "Untraced":
        """Return a span that is none."""
        return self

    def __enter__(self) -> "Untraced":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def ended(self, _code: str) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def tracing_of(settings: Settings) -> Tracing:
    """Return who makes spans, or raise `TracingNotInstalled`."""
    if not settings.tracing:
        return Untraced()
    try:
        module = import_module("api.open_telemetry")
    except ModuleNotFoundError as error:
        raise TracingNotInstalled from error
    tracing: Tracing = module.exporting(with_documents=settings.tracing_documents)
    return tracing
