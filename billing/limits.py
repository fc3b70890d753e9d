"""May this much be spent, and if not, which limit says no?

Spend is counted at four levels: for the organization, the member's group, the seat tier as a whole, and the member; at
each of them for the month, the week and the day. A cap is held against one of these counters. A POOLED tier limit
looks at the tier's counter; a PER_MEMBER tier limit looks at the member's own, so that moving between tiers neither
loses spend nor counts it twice. The tightest headroom binds, and of two equal ones the more specific level.

>>> cap = Limit("l1", SpendLevel.MEMBER, "ann", TierScope.PER_MEMBER, cap_nanos=200, version=1)
>>> gate = Gate(SpendLevel.MEMBER, "ann", cap, Counter(SpendLevel.MEMBER, "ann", spent_nanos=150, held_nanos=30))
>>> decide((gate,), 20)
Allowed(exceeded=())
>>> match decide((gate,), 25):
...     case Blocked(binding, headroom, shortfall):
...         binding.level.value, headroom, shortfall
('MEMBER', 20, 5)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from billing.alert_marks import USUAL, Plan
from billing.money import NANOS_MAX
from billing.windows import Interval


class SpendLevel(StrEnum):
    """Whose spend is capped, the widest first."""

    __hash__ = str.__hash__  # keys of counters are made of levels, and an enum's own is not the interpreter's

    ORGANIZATION = "ORGANIZATION"
    GROUP = "GROUP"
    SEAT_TIER = "SEAT_TIER"
    MEMBER = "MEMBER"


class TierScope(StrEnum):
    """What a seat-tier limit means."""

    POOLED = "POOLED"  # all members of the tier together
    PER_MEMBER = "PER_MEMBER"  # each member of the tier


class LimitKind(StrEnum):
    """What a limit does when it is reached."""

    HARD = "HARD"  # what would pass it is refused
    SOFT = "SOFT"  # what passes it is let through and flagged
    NOTIFY = "NOTIFY"  # nothing but alerts


class Override(StrEnum):
    """How a member's own limit stands to that of their tier."""

    WITHIN = "WITHIN"  # both hold
    INSTEAD = "INSTEAD"  # it takes the place of what the tier allows each member


class Precedence(StrEnum):
    """Which of several caps on one subject governs."""

    TIGHTEST = "TIGHTEST"  # all of them hold, so the lowest
    MOST_SPECIFIC = "MOST_SPECIFIC"  # a more specific one replaces the wider ones, also when it is higher


_WIDTH: Final = {level: place for place, level in enumerate(SpendLevel)}
_LENGTH: Final = {interval: place for place, interval in enumerate(Interval)}


class InvalidLimit(ValueError):
    """A cap or an amount is out of its bounds."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A cap on one window's spend, or the explicit word that there is none: `cap_nanos` is None.

    `scope` is read only at the level SEAT_TIER, `override` only at MEMBER; `version` grows with every change.
    """

    id: str
    level: SpendLevel
    subject: str
    scope: TierScope
    cap_nanos: int | None
    version: int
    alerts: Plan = USUAL
    kind: LimitKind = LimitKind.HARD
    interval: Interval = Interval.MONTH
    override: Override = Override.WITHIN

    def __post_init__(self) -> None:
        if self.cap_nanos is not None and not 0 <= self.cap_nanos <= NANOS_MAX:
            raise InvalidLimit(f"cap of {self.cap_nanos} nanos is outside 0 to {NANOS_MAX}")
        if self.cap_nanos is None and self.alerts.needs_cap:
            raise InvalidLimit("a percent of no cap is nothing: give thresholds as amounts")

    @property
    def counted_at(self) -> SpendLevel:
        """The level of the counter this cap is held against."""
        if self.level is SpendLevel.SEAT_TIER and self.scope is TierScope.PER_MEMBER:
            return SpendLevel.MEMBER
        return self.level

    @property
    def refuses(self) -> bool:
        """Whether something that would pass it is refused."""
        return self.kind is LimitKind.HARD and self.cap_nanos is not None


@dataclass(frozen=True, slots=True)
class Chain:
    """Whose spend it is: the subject at each level. Group and tier are empty for a member who has none."""

    organization_id: str
    group: str
    tier: str
    member_id: str

    def subject(self, level: SpendLevel) -> str:
        """Return the subject at one level."""
        match level:
            case SpendLevel.ORGANIZATION:
                return self.organization_id
            case SpendLevel.GROUP:
                return self.group
            case SpendLevel.SEAT_TIER:
                return self.tier
            case SpendLevel.MEMBER:
                return self.member_id
            case _:
                assert_never(level)

    @property
    def counted(self) -> tuple[tuple[SpendLevel, str], ...]:
        """The level and subject of every counter that spend moves. Having no tier is counted, having no group is not:
        every member is in a tier or in none, while an organization may know no groups at all."""
        keys = ((level, self.subject(level)) for level in SpendLevel)
        return tuple(key for key in keys if key[0] is not SpendLevel.GROUP or key[1])


@dataclass(frozen=True, slots=True)
class Counter:
    """What a subject has spent and holds reserved in one window."""

    level: SpendLevel
    subject: str
    spent_nanos: int = 0
    held_nanos: int = 0
    interval: Interval = Interval.MONTH

    @property
    def key(self) -> "CounterKey":
        """What tells it from the others of the same instant."""
        return self.interval, self.level, self.subject

    @property
    def used_nanos(self) -> int:
        """Spent and held together: what is no longer free to spend."""
        return self.spent_nanos + self.held_nanos


CounterKey = tuple[Interval, SpendLevel, str]


@dataclass(frozen=True, slots=True)
class Gate:
    """One cap and the counter it is held against. `level` and `subject` are the limit's, not the counter's."""

    level: SpendLevel
    subject: str
    limit: Limit
    counter: Counter

    @property
    def headroom_nanos(self) -> int | None:
        """What may still be spent here, None without a cap; never below zero, also when usage went over."""
        if self.limit.cap_nanos is None:
            return None
        return max(0, self.limit.cap_nanos - self.counter.used_nanos)

    def lacks(self, amount_nanos: int) -> int:
        """Return by how much `amount_nanos` is above what may still be spent; 0 where it fits."""
        headroom = self.headroom_nanos
        return 0 if headroom is None else max(0, amount_nanos - headroom)


@dataclass(frozen=True, slots=True)
class Allowed:
    """Every gate that refuses has room. `exceeded` are the soft ones that are passed by it."""

    exceeded: tuple[Gate, ...] = ()


@dataclass(frozen=True, slots=True)
class Blocked:
    """The binding gate lacks `shortfall_nanos`."""

    binding: Gate
    headroom_nanos: int
    shortfall_nanos: int


@dataclass(frozen=True, slots=True)
class Effective:
    """The limit that binds now and what it leaves; both None when nothing stops the member."""

    binding: Gate | None
    remaining_nanos: int | None


class InForce:
    """The limits in force, by whose spend they bear on: what members share is found once for all of them."""

    def __init__(self, limits: Iterable[Limit]) -> None:
        self._at: dict[tuple[SpendLevel, str], tuple[Limit, ...]] = {}
        for limit in sorted(limits, key=lambda each: (_LENGTH[each.interval], each.id)):
            self._at[limit.level, limit.subject] = (*self._at.get((limit.level, limit.subject), ()), limit)
        self._shared: dict[tuple[str, str, str], tuple[Limit, ...]] = {}

    def bearing(self, chain: Chain) -> tuple[Limit, ...]:
        """Return the limits that a chain's spend must heed, organization first.

        A member's own limit that stands INSTEAD leaves out what their tier allows each member in the same interval.
        Limits that several share always hold.
        """
        shared, own = self._shared_by(chain), self._of(SpendLevel.MEMBER, chain.member_id)
        replaced = {limit.interval for limit in own if limit.override is Override.INSTEAD}
        if replaced:
            shared = tuple(limit for limit in shared if not (_is_each(limit) and limit.interval in replaced))
        return shared + own

    def _shared_by(self, chain: Chain) -> tuple[Limit, ...]:
        key = (chain.organization_id, chain.group, chain.tier)
        found = self._shared.get(key)
        if found is None:
            shared = (level for level in SpendLevel if level is not SpendLevel.MEMBER)
            found = tuple(limit for level in shared for limit in self._of(level, chain.subject(level)))
            self._shared[key] = found
        return found

    def _of(self, level: SpendLevel, subject: str) -> tuple[Limit, ...]:
        return self._at.get((level, subject), ()) if subject else ()


def gate(limit: Limit, chain: Chain, counters: Mapping[CounterKey, Counter]) -> Gate:
    """Return a limit with the counter that a chain meets there; one not given stands at zero."""
    key = (limit.interval, limit.counted_at, chain.subject(limit.counted_at))
    counter = counters.get(key) or Counter(key[1], key[2], interval=key[0])
    return Gate(limit.level, limit.subject, limit, counter)


def gates(
    limits: Iterable[Limit],
    counters: Iterable[Counter],
    *,
    organization_id: str,
    tier: str | None,
    member_id: str,
    group: str | None = None,
) -> tuple[Gate, ...]:
    """Return the gates one member's spend must pass, organization first; a counter not given stands at zero."""
    chain = Chain(organization_id, group or "", tier or "", member_id)
    known = {counter.key: counter for counter in counters}
    return tuple(gate(limit, chain, known) for limit in InForce(limits).bearing(chain))


def tightest(among: Iterable[Gate]) -> Gate | None:
    """Return the refusing gate with the least headroom; of equals the more specific level, then the longer window."""
    return min((each for each in among if each.limit.refuses), key=_tightness, default=None)


def decide(among: Sequence[Gate], amount_nanos: int) -> Allowed | Blocked:
    """Return whether `amount_nanos` passes every gate. What costs nothing always passes."""
    if not 0 <= amount_nanos <= NANOS_MAX:
        raise InvalidLimit(f"amount of {amount_nanos} nanos is outside 0 to {NANOS_MAX}")
    binding = tightest(among)
    if binding is not None and binding.lacks(amount_nanos):
        return Blocked(binding, amount_nanos - binding.lacks(amount_nanos), binding.lacks(amount_nanos))
    soft = (each for each in among if each.limit.kind is LimitKind.SOFT)
    return Allowed(tuple(each for each in soft if each.lacks(amount_nanos)))


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


def _tightness(each: Gate) -> tuple[int, int, int, str]:
    return (
        each.headroom_nanos or 0,
        -_WIDTH[each.level],
        _LENGTH[each.limit.interval],
        each.limit.id,
    )


def _is_each(limit: Limit) -> bool:
    return limit.level is SpendLevel.SEAT_TIER and limit.scope is TierScope.PER_MEMBER
