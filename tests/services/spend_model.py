"""What should become of reserved spend? A model in plain dictionaries, to hold the services against.

It is written from the promise and not from the code: a hold is granted where, at every level that has a cap and in
every window, what is spent and held stays within the cap; it ends once, on the counters it was put on. A cap that only
flags refuses nothing, a member's own that stands instead leaves out what their tier allows each member, and a raise for
a time gives its place back at its instant.
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


@dataclass(frozen=True)
class Cap:
    """What a limit allows, in cents; `cents` is None where it refuses nothing."""

    cents: int | None
    instead: bool = False


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
    caps: dict[Place, Cap] = field(default_factory=dict)
    raises: dict[Place, tuple[datetime, Cap | None]] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)
    inactive: set[str] = field(default_factory=set)
    holds: dict[str, Hold] = field(default_factory=dict)
    spent: defaultdict[Key, int] = field(default_factory=lambda: defaultdict(int))
    held: defaultdict[Key, int] = field(default_factory=lambda: defaultdict(int))

    def set(self, place: Place, cap: Cap | None, at: datetime) -> None:
        """Put a cap in force at a place, or lift what is there; a raise that runs there is over with it."""
        self.lapse(at)
        self.raises.pop(place, None)
        self._put(place, cap)

    def raise_until(self, place: Place, cap: Cap, at: datetime, until: datetime) -> None:
        """Put a cap in force for a time."""
        self.expire(at)
        self.raises[place] = until, self.caps.get(place)
        self.caps[place] = cap

    def use(self, member_id: str, cents: int, at: datetime, *, recorded: bool) -> str:
        """Return what should become of usage that was not reserved; what is `recorded` has happened already."""
        self.expire(at)
        chain = self.chains[member_id]
        if not (recorded or self.fits(chain, cents, at)):
            return "BLOCKED"
        for key in self._keys(chain, at):
            self.spent[key] += cents
        return "DONE"

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
        """End every hold and every raise whose time is over."""
        self.lapse(at)
        for hold in self.holds.values():
            if hold.status == "HELD" and hold.expires_at <= at:
                self._end(hold, "EXPIRED")

    def lapse(self, at: datetime) -> None:
        """Give back the place of every raise whose time is over."""
        for place, (until, former) in tuple(self.raises.items()):
            if until <= at:
                del self.raises[place]
                self._put(place, former)

    def fits(self, chain: Chain, cents: int, at: datetime) -> bool:
        """Return whether an amount stays within every cap that bears on a chain. Nothing always fits."""
        remaining = self.remaining(chain, at)
        return cents == 0 or remaining is None or remaining >= cents

    def remaining(self, chain: Chain, at: datetime) -> int | None:
        """Return what the tightest of the caps on a chain leaves, which may be below zero; None without any."""
        bearing = [place for place in self.caps if _bears(place, chain) and not self._is_replaced(place, chain)]
        refusing = [(place, cents) for place in bearing if (cents := self.caps[place].cents) is not None]
        return min((cents - self._used(place, chain, at) for place, cents in refusing), default=None)

    def _is_replaced(self, place: Place, chain: Chain) -> bool:
        """Return whether a member's own limit stands instead of what their tier allows each member."""
        level, _, interval = place
        own = self.caps.get(("MEMBER", chain.member_id, interval))
        return level == "EACH" and own is not None and own.instead

    def _put(self, place: Place, cap: Cap | None) -> None:
        if cap is None:
            self.caps.pop(place, None)
        else:
            self.caps[place] = cap

    def _used(self, place: Place, chain: Chain, at: datetime) -> int:
        level, subject, interval = place
        counters = {"EACH": ("MEMBER", chain.member_id), "POOLED": ("SEAT_TIER", subject)}
        counted = counters.get(level, (level, subject))
        start = windows(at, "UTC")[interval].start
        key = (to_microseconds(start), interval.value, *counted)
        return self.spent[key] + self.held[key]

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
    return "DUPLICATE" if getattr(outcome, "repeated", False) else "DONE"
