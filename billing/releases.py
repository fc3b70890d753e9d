"""When does a seat that is given back stop being held, and what is held from then on?

By the policies of the items that stop counting it. Where one of them says NEXT_PERIOD, the member keeps the seat that
is paid for until the interval of that item ends; what they hold from then on is an interval that begins later. A seat
that another person takes over, or whose holder leaves, is not kept: its place is what stays paid.

>>> from datetime import UTC
>>> june = datetime(2026, 6, 1, tzinfo=UTC)
>>> chat = SeatInterval("ann", "member", True, "chat", (), june, None)
>>> free = SeatInterval("ann", "view_only", False, None, (), june.replace(month=7), None)
>>> [(seat.role, seat.end and seat.end.month) for seat in with_coming((chat,), (free,))]
[('member', 7), ('view_only', None)]
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from billing import seat_changes, seat_policies
from billing.facts import cycle_start
from billing.plans import Plan, PlanItem, Seats
from billing.seats import SeatInterval


@dataclass(frozen=True, slots=True)
class Service:
    """The plan in force, and what the intervals of its items are laid out by."""

    plan: Plan
    began_at: datetime
    time_zone: str
    plan_since: datetime | None = None


def begins_at(service: Service, held: SeatInterval, wanted: SeatInterval, *, at: datetime) -> datetime:
    """Return when the member who asks at `at` for the `wanted` seat in the place of the `held` one gets it.

    At once, unless the change only takes away and an item keeps what it takes until its interval ends.
    """
    items = [(item, item.quantity.selection) for item in service.plan.items if isinstance(item.quantity, Seats)]
    lost = [item for item, selection in items if selection.counts(held) and not selection.counts(wanted)]
    gained = any(selection.counts(wanted) and not selection.counts(held) for _, selection in items)
    if gained and wanted.tier not in _included(service.plan, held.tier):
        return at
    return max((_released_at(service, item, at) for item in lost), default=at)


def with_coming(seats: Iterable[SeatInterval], coming: Sequence[SeatInterval]) -> tuple[SeatInterval, ...]:
    """Return the seats with each of the `coming` intervals taking over from what its member holds then."""
    found = tuple(seats)
    for seat in coming:
        change = seat_changes.moved(found, seat.member_id, to=seat, at=seat.start)
        found = seat_changes.applied(found, change)
    return found


def _released_at(service: Service, item: PlanItem, at: datetime) -> datetime:
    start = cycle_start(item, service=service.began_at, plan=service.plan_since)
    interval = item.interval.span(at, start, service.time_zone)
    return at if at == interval.start else seat_policies.released_at(at, interval, item.decrease)


def _included(plan: Plan, tier: str | None) -> frozenset[str | None]:
    """Return the tiers whose features a tier has, those of the tiers it includes among them."""
    includes = {each.key: each.includes for each in plan.tiers}
    found: set[str | None] = set()
    waiting = list(includes.get(tier, ())) if tier else []
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += includes.get(key, ())
    return frozenset(found)
