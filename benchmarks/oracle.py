"""What would have become of each attempt, had they come one after another?

The audit numbers every command in the order of the organization's turns, so the very order in which concurrent
commands were decided is on record. The oracle takes the answers in that order and does nothing but add and compare
whole numbers: it shares no line with the code that decided.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from benchmarks.scene import Cap, Person, Scene
from billing.limits import SpendLevel

Key = tuple[SpendLevel, str]


@dataclass(frozen=True, slots=True)
class Hold:
    """An amount that is kept for somebody until an instant."""

    person: Person
    amount_nanos: int
    expires_at: datetime


@dataclass(slots=True)
class Oracle:
    """Counters that are moved by one attempt at a time, and what was found to be wrong."""

    scene: Scene
    used: Counter[Key] = field(default_factory=Counter)
    known: dict[str, int] = field(default_factory=dict)
    live: dict[str, Hold] = field(default_factory=dict)
    accepted: int = 0
    held: int = 0
    settled: int = 0
    released: int = 0
    expired: int = 0
    refused: int = 0
    repeated: int = 0
    over: int = 0
    refused_falsely: int = 0
    counted_twice: int = 0
    bound_wrongly: int = 0
    ended_wrongly: int = 0

    def accept(self, event_id: str, person: Person, cost_nanos: int) -> None:
        """Take note that an attempt was let through."""
        self.accepted += 1
        self.counted_twice += event_id in self.known
        self.over += self._headroom(person) < cost_nanos
        self.known[event_id] = cost_nanos
        self._move(person, cost_nanos)

    def hold(self, name: str, hold: Hold) -> None:
        """Take note that an amount was held."""
        self.held += 1
        self.counted_twice += name in self.known
        self.over += self._headroom(hold.person) < hold.amount_nanos
        self.known[name] = hold.amount_nanos
        self.live[name] = hold
        self._move(hold.person, hold.amount_nanos)

    def let_go(self, name: str) -> bool:
        """Take note that a hold has ended, and return whether there was one."""
        hold = self.live.pop(name, None)
        if hold is not None:
            self._move(hold.person, -hold.amount_nanos)
        return hold is not None

    def expire(self, at: datetime) -> None:
        """Let go of everything whose time is over."""
        for name in [name for name, hold in self.live.items() if hold.expires_at <= at]:
            self.expired += self.let_go(name)

    def settle(self, name: str, person: Person, cost_nanos: int, *, late: bool) -> None:
        """Take note of what a hold came to. One that was late is an attempt of its own."""
        self.settled += 1
        self.ended_wrongly += self.let_go(name) is late
        self.accept(f"settled/{name}", person, cost_nanos)
        self.accepted -= 1

    def release(self, name: str, *, repeated: bool) -> None:
        """Take note that nothing came of a hold, or that it was gone already."""
        self.released += 1
        self.ended_wrongly += self.let_go(name) is repeated

    def repeat(self, event_id: str, cost_nanos: int) -> None:
        """Take note that an attempt was recognized."""
        self.repeated += 1
        self.refused_falsely += self.known.get(event_id) != cost_nanos

    def refuse(self, event_id: str, person: Person, cost_nanos: int, *, level: SpendLevel, headroom_nanos: int) -> None:
        """Take note that an attempt was refused by a level that named its headroom."""
        self.refused += 1
        headroom = self._headroom(person)
        self.refused_falsely += headroom >= cost_nanos or event_id in self.known
        binding = {cap.level for cap in self._caps(person) if self._left(cap, person) == headroom}
        self.bound_wrongly += headroom != headroom_nanos or level not in binding

    def differing(self, counters: Iterable[tuple[Key, int]]) -> int:
        """Return how many counters do not stand where the oracle's do."""
        kept = dict(counters)
        return sum(kept.get(key, 0) != self.used[key] for key in {*kept, *self.used})

    @property
    def left_nanos(self) -> int:
        """What is left of the organization's own cap."""
        return self.scene.cap_nanos - self.used[SpendLevel.ORGANIZATION, self.scene.organization_id]

    def _move(self, person: Person, nanos: int) -> None:
        for key in self._keys(person):
            self.used[key] += nanos

    def _headroom(self, person: Person) -> int:
        return max(0, min(self._left(cap, person) for cap in self._caps(person)))

    def _caps(self, person: Person) -> list[Cap]:
        return [cap for cap in self.scene.caps if cap.counter(person, self.scene.organization_id) is not None]

    def _left(self, cap: Cap, person: Person) -> int:
        key = cap.counter(person, self.scene.organization_id)
        assert key is not None, "only a person's own caps are asked for"
        return cap.cap_nanos - self.used[key]

    def _keys(self, person: Person) -> list[Key]:
        keys = [
            (SpendLevel.ORGANIZATION, self.scene.organization_id),
            (SpendLevel.SEAT_TIER, person.tier),
            (SpendLevel.MEMBER, person.member_id),
        ]
        return [*keys, (SpendLevel.GROUP, person.group)] if person.group else keys
