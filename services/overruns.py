"""Tell the member and those who manage of spend that went further than was allowed.

What a call used beyond its hold, and what was recorded over a limit, has happened: it is kept, billed and flagged. A
threshold tells of a limit once in each window, and a limit may have none; this tells each time.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from models.reservations import Reservation
from services.unit import Unit
from services.usage_facts import EventRecorded

KIND = "SpendOverrun"


@dataclass(slots=True)
class _Overrun:
    """What of one member's spend went too far in one command."""

    excess_nanos: int = 0
    over_limit_nanos: int = 0
    reservation_ids: list[str] = field(default_factory=list)
    usage_ids: list[str] = field(default_factory=list)


def tell(unit: Unit, recorded: Iterable[tuple[str, EventRecorded]], settled: Iterable[Reservation] = ()) -> None:
    """Say, once for each member, what passed a limit of the events that were recorded, and a hold of those settled."""
    overruns: defaultdict[str, _Overrun] = defaultdict(_Overrun)
    for member_id, outcome in recorded:
        if outcome.over_limit:
            overruns[member_id].over_limit_nanos += outcome.cost_nanos
            overruns[member_id].usage_ids.append(outcome.usage_id)
    for row in settled:
        if row.excess_nanos:
            overruns[row.member_id].excess_nanos += row.excess_nanos
            overruns[row.member_id].reservation_ids.append(row.id)
    for member_id, found in overruns.items():
        facts = {
            "dedupId": unit.new_id("overrun"),
            "memberId": member_id,
            "currency": unit.organization.currency,
            "excessNanos": str(found.excess_nanos),
            "overLimitNanos": str(found.over_limit_nanos),
            "reservationIds": found.reservation_ids,
            "usageIds": found.usage_ids,
        }
        unit.emit(KIND, facts, member_id=member_id)
