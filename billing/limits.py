"""May this much be spent, and if not, which limit says no?

Spend is counted three times: for the organization, for the seat tier as a whole, and for the member. A cap is held
against one of these counters. A POOLED tier limit looks at the tier's counter; a PER_MEMBER tier limit looks at the
member's own, so that moving between tiers neither loses spend nor counts it twice. The tightest headroom binds, and
of two equal ones the more specific: member, then seat tier, then organization.

>>> cap = Limit("l1", SpendLevel.MEMBER, "ann", TierScope.PER_MEMBER, cap_nanos=200, version=1)
>>> gate = Gate(SpendLevel.MEMBER, "ann", cap, Counter(SpendLevel.MEMBER, "ann", spent_nanos=150, held_nanos=30))
>>> decide((gate,), 20)
Allowed()
>>> match decide((gate,), 25):
...     case Blocked(binding, headroom, shortfall):
...         binding.level.value, headroom, shortfall
('MEMBER', 20, 5)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never

from billing.money import NANOS_MAX
from billing.periods import require_utc, to_microseconds

THRESHOLDS: Final = (75, 90, 100)
THRESHOLD_MAX: Final = 100


class SpendLevel(StrEnum):
    """Whose spend is capped."""

    ORGANIZATION = "ORGANIZATION"
    SEAT_TIER = "SEAT_TIER"
    MEMBER = "MEMBER"


class TierScope(StrEnum):
    """What a seat-tier limit means."""

    POOLED = "POOLED"  # all members of the tier together
    PER_MEMBER = "PER_MEMBER"  # each member of the tier


class Precedence(StrEnum):
    """Which of several caps on one subject governs."""

    TIGHTEST = "TIGHTEST"  # all of them hold, so the lowest
    MOST_SPECIFIC = "MOST_SPECIFIC"  # a more specific one replaces the wider ones, also when it is higher


_SPECIFIC_FIRST: Final = (SpendLevel.MEMBER, SpendLevel.SEAT_TIER, SpendLevel.ORGANIZATION)


class InvalidLimit(ValueError):
    """A cap, a threshold or an amount is out of its bounds."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A monthly cap. `scope` is read only at the level SEAT_TIER; `version` grows with every change."""

    id: str
    level: SpendLevel
    subject: str
    scope: TierScope
    cap_nanos: int
    version: int
    thresholds: tuple[int, ...] = THRESHOLDS

    def __post_init__(self) -> None:
        if not 0 <= self.cap_nanos <= NANOS_MAX:
            raise InvalidLimit(f"cap of {self.cap_nanos} nanos is outside 0 to {NANOS_MAX}")
        if list(self.thresholds) != sorted(set(self.thresholds)):
            raise InvalidLimit(f"thresholds {self.thresholds} must rise, each once")
        for threshold in self.thresholds:
            if not 1 <= threshold <= THRESHOLD_MAX:
                raise InvalidLimit(f"threshold of {threshold} percent is outside 1 to {THRESHOLD_MAX}")

    @property
    def counted_at(self) -> SpendLevel:
        """The level of the counter this cap is held against."""
        if self.level is SpendLevel.SEAT_TIER and self.scope is TierScope.PER_MEMBER:
            return SpendLevel.MEMBER
        return self.level


@dataclass(frozen=True, slots=True)
class Counter:
    """What a subject has spent and holds reserved in one period."""

    level: SpendLevel
    subject: str
    spent_nanos: int = 0
    held_nanos: int = 0

    @property
    def used_nanos(self) -> int:
        """Spent and held together: what is no longer free to spend."""
        return self.spent_nanos + self.held_nanos


@dataclass(frozen=True, slots=True)
class Gate:
    """One cap and the counter it is held against. `level` and `subject` are the limit's, not the counter's."""

    level: SpendLevel
    subject: str
    limit: Limit
    counter: Counter

    @property
    def headroom_nanos(self) -> int:
        """What may still be spent here; never below zero, also when usage that had happened went over."""
        return max(0, self.limit.cap_nanos - self.counter.used_nanos)


@dataclass(frozen=True, slots=True)
class Allowed:
    """Every gate has room."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """The binding gate lacks `shortfall_nanos`."""

    binding: Gate
    headroom_nanos: int
    shortfall_nanos: int


@dataclass(frozen=True, slots=True)
class Effective:
    """The limit that binds now and what it leaves; both None when nothing limits the member."""

    binding: Gate | None
    remaining_nanos: int | None


def gates(
    limits: Iterable[Limit], counters: Iterable[Counter], *, organization_id: str, tier: str | None, member_id: str
) -> tuple[Gate, ...]:
    """Return the gates one member's spend must pass, organization first; a counter not given stands at zero."""
    subjects = {SpendLevel.ORGANIZATION: organization_id, SpendLevel.SEAT_TIER: tier, SpendLevel.MEMBER: member_id}
    known = {(counter.level, counter.subject): counter for counter in counters}
    found: list[Gate] = []
    for limit in limits:
        subject = subjects[limit.counted_at]
        if limit.subject != subjects[limit.level] or subject is None:
            continue
        counter = known.get((limit.counted_at, subject), Counter(limit.counted_at, subject))
        found.append(Gate(limit.level, limit.subject, limit, counter))
    return tuple(sorted(found, key=lambda gate: (-_SPECIFIC_FIRST.index(gate.level), gate.limit.id)))


def tightest(among: Sequence[Gate]) -> Gate | None:
    """Return the gate with the least headroom, the more specific of equals; None when there is no gate."""
    return min(among, key=lambda gate: (gate.headroom_nanos, _SPECIFIC_FIRST.index(gate.level)), default=None)


def decide(among: Sequence[Gate], amount_nanos: int) -> Allowed | Blocked:
    """Return whether `amount_nanos` passes every gate. What costs nothing always passes."""
    if not 0 <= amount_nanos <= NANOS_MAX:
        raise InvalidLimit(f"amount of {amount_nanos} nanos is outside 0 to {NANOS_MAX}")
    binding = tightest(among)
    if binding is None or amount_nanos <= binding.headroom_nanos:
        return Allowed()
    return Blocked(binding, binding.headroom_nanos, amount_nanos - binding.headroom_nanos)


def effective(among: Sequence[Gate]) -> Effective:
    """Return which gate binds and how much it leaves."""
    binding = tightest(among)
    return Effective(binding, None if binding is None else binding.headroom_nanos)


def governing(caps: Sequence[tuple[str, int | None]], precedence: Precedence) -> tuple[str, int] | None:
    """Return the name and cap that governs among `caps`, which go from the widest to the most specific; None: no cap.

    Of equal caps under TIGHTEST the more specific governs.

    >>> budgets = (("universal", 50), ("cost_center", 80), ("individual", None))
    >>> [governing(budgets, precedence) for precedence in Precedence]
    [('universal', 50), ('cost_center', 80)]
    """
    given = [(name, cap) for name, cap in reversed(caps) if cap is not None]
    match precedence:
        case Precedence.TIGHTEST:
            return min(given, key=lambda pair: pair[1], default=None)
        case Precedence.MOST_SPECIFIC:
            return given[0] if given else None
        case _:
            assert_never(precedence)


def crossed(limit: Limit, before_nanos: int, after_nanos: int) -> tuple[int, ...]:
    """Return the thresholds reached by going from `before_nanos` to `after_nanos`, lowest first.

    A threshold is reached at its percent of the cap exactly. A cap of zero is reached by the first nano.
    """
    return tuple(
        threshold
        for threshold in limit.thresholds
        if _reached(limit, threshold, after_nanos) and not _reached(limit, threshold, before_nanos)
    )


def _reached(limit: Limit, threshold: int, used_nanos: int) -> bool:
    return used_nanos > 0 and used_nanos * 100 >= limit.cap_nanos * threshold


def dedup_id(limit_id: str, period_start: datetime, threshold: int, version: int) -> str:
    """Return the name of one alert: the same threshold, period and limit version always give the same.

    >>> from datetime import UTC
    >>> dedup_id("l1", datetime(2026, 10, 1, tzinfo=UTC), 75, 2)
    'l1:1790812800000000:75:2'
    """
    return f"{limit_id}:{to_microseconds(require_utc(period_start))}:{threshold}:{version}"
