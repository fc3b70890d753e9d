"""Who asked for more, how long may the question stand, and what comes back when a raise was for a time?

A request is about a place, not about one version of the limit there: the limit may be set anew while the request
waits. What each member of a tier has alone is raised for the one who asked, by a limit of their own instead; what
several share is raised for all of them. A raise for a time gives the place back to what was there before. Raises may
lie upon each other, and none brings back a limit that an earlier raise would have ended by then:

>>> from datetime import UTC, datetime
>>> may, june = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
>>> running = [Running(granted_limit_id="200 until May", former_limit_id="100", until=may)]
>>> returns_to("200 until May", june, running), returns_to("200 until May", may, ())
('100', '200 until May')
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from billing.limits import Limit, Override, SpendLevel

WAITING_MAX: Final = timedelta(days=30)
UNTIL_MAX: Final = timedelta(days=366)
TEXT_LENGTH_MAX: Final = 1_000


class Status(StrEnum):
    """Where a request stands. Only PENDING changes."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"


class Decision(StrEnum):
    """What can be said to a request."""

    APPROVE = "APPROVE"
    DECLINE = "DECLINE"


@dataclass(frozen=True, slots=True)
class Running:
    """A raise for a time that has not ended: the limit it made, and what is due again at `until`, None for no limit."""

    granted_limit_id: str
    former_limit_id: str | None
    until: datetime


def place(limit: Limit) -> str:
    """Return the name of the place a limit has, the same for every version of it."""
    return f"{limit.level}:{limit.subject}:{limit.scope}:{limit.interval}"


def raised(limit: Limit, member_id: str, cap_nanos: int) -> Limit:
    """Return the limit that gives a member `cap_nanos` where `limit` bears on them; its id is that of `limit`."""
    if limit.counted_at is limit.level:
        return replace(limit, cap_nanos=cap_nanos)
    return replace(limit, level=SpendLevel.MEMBER, subject=member_id, override=Override.INSTEAD, cap_nanos=cap_nanos)


def expires_at(requested_at: datetime, until: datetime | None) -> datetime:
    """Return when a request that nobody decides lapses: what it asks for is over, or nobody will any more."""
    latest = requested_at + WAITING_MAX
    return latest if until is None else min(latest, until)


def returns_to(limit_id: str | None, until: datetime, running: Iterable[Running]) -> str | None:
    """Return which limit is due again at `until`, if a raise takes the place of the one called `limit_id` now.

    It is that limit, unless it is itself a raise that has ended by then. None is no limit.
    """
    by_limit = {each.granted_limit_id: each for each in running}
    while limit_id in by_limit and by_limit[limit_id].until <= until:
        limit_id = by_limit.pop(limit_id).former_limit_id
    return limit_id
