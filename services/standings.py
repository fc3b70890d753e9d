"""Where does a member stand against the limits that bear on their spend?

Reading only: the gates that a charge of this instant would have to pass, with what is spent and held at each. It is
the same rule by which a charge is decided, so what is shown is what holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from billing import limits as rules
from billing.windows import Interval, Windows, windows
from models import limits as rows
from models import seats
from models.organizations import Organization
from models.sql import Client
from services import expiry, lapsed_raises


@dataclass(frozen=True, slots=True)
class Standing:
    """The gates one member's spend must pass, the windows these count in, and what the member spent this month."""

    chain: rules.Chain
    gates: tuple[rules.Gate, ...]
    counter: rules.Counter
    windows: Windows
    effective: rules.Effective
    """The limit that binds now."""

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
    """Return where each of the given members stands at `at`, in five statements."""
    organization_id = organization.organization_id
    found = await chains(client, organization_id, member_ids)
    subjects = rows.Subjects.of(found.values())
    in_force = await rows.in_force_for(client, organization_id, subjects)
    limits = [limit.as_rule() for limit in await lapsed_raises.as_of(client, organization_id, in_force, at=at)]
    now = windows(at, organization.time_zone)
    starts = [(interval, period.start) for interval, period in now.items()]
    counters = await expiry.counted(client, organization_id, starts, subjects, at=at)
    known = {counter.key: counter for counter in counters.values()}
    return {member_id: _standing(chain, limits, known, now) for member_id, chain in found.items()}


def _standing(
    chain: rules.Chain,
    limits: Sequence[rules.Limit],
    known: dict[rules.CounterKey, rules.Counter],
    now: Windows,
) -> Standing:
    gates = tuple(rules.gate(limit, chain, known) for limit in rules.bearing(limits, chain))
    own = rules.Counter(rules.SpendLevel.MEMBER, chain.member_id)
    return Standing(chain, gates, known.get(own.key, own), now, rules.effective(gates))
