"""Each operation is a span by OpenTelemetry's conventions for GraphQL, and holds nothing that somebody typed."""

import sys
from collections.abc import Sequence

import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from api.observing import Observer
from api.open_telemetry import OpenTelemetry, exporting
from api.settings import Settings
from api.tracing import TracingNotInstalled, Untraced, tracing_of
from tests.api.house import TOKEN, serving
from tests.api.test_graphql_ws import hear, introduced, subscribe

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {"authorization": f"Bearer {TOKEN}", "traceparent": f"00-{TRACE}-{PARENT}-01"}
HELLO = {"query": "query Hello($name: String!) { hello(name: $name) }", "variables": {"name": "s3cret"}}


async def spans(*bodies: dict[str, object], with_documents: bool = False) -> Sequence[ReadableSpan]:
    """Return the spans of these requests, and of one query over a socket."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    observer = Observer(tracing=OpenTelemetry(provider, with_documents=with_documents))
    async with serving(observer=observer) as house, httpx2.AsyncClient(base_url=house.url, headers=HEADERS) as client:
        for body in bodies:
            await client.post("/graphql", json=body)
        async with introduced(house) as socket:
            await subscribe(socket, "a", "{ hello }")
            await hear(socket)
            await hear(socket)
    return exporter.get_finished_spans()


async def test_describes_operations_by_the_conventions() -> None:
    ours, paid, failed, refused, alone = await spans(
        HELLO, {"query": "mutation Pay { pay }"}, {"query": "{ broken }"}, {"query": "{ refused }"}
    )

    assert (ours.name, ours.kind) == ("query", SpanKind.SERVER)
    assert ours.attributes == {"graphql.operation.type": "query", "graphql.operation.name": "Hello"}
    assert ours.parent is not None
    assert (f"{ours.parent.trace_id:032x}", f"{ours.parent.span_id:016x}") == (TRACE, PARENT)
    assert (paid.name, ours.status.status_code) == ("mutation", StatusCode.UNSET)
    assert dict(failed.attributes or {}) == {"graphql.operation.type": "query", "error.type": "INTERNAL"}
    assert failed.status.status_code is StatusCode.ERROR
    assert (refused.attributes or {})["error.type"] == "PAGE_SIZE_INVALID"
    assert refused.status.status_code is StatusCode.UNSET, "who asks for too much has not found a fault of ours"
    assert alone.parent is None
    assert "s3cret" not in "".join(span.to_json() for span in (ours, paid, failed, refused, alone))


async def test_shows_the_document_only_where_asked_to() -> None:
    ours, _ = await spans(HELLO, with_documents=True)

    assert (ours.attributes or {})["graphql.document"] == HELLO["query"]
    assert "s3cret" not in ours.to_json()


def test_traces_nothing_unless_asked_to() -> None:
    assert isinstance(tracing_of(Settings()), Untraced)


def test_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "api.open_telemetry")

    with pytest.raises(TracingNotInstalled, match=r"billgraph\[otel\]"):
        tracing_of(Settings(tracing=True))


def test_sends_spans_where_the_variables_of_opentelemetry_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "billing-eu")

    tracing = exporting(with_documents=False)

    assert tracing._provider.resource.attributes["service.name"] == "billing-eu"
    tracing.close()
