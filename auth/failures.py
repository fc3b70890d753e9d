"""Who has failed to prove themselves too often?

Failures are counted for each source in a window of a minute. The memory is bounded: the source that has been quiet
the longest is forgotten first. Each process counts for itself, so the bound for a whole fleet is a multiple of it.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address

WINDOW = timedelta(minutes=1)
SOURCES_MAX = 10_000


@dataclass(slots=True)
class _Count:
    since: datetime
    failures: int


class Failures:
    """Counts failures by source."""

    def __init__(self, failures_max: int, *, sources_max: int = SOURCES_MAX) -> None:
        self._failures_max = failures_max
        self._sources_max = sources_max
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def note(self, source: str, *, at: datetime) -> None:
        """Count one failure."""
        count = self._counts.pop(source, None)
        if count is None or _is_over(count, at):
            count = _Count(at, 0)
        count.failures += 1
        self._counts[source] = count
        if len(self._counts) > self._sources_max:
            self._counts.popitem(last=False)

    def wait(self, source: str, *, at: datetime) -> int:
        """Return for how many seconds the source must not try again; 0 when it may."""
        count = self._counts.get(source)
        if count is None or _is_over(count, at) or count.failures < self._failures_max:
            return 0
        return max(1, int((WINDOW - abs(at - count.since)).total_seconds()))

    def __len__(self) -> int:
        return len(self._counts)


def source_of(address: str) -> str:
    """Return the source an address counts for: itself, or the network of a household where it is IPv6.

    >>> source_of("192.0.2.7"), source_of("2001:db8:1:2:3:4:5:6"), source_of("testclient")
    ('192.0.2.7', '2001:db8:1:2::/64', 'testclient')
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address[:100]
    if isinstance(found, IPv6Address):
        return str(IPv6Network((found, 64), strict=False))
    return str(found)


def _is_over(count: _Count, at: datetime) -> bool:
    # A distance, not a direction: a clock set back must not lock anybody out until it has caught up.
    return abs(at - count.since) >= WINDOW
