"""How much may one client ask for, and how long must it wait for more?

A budget is a bucket of points that fills up evenly. An operation takes what it asks for before it starts and is given
back what it did not need. Whoever is behind a request pays: the account and its organization, or, for somebody who is
nobody in particular, the address. A bucket that nobody remembers is full, so only those in use are kept.

>>> budgets = Budgets([Policy("principal", 100, 10)], clock=lambda: 0.0)
>>> tab = budgets.tab([Payer("principal", "ann")])
>>> tab.take(60)
>>> tab.remaining, tab.headers()["ratelimit"]
(40, '"principal";r=40;t=6')
>>> tab.take(60)
Traceback (most recent call last):
    ...
schema.errors.GraphError: 60 points were asked for, and the budget "principal" has 40 of 100 left; wait 2 s.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from starlette.requests import HTTPConnection

from api.callers import Caller
from api.graph_requests import GraphRequest
from api.settings import Settings
from auth.failures import source_of
from schema.errors import ErrorCode, GraphError

BUCKETS_MAX = 50_000
REFUSED_POINTS = 50
"""What a request costs that came to nothing: reading a document that is refused is work as well."""

PRINCIPAL, ORGANIZATION, ADDRESS = "principal", "organization", "address"


@dataclass(frozen=True)
class Policy:
    """A budget of so many points, which an empty bucket has again after so many seconds."""

    name: str
    points: int
    seconds: int

    @cached_property
    def rate(self) -> float:
        """How many points are added in a second."""
        return self.points / self.seconds

    @cached_property
    def described(self) -> str:
        """What clients are told of it."""
        return f'"{self.name}";q={self.points};w={self.seconds};qu="points"'


class Payer(NamedTuple):
    """One bucket: whose it is, under which policy."""

    policy: str
    key: str


@dataclass(slots=True)
class _Bucket:
    level: float
    seen_at: float


def address(connection: HTTPConnection) -> Payer:
    """Return the payer behind a connection when nothing else is known."""
    return Payer(ADDRESS, source_of(connection.client.host if connection.client is not None else ""))


PayersOf = Callable[[HTTPConnection, Caller | None, GraphRequest | None], Sequence[Payer]]
"""Return who pays for a request of somebody on a connection; without the request as much as is known before it."""


def by_address(connection: HTTPConnection, _caller: Caller | None, _request: GraphRequest | None) -> Sequence[Payer]:
    """Let the address pay, whoever calls from it."""
    return (address(connection),)


class Budgets:
    """The buckets of one process, and who pays out of which."""

    def __init__(
        self,
        policies: Sequence[Policy],
        *,
        payers_of: PayersOf = by_address,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policies = {policy.name: policy for policy in policies}
        self.payers_of = payers_of
        self._clock = clock
        self._buckets: OrderedDict[Payer, _Bucket] = OrderedDict()

    def tab(self, payers: Sequence[Payer]) -> "Tab":
        """Return what those who pay for a request run up together."""
        return Tab(self, tuple(payers))

    def policy(self, payer: Payer) -> Policy:
        """Return the policy under which somebody pays."""
        return self._policies[payer.policy]

    def level(self, payer: Payer) -> float:
        """Return how many points somebody has now."""
        bucket, policy = self._buckets.get(payer), self._policies[payer.policy]
        if bucket is None:
            return policy.points
        level = bucket.level + (self._clock() - bucket.seen_at) * policy.rate
        return level if level < policy.points else policy.points

    def change(self, payer: Payer, points: float) -> None:
        """Add points to somebody's bucket or, below zero, take them."""
        level = min(self._policies[payer.policy].points, self.level(payer) + points)
        bucket = self._buckets.get(payer)
        if bucket is None:
            self._buckets[payer] = _Bucket(level, self._clock())
            if len(self._buckets) > BUCKETS_MAX:
                self._buckets.popitem(last=False)  # the one not seen for longest has filled up most
        else:
            bucket.level, bucket.seen_at = level, self._clock()
            self._buckets.move_to_end(payer)


@dataclass(frozen=True, slots=True)
class Tab:
    """One request's dealings with the buckets of those who pay for it."""

    budgets: Budgets
    payers: tuple[Payer, ...]

    def require(self, points: int) -> None:
        """Raise `GraphError` unless every payer has so many points; nobody is charged for more than a full bucket."""
        for payer in self.payers:
            policy, level = self.budgets.policy(payer), self.budgets.level(payer)
            asked = min(points, policy.points)
            if level < asked:
                wait = math.ceil((asked - level) / policy.rate)
                raise GraphError(
                    ErrorCode.RATE_LIMITED,
                    f'{points} points were asked for, and the budget "{policy.name}" has {max(0, int(level))} of '
                    f"{policy.points} left; wait {wait} s.",
                    budget=policy.name,
                    requested=points,
                    remaining=max(0, int(level)),
                    retry_after_seconds=wait,
                )

    def take(self, points: int) -> None:
        """Take points from every payer, or raise `GraphError` and take none."""
        self.require(points)
        for payer in self.payers:
            self.budgets.change(payer, -min(points, self.budgets.policy(payer).points))

    def give_back(self, points: int) -> None:
        """Return points that were taken and not needed."""
        if points:
            for payer in self.payers:
                self.budgets.change(payer, points)

    def fine(self) -> None:
        """Charge for a request that came to nothing, as far as there is anything left to take."""
        for payer in self.payers:
            self.budgets.change(payer, -min(REFUSED_POINTS, max(0.0, self.budgets.level(payer))))

    @property
    def remaining(self) -> int:
        """Return how many points the payer with the least has left."""
        return min((max(0, int(self.budgets.level(payer))) for payer in self.payers), default=0)

    def headers(self) -> Mapping[str, str]:
        """Return the fields that tell an HTTP client of its budgets: what they are, and what is left of them."""
        policies, left = [], []
        for payer in self.payers:
            policy, level = self.budgets.policy(payer), self.budgets.level(payer)
            policies.append(policy.described)
            left.append(f'"{policy.name}";r={max(0, int(level))};t={math.ceil((policy.points - level) / policy.rate)}')
        return {"ratelimit-policy": ", ".join(policies), "ratelimit": ", ".join(left)} if self.payers else {}


def policies(settings: Settings) -> tuple[Policy, ...]:
    """Return this process's part of each budget."""
    limits = settings.limits
    whole = (
        (PRINCIPAL, limits.principal_points_max),
        (ORGANIZATION, limits.organization_points_max),
        (ADDRESS, limits.address_points_max),
    )
    return tuple(Policy(name, max(1, points // settings.processes), limits.points_seconds) for name, points in whole)
