"""Who had which role when, and which seat beside it?

A member has one open interval while active. Like seats, roles are history in half-open intervals: a change ends one and
starts the next at the same instant, and nothing else is ever updated. Roles and seats are kept apart, because a seat
that is paid for outlasts the role it was given with.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from billing.periods import from_microseconds, to_microseconds
from models.inserting import INTEGER, TEXT, Insert
from models.paging import Page, Window
from models.sql import Client, Row, Statement


@dataclass(frozen=True, slots=True)
class Access:
    """What one member could do, and what seat they held, at an instant."""

    member_id: str
    external_id: str | None
    email: str
    name: str
    role: str
    role_since: datetime
    has_seat: bool
    tier: str | None
    add_ons: tuple[str, ...]
    billable: bool
    seat_since: datetime | None


_START = Insert("role_intervals", {"organization_id": TEXT, "member_id": TEXT, "role": TEXT, "starts_at": INTEGER})
_FORGET = Statement("""
    DELETE FROM role_intervals
    WHERE organization_id = :organization_id AND member_id = :member_id AND ends_at IS NULL AND starts_at >= :at
""")
_END = Statement("""
    UPDATE role_intervals SET ends_at = :at
    WHERE organization_id = :organization_id AND member_id = :member_id AND ends_at IS NULL
""")
_AT = """
    FROM role_intervals r
    JOIN members m ON m.organization_id = r.organization_id AND m.id = r.member_id
    LEFT JOIN seat_intervals s ON s.organization_id = r.organization_id AND s.member_id = r.member_id
        AND s.starts_at <= :at AND (s.ends_at IS NULL OR s.ends_at > :at)
    WHERE r.organization_id = :organization_id AND r.starts_at <= :at AND (r.ends_at IS NULL OR r.ends_at > :at)
      AND r.member_id > :after AND (:everybody = 1 OR r.member_id < :before)
"""
_COLUMNS = """
    r.member_id, m.external_id, m.email, m.name, r.role, r.starts_at AS role_since, s.tier, s.add_ons, s.billable,
    s.starts_at AS seat_since
"""
_OLDEST = Statement(f"SELECT {_COLUMNS} {_AT} ORDER BY r.member_id LIMIT :limit")  # constants
_NEWEST = Statement(f"SELECT {_COLUMNS} {_AT} ORDER BY r.member_id DESC LIMIT :limit")  # constants
_COUNT = Statement("""
    SELECT count(*) AS total FROM role_intervals
    WHERE organization_id = :organization_id AND starts_at <= :at AND (ends_at IS NULL OR ends_at > :at)
""")


async def start(client: Client, organization_id: str, roles: Mapping[str, str], *, at: datetime) -> None:
    """Start what members are from now on: roles by member."""
    starts_at = to_microseconds(at)
    await _START.rows(client, [(organization_id, member_id, role, starts_at) for member_id, role in roles.items()])


async def end(client: Client, organization_id: str, member_id: str, *, at: datetime) -> None:
    """End what a member is; what started at that very instant never was, and goes."""
    named = {"organization_id": organization_id, "member_id": member_id, "at": to_microseconds(at)}
    await _FORGET.run(client, **named)
    await _END.run(client, **named)


async def page_at(client: Client, organization_id: str, at: datetime, window: Window) -> Page[Access]:
    """Return one page of those who had access at an instant, oldest member first."""
    found = await (_NEWEST if window.from_end else _OLDEST).rows(
        client,
        organization_id=organization_id,
        at=to_microseconds(at),
        after=window.after or "",
        before=window.before or "",
        everybody=int(window.before is None),
        limit=window.size + 1,
    )
    more, shown = len(found) > window.size, [_access(row) for row in found[: window.size]]
    if window.from_end:
        return Page(tuple(reversed(shown)), has_next=window.before is not None, has_previous=more)
    return Page(tuple(shown), has_next=more, has_previous=window.after is not None)


async def count_at(client: Client, organization_id: str, at: datetime) -> int:
    """Return how many had access at an instant."""
    row = await _COUNT.first(client, organization_id=organization_id, at=to_microseconds(at))
    return int(row["total"]) if row else 0


def _access(row: Row) -> Access:
    has_seat = row["seat_since"] is not None
    return Access(
        member_id=row["member_id"],
        external_id=row["external_id"],
        email=row["email"],
        name=row["name"],
        role=row["role"],
        role_since=from_microseconds(row["role_since"]),
        has_seat=has_seat,
        tier=row["tier"],
        add_ons=tuple(json.loads(row["add_ons"])) if has_seat else (),
        billable=bool(row["billable"]),
        seat_since=from_microseconds(row["seat_since"]) if has_seat else None,
    )
