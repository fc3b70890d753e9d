"""What is counted of this process, for Prometheus to collect?

Every label is bounded: codes, kinds and commands are closed lists, and of the names that clients give to operations and
to themselves only so many are kept, the first that somebody known has used. The rest is counted together as `other`,
so that nobody fills a time series database by thinking of names.

>>> names = Names(2)
>>> [names.kept(each) for each in ("Members", "Invoices", "Usage", "Members", "x" * 90)]
['Members', 'Invoices', 'other', 'Members', 'other']
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

OK: Final = "OK"
OTHER: Final = "other"
OPERATION_NAMES_MAX: Final = 200
CLIENT_NAMES_MAX: Final = 100
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_NAME: Final = re.compile(r"[\w .:@/+-]{1,80}", re.ASCII)


class Names:
    """The first names of a kind, up to a number; none beyond it gets a series of its own."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: set[str] = set()

    def kept(self, name: str, *, may_add: bool = True) -> str:
        """Return the name where it is one of those kept, or becomes one, and `other` elsewhere."""
        if name in self._kept:
            return name
        if not may_add or len(self._kept) >= self._most or not _NAME.fullmatch(name):
            return OTHER
        self._kept.add(name)
        return name


class Gauges(Protocol):
    """Whatever knows how things stand now: each value by the name of its metric, with what it means."""

    def __call__(self) -> Mapping[str, tuple[str, float]]: ...


@dataclass(frozen=True, slots=True)
class _Series:
    """Where the operations of one name, kind and code are counted; to find these takes longer than to count."""

    answered: Counter
    seconds: Histogram
    requested: Counter
    actual: Counter


class Metrics:
    """The counters of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._names = Names(OPERATION_NAMES_MAX)
        self._series: dict[tuple[str, str, str], _Series] = {}
        self._statuses: dict[int, Counter] = {}
        self._clients = Names(CLIENT_NAMES_MAX)
        self._operations = Counter(
            "billgraph_operations", "Operations answered, by the code of their first error.",
            ("operation", "kind", "code"), registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "billgraph_operation_seconds", "Time from an operation's start to its answer.",
            ("operation", "kind"), registry=registry, buckets=_SECONDS,
        )  # fmt: skip
        self._points = Counter(
            "billgraph_operation_points", "Cost of operations in points: as asked for, and as answered.",
            ("operation", "kind", "measure"), registry=registry,
        )  # fmt: skip
        self._refused = Counter(
            "billgraph_requests_refused", "Requests and messages that never became an operation.",
            ("code",), registry=registry,
        )  # fmt: skip
        self._responses = Counter(
            "billgraph_http_responses", "HTTP responses, of every door.", ("status",), registry=registry
        )
        self._closed = Counter(
            "billgraph_sockets_closed", "WebSockets ended, by the close code.", ("code",), registry=registry
        )
        self._commands = Counter(
            "billgraph_commands", "Commands carried out, done or refused; a repeat under the same key counts again.",
            ("command", "outcome"), registry=registry,
        )  # fmt: skip
        self._usage = Counter(
            "billgraph_usage_events", "Usage events taken in, by what became of them.", ("outcome",), registry=registry
        )
        self._webhooks = Counter(
            "billgraph_webhook_attempts", "Webhook deliveries attempted.", ("outcome",), registry=registry
        )
        self._webhook_seconds = Histogram(
            "billgraph_webhook_seconds", "Time a receiver took to answer a webhook.", registry=registry,
            buckets=_SECONDS,
        )  # fmt: skip
        self._deprecated = Counter(
            "billgraph_deprecated_uses", "Operations that use something deprecated, by client.",
            ("coordinate", "client"), registry=registry,
        )  # fmt: skip

    def answered(
        self, name: str, kind: str, code: str, *, seconds: float, requested: int, actual: int, is_known: bool
    ) -> None:
        """Count an operation that is over. A name that only strangers use is not kept."""
        shown = self._names.kept(name, may_add=is_known)
        series = self._series.get((shown, kind, code))
        if series is None:
            series = self._series[shown, kind, code] = _Series(
                self._operations.labels(shown, kind, code),
                self._seconds.labels(shown, kind),
                self._points.labels(shown, kind, "requested"),
                self._points.labels(shown, kind, "actual"),
            )
        series.answered.inc()
        series.seconds.observe(seconds)
        series.requested.inc(requested)
        series.actual.inc(actual)

    def refused(self, code: str) -> None:
        """Count a request that came to nothing."""
        self._refused.labels(code).inc()

    def responded(self, status: int) -> None:
        """Count a response."""
        series = self._statuses.get(status)
        if series is None:
            series = self._statuses[status] = self._responses.labels(str(status))
        series.inc()

    def socket_closed(self, code: int) -> None:
        """Count a WebSocket that has ended; clients may close with any number they like."""
        self._closed.labels(str(code) if 1000 <= code <= 1015 or 4400 <= code <= 4500 else OTHER).inc()

    def command(self, name: str, outcome: str) -> None:
        """Count a command that was carried out or refused."""
        self._commands.labels(name, outcome).inc()

    def usage(self, outcome: str, count: int) -> None:
        """Count usage events of one outcome."""
        self._usage.labels(outcome).inc(count)

    def webhook(self, outcome: str, seconds: float) -> None:
        """Count an attempt to deliver a webhook."""
        self._webhooks.labels(outcome).inc()
        self._webhook_seconds.observe(seconds)

    def deprecated(self, coordinate: str, client: str) -> str:
        """Count the use of something deprecated; return the name under which the client is counted."""
        shown = self._clients.kept(client)
        self._deprecated.labels(coordinate, shown).inc()
        return shown

    def watch(self, gauges: Gauges) -> None:
        """Ask for these values at each collection."""
        self.registry.register(_Asked(gauges))

    def add_up(self, name: str, meaning: str, label: str, counts: Mapping[str, int]) -> None:
        """Show what somebody else counts, as it stands at each collection, by one label."""
        self.registry.register(_Counted(name, meaning, label, counts))


class _Counted(Collector):
    """What somebody else counts."""

    def __init__(self, name: str, meaning: str, label: str, counts: Mapping[str, int]) -> None:
        self._named = name, meaning, label
        self._counts = counts

    def collect(self) -> Iterable[Metric]:
        """Yield the counter."""
        name, meaning, label = self._named
        family = CounterMetricFamily(name, meaning, labels=(label,))
        for value, count in sorted(self._counts.items()):
            family.add_metric((value,), count)
        yield family


class _Asked(Collector):
    """Values that are asked for when somebody collects, and kept nowhere."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        """Yield a gauge for each value."""
        for name, (meaning, value) in self._gauges().items():
            yield GaugeMetricFamily(name, meaning, value=value)
