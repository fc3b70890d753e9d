"""Where does a member stand against the limits that bear on their spend?

Reading only: the gates that a charge of this instant would have to pass, with what is spent and held at each. It is
the same rule by which a charge is decided, so what is shown is what holds.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from billing import limits as rules
from billing.windows import Interval, Windows, windows
from models import limits as rows
from models import seats
from models.counters import Subjects
from models.organizations import Organization
from models.sql import Client
from services import expiry, lapsed_raises


class _Scene:
    """What is the same for all members of an organization at one instant."""

    def __init__(self, in_force: Iterable[rules.Limit], counters: Iterable[rules.Counter], now: Windows) -> None:
        self.windows = now
        self._in_force = rules.InForce(in_force)
        self._counters = {counter.key: counter for counter in counters}
        self._shared: dict[str, rules.Gate] = {}

    def gates(self, chain: rules.Chain) -> tuple[rules.Gate, ...]:
        """Return the gates that a chain's spend must pass."""
        return tuple(self._gate(limit, chain) for limit in self._in_force.bearing(chain))

    def month_of(self, member_id: str) -> rules.Counter:
        """Return what a member spent and holds this month."""
        own = rules.Counter(rules.SpendLevel.MEMBER, member_id)
        return self._counters.get(own.key, own)

    def _gate(self, limit: rules.Limit, chain: rules.Chain) -> rules.Gate:
        if limit.counted_at is rules.SpendLevel.MEMBER:
            return rules.gate(limit, chain, self._counters)
        found = self._shared.get(limit.id)
        if found is None:
            found = self._shared[limit.id] = rules.gate(limit, chain, self._counters)
        return found


class Standing:
    """Where one member stands. What nobody asks for is not worked out."""

    __slots__ = ("_effective", "_gates", "_scene", "chain")

    def __init__(self, chain: rules.Chain, scene: _Scene) -> None:
        self.chain = chain
        self._scene = scene
        self._gates: tuple[rules.Gate, ...] | None = None
        self._effective: rules.Effective | None = None

    @property
    def gates(self) -> tuple[rules.Gate, ...]:
        """The gates the member's spend must pass."""
        if self._gates is None:
            self._gates = self._scene.gates(self.chain)
        return self._gates

    @property
    def counter(self) -> rules.Counter:
        """What the member spent and holds this month."""
        return self._scene.month_of(self.chain.member_id)

    @property
    def windows(self) -> Windows:
        """The windows that the gates count in."""
        return self._scene.windows

    @property
    def effective(self) -> rules.Effective:
        """The limit that binds now."""
        if self._effective is None:
            self._effective = rules.effective(self.gates)
        return self._effective

    @property
    def resets_at(self) -> datetime:
        """When the window of the limit that binds ends; the month where none does."""
        binding = self.effective.binding
        return self.windows[binding.limit.interval if binding else Interval.MONTH].end


async def chains(client: Client, organization_id: str, member_ids: Sequence[str]) -> dict[str, rules.Chain]:
    """Return whose spend each member's is now, in one statement."""
    places = await seats.places(client, organization_id, member_ids)
    nowhere = seats.Place("", "")
    return {
        member_id: rules.Chain(organization_id, place.group_id, place.tier, member_id)
        for member_id in member_ids
        for place in (places.get(member_id, nowhere),)
    }


async def standings(
    client: Client, organization: Organization, member_ids: Sequence[str], *, at: datetime
) -> dict[str, Standing]:
    """Return where each of the given members stands at `at`, in four statements; one more where something is held."""
    organization_id = organization.organization_id
    found = await chains(client, organization_id, member_ids)
    subjects = Subjects.of(found.values())
    in_force = await rows.in_force_for(client, organization_id, subjects)
    in_force = await lapsed_raises.rules_as_of(client, organization_id, in_force, at=at)
    now = windows(at, organization.time_zone)
    counting = {Interval.MONTH, *(limit.interval for limit in in_force)}
    starts = [(interval, now[interval].start) for interval in counting]
    counters = await expiry.counted(client, organization_id, starts, subjects, at=at)
    scene = _Scene(in_force, counters.values(), now)
    return {member_id: Standing(chain, scene) for member_id, chain in found.items()}
