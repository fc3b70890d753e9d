"""What should become of reserved spend? A model in plain dictionaries, to hold the services against.

It is written from the promise and not from the code: a hold is granted where, at every level that has a cap and in
every window, what is spent and held stays within the cap; it ends once, on the counters it was put on.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from billing.limits import Chain
from billing.periods import to_microseconds
from billing.windows import Interval, windows
from tests.services.holding import CENT, Counted

Place = tuple[str, str, Interval]
"""A level, a subject and an interval; the levels are ORGANIZATION, GROUP, MEMBER, and POOLED or EACH for a tier."""
Key = tuple[int, str, str, str]


@dataclass
class Hold:
    """One reservation of the model."""

    chain: Chain
    reserved_at: datetime
    keys: list[Key]
    cents: int
    expires_at: datetime
    status: str = "HELD"
    settled: int | None = None


@dataclass
class SpendModel:
    """One organization's caps, members, holds and counters, in cents."""

    organization_id: str
    caps: dict[Place, int] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)
    inactive: set[str] = field(default_factory=set)
    holds: dict[str, Hold] = field(default_factory=dict)
    spent: defaultdict[Key, int] = field(default_factory=lambda: defaultdict(int))
    held: defaultdict[Key, int] = field(default_factory=lambda: defaultdict(int))

    def reserve(self, external_id: str, member_id: str, cents: int, at: datetime, ttl_end: datetime) -> str:
        """Return what should become of a wish to hold."""
        self.expire(at)
        if external_id in self.holds:
            return "DUPLICATE"
        if member_id in self.inactive:
            return "REFUSED"
        chain = self.chains[member_id]
        if not self.fits(chain, cents, at):
            return "BLOCKED"
        hold = Hold(chain, at, self._keys(chain, at), cents, ttl_end)
        self.holds[external_id] = hold
        for key in hold.keys:
            self.held[key] += cents
        return "DONE"

    def settle(self, external_id: str, cents: int, at: datetime) -> str:
        """Return what should become of a settlement that says REFUSE, with one use that occurred when reserved."""
        self.expire(at)
        hold = self.holds.get(external_id)
        if hold is None or hold.settled is not None or hold.status == "RELEASED":
            return "REFUSED"
        if hold.status == "HELD":
            self._end(hold, "SETTLED")
        elif not self.fits(hold.chain, cents, hold.reserved_at):
            return "BLOCKED"
        hold.settled = cents
        for key in hold.keys:
            self.spent[key] += cents
        return "DONE"

    def release(self, external_id: str, at: datetime) -> str:
        """Return what should become of giving up."""
        self.expire(at)
        hold = self.holds.get(external_id)
        if hold is None or hold.settled is not None:
            return "REFUSED"
        if hold.status != "HELD":
            return "DUPLICATE"
        self._end(hold, "RELEASED")
        return "DONE"

    def expire(self, at: datetime) -> None:
        """End every hold whose time is over."""
        for hold in self.holds.values():
            if hold.status == "HELD" and hold.expires_at <= at:
                self._end(hold, "EXPIRED")

    def fits(self, chain: Chain, cents: int, at: datetime) -> bool:
        """Return whether an amount stays within every cap that bears on a chain. Nothing always fits."""
        return cents == 0 or all(self.left(place, chain, at) >= cents for place in self.caps if _bears(place, chain))

    def left(self, place: Place, chain: Chain, at: datetime) -> int:
        """Return what a cap leaves."""
        level, subject, interval = place
        counters = {"EACH": ("MEMBER", chain.member_id), "POOLED": ("SEAT_TIER", subject)}
        counted = counters.get(level, (level, subject))
        start = windows(at, "UTC")[interval].start
        key = (to_microseconds(start), interval.value, *counted)
        return self.caps[place] - self.spent[key] - self.held[key]

    def counted(self) -> Counted:
        """Return every counter that is not zero, as the database has them."""
        keys = {key for key in (*self.spent, *self.held) if self.spent[key] or self.held[key]}
        return {key: (self.spent[key] * CENT, self.held[key] * CENT) for key in keys}

    def _end(self, hold: Hold, status: str) -> None:
        assert hold.status == "HELD", "a hold ends once"
        hold.status = status
        for key in hold.keys:
            self.held[key] -= hold.cents

    def _keys(self, chain: Chain, at: datetime) -> list[Key]:
        subjects = [
            ("ORGANIZATION", self.organization_id),
            ("SEAT_TIER", chain.tier),
            ("MEMBER", chain.member_id),
            *([("GROUP", chain.group)] if chain.group else []),
        ]
        return [
            (to_microseconds(period.start), interval.value, *subject)
            for interval, period in windows(at, "UTC").items()
            for subject in subjects
        ]


def _bears(place: Place, chain: Chain) -> bool:
    level, subject, _ = place
    match level:
        case "ORGANIZATION":
            return True
        case "GROUP":
            return subject == chain.group
        case "MEMBER":
            return subject == chain.member_id
        case _:
            return subject == chain.tier


def outcome_of(outcome: object) -> str:
    """Return an answer of the services as the model says it."""
    name = type(outcome).__name__
    if name == "EventBlocked":
        return "BLOCKED"
    if name == "EventRefused":
        return "REFUSED"
    return "DUPLICATE" if outcome.repeated else "DONE"  # type: ignore[attr-defined]  # what is left is done
