"""Where does a member belong, and where did they, so that it can be said whose spend theirs is?

That is the status they have, every seat they ever held and every group they were ever in. Whatever is rated needs all
three of the same members, so they are read in one statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from billing.periods import from_microseconds
from models.sql import Client, Statement


@dataclass(frozen=True, slots=True)
class Stay:
    """A time in one seat tier or in one group, half-open; one in no tier is in the empty one."""

    place: str
    start: datetime
    end: datetime | None

    def holds(self, at: datetime) -> bool:
        """Return whether it lasts at `at`."""
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(slots=True)
class Belonging:
    """A member's status, seats and groups, the oldest first."""

    status: str = ""
    seats: list[Stay] = field(default_factory=list)
    groups: list[Stay] = field(default_factory=list)


ROWS_MAX = 200_000
_OF = Statement("""
    SELECT 'MEMBER' AS kind, id AS member_id, id, status AS place, 0 AS starts_at, NULL AS ends_at FROM members
    WHERE organization_id = :organization_id AND id IN :member_ids[]
    UNION ALL
    SELECT 'SEAT' AS kind, member_id, id, tier AS place, starts_at, ends_at FROM seat_intervals
    WHERE organization_id = :organization_id AND member_id IN :member_ids[]
    UNION ALL
    SELECT 'GROUP' AS kind, member_id, id, group_id AS place, starts_at, ends_at FROM group_memberships
    WHERE organization_id = :organization_id AND member_id IN :member_ids[]
    ORDER BY starts_at, id LIMIT :limit
""")


async def of(client: Client, organization_id: str, member_ids: Sequence[str]) -> dict[str, Belonging]:
    """Return where the given members belong; of one who does not exist there is nothing."""
    found: dict[str, Belonging] = {}
    for row in await _OF.rows(client, organization_id=organization_id, member_ids=member_ids, limit=ROWS_MAX):
        belonging = found.get(row["member_id"])
        if belonging is None:
            belonging = found[row["member_id"]] = Belonging()
        if row["kind"] == "MEMBER":
            belonging.status = row["place"]
            continue
        ends_at = row["ends_at"]
        end = None if ends_at is None else from_microseconds(ends_at)
        stays = belonging.seats if row["kind"] == "SEAT" else belonging.groups
        stays.append(Stay(row["place"] or "", from_microseconds(row["starts_at"]), end))
    return found
