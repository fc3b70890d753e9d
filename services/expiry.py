"""When does a hold end by itself?

At its instant, whether or not anybody looks: before anything is decided, every hold whose time is over leaves the
counters it was put on, in the same transaction; and whoever only reads sees the counters without it. So an expired hold
blocks nobody and is shown to nobody, and a worker that sweeps late only makes the counters tidy sooner.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from billing.limits import Counter
from billing.roles import Permission
from billing.windows import Interval
from models import counters as counter_rows
from models import reservations as rows
from models.counters import Subjects, WindowKey
from models.sql import Client
from services.dispatch import ANY_STATUS, verb
from services.outcomes import Refused
from services.unit import Unit

SLICE = 5_000


@dataclass(frozen=True, slots=True)
class Expire:
    """The holds whose time is over."""

    organization_id: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Expired:
    """So many holds ended."""

    reservations: int


@verb(Permission.USAGE_WRITE, statuses=ANY_STATUS)
async def expire(unit: Unit, _command: Expire) -> Expired | Refused:
    """End every hold that is due."""
    return Expired(await expire_due(unit))


async def expire_due(unit: Unit) -> int:
    """End every hold that is due at the unit's instant, and return how many did."""
    ended = 0
    while due := await rows.due(unit.client, unit.organization_id, at=unit.at, limit=SLICE):
        await _expire(unit, due)
        ended += len(due)
        if len(due) < SLICE:
            break
    return ended


async def _expire(unit: Unit, due: Sequence[rows.Reservation]) -> None:
    freed: defaultdict[WindowKey, int] = defaultdict(int)
    for row in due:
        row.status, row.ended_at = "EXPIRED", row.expires_at
        for key in row.keys:
            freed[key] += row.held_nanos
    deltas = [counter_rows.Delta(key[1], key[0], key[2], key[3], 0, -amount) for key, amount in freed.items() if amount]
    await counter_rows.add(unit.client, unit.organization_id, deltas)
    await rows.expire(unit.client, unit.organization_id, [row.id for row in due])
    for member_id, facts in news_of(unit, due):
        unit.emit("ReservationExpired", facts, member_id=member_id)


async def counted(
    client: Client,
    organization_id: str,
    windows: Iterable[tuple[Interval, datetime]],
    subjects: Subjects,
    *,
    at: datetime,
) -> dict[WindowKey, Counter]:
    """Return the counters of some windows as a charge of `at` would meet them: without the holds that end by then."""
    found = await counter_rows.counters_of(client, organization_id, windows, subjects)
    if not any(counter.held_nanos for counter in found.values()):
        return found
    # Looked at after the counters: a hold that is swept in between is shown once more, and never taken off twice.
    overdue = await rows.overdue(client, organization_id, at=at)
    return {
        key: replace(counter, held_nanos=max(0, counter.held_nanos - overdue.get(key, 0)))
        for key, counter in found.items()
    }


def news_of(unit: Unit, reservations: Iterable[rows.Reservation]) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield each member concerned, with the facts of the event that tells what became of their reservations."""
    of_member: defaultdict[str, list[rows.Reservation]] = defaultdict(list)
    for row in reservations:
        of_member[row.member_id].append(row)
    for member_id, found in of_member.items():
        yield (
            member_id,
            {
                "memberId": member_id,
                "currency": unit.organization.currency,
                "reservations": [_facts(row) for row in found],
            },
        )


def _facts(row: rows.Reservation) -> dict[str, object]:
    return {
        "reservationId": row.id,
        "externalId": row.external_id,
        "status": row.status,
        "heldNanos": str(row.held_nanos),
        "settledNanos": None if row.settled_nanos is None else str(row.settled_nanos),
        "excessNanos": str(row.excess_nanos),
        "overLimit": bool(row.over_limit),
        "expiresAt": row.expires_at.isoformat(),
    }
