"""How are spans made and sent by OpenTelemetry?

Imported only where tracing is on: it needs the `otel` extra. Where spans go, how many are sampled and what the service
is called is set by OpenTelemetry's own variables, `OTEL_EXPORTER_OTLP_ENDPOINT` and the like, which its SDK reads.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from api.metrics import OK
from api.operations import Operation
from schema.errors import ErrorCode

SERVICE_NAME: Final = "billgraph"
_OUR_FAULTS: Final = frozenset({ErrorCode.INTERNAL.value, ErrorCode.TIMEOUT.value, ErrorCode.OVERLOADED.value})


class OpenTelemetry:
    """Makes the spans of one provider."""

    def __init__(self, provider: TracerProvider, *, with_documents: bool = False) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer(SERVICE_NAME)
        self._propagator = TraceContextTextMapPropagator()
        self._with_documents = with_documents

    @contextmanager
    def span(self, operation: Operation, headers: Mapping[str, str]) -> Iterator["Spanned"]:
        """Open the span of an operation: named by its kind, for names that clients think of are without number."""
        attributes = {"graphql.operation.type": operation.kind.value}
        if operation.name is not None:
            attributes["graphql.operation.name"] = operation.name
        if self._with_documents:
            attributes["graphql.document"] = operation.document.text
        with self._tracer.start_as_current_span(
            operation.kind.value,
            context=self._propagator.extract(headers),
            kind=trace.SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,  # its message may hold what somebody wrote
            set_status_on_exception=False,
        ) as span:
            yield Spanned(span)

    def close(self) -> None:
        """Send what has not been sent yet, and stop."""
        self._provider.shutdown()


class Spanned:
    """A span that is open."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def trace_id(self) -> str | None:
        """The id of its trace, in hexadecimal digits."""
        return trace.format_trace_id(self._span.get_span_context().trace_id)

    def ended(self, code: str) -> None:
        """Name the first error; the span itself has failed only where the fault was ours."""
        if code != OK:
            self._span.set_attribute("error.type", code)
        if code in _OUR_FAULTS:
            self._span.set_status(trace.Status(trace.StatusCode.ERROR))


def exporting(*, with_documents: bool) -> OpenTelemetry:
    """Return spans that are sent in batches, over HTTP, to where OpenTelemetry's variables say."""
    named = Resource({"service.name": SERVICE_NAME}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=Resource.create().merge(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OpenTelemetry(provider, with_documents=with_documents)
