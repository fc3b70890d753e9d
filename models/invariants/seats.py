"""Does a member hold one seat at a time?

Peaks are counted from intervals: two that overlap are a person billed twice.
"""

from models.invariants.invariant import Books, Differences, of_organization
from models.sql import Statement

_OVERLAPS = Statement("""
    SELECT 'seat ' || id || ' of member ' || member_id AS what,
           'a start from ' || CAST(before AS TEXT) || ' on' AS expected, starts_at AS found
    FROM (
        SELECT id, member_id, starts_at,
               lag(coalesce(ends_at, 9223372036854775807))
                   OVER (PARTITION BY member_id ORDER BY starts_at, id) AS before
        FROM seat_intervals WHERE organization_id = :organization_id
    ) AS ordered
    WHERE starts_at < before ORDER BY member_id, starts_at LIMIT :most
""")
_OPEN = Statement("""
    SELECT 'open seats of member ' || m.id || ', ' || m.status AS what,
           CASE m.status WHEN 'ACTIVE' THEN 1 ELSE 0 END AS expected, count(s.id) AS found
    FROM members m
    LEFT JOIN seat_intervals s ON s.organization_id = m.organization_id AND s.member_id = m.id AND s.ends_at IS NULL
    WHERE m.organization_id = :organization_id
    GROUP BY m.id, m.status HAVING count(s.id) <> CASE m.status WHEN 'ACTIVE' THEN 1 ELSE 0 END
    ORDER BY m.id LIMIT :most
""")
_ROLES = Statement("""
    SELECT 'role of the open seat of member ' || m.id AS what, m.role AS expected, s.role AS found
    FROM members m
    JOIN seat_intervals s ON s.organization_id = m.organization_id AND s.member_id = m.id AND s.ends_at IS NULL
    WHERE m.organization_id = :organization_id AND s.role <> m.role ORDER BY m.id LIMIT :most
""")
_HISTORY = Statement("""
    SELECT 'open role of member ' || m.id || ', ' || m.status AS what,
           CASE m.status WHEN 'ACTIVE' THEN m.role ELSE 'none' END AS expected, coalesce(r.role, 'none') AS found
    FROM members m
    LEFT JOIN role_intervals r ON r.organization_id = m.organization_id AND r.member_id = m.id AND r.ends_at IS NULL
    WHERE m.organization_id = :organization_id
      AND coalesce(r.role, 'none') <> CASE m.status WHEN 'ACTIVE' THEN m.role ELSE 'none' END
    ORDER BY m.id LIMIT :most
""")


@of_organization
async def intervals_of_a_member_do_not_overlap(books: Books) -> Differences:
    """A member's seat begins when the one before it has ended."""
    return await books.differing(_OVERLAPS)


@of_organization
async def active_members_hold_one_seat(books: Books) -> Differences:
    """A member who is active holds one seat, and one who is not holds none."""
    return await books.differing(_OPEN)


@of_organization
async def seats_have_the_role_of_their_member(books: Books) -> Differences:
    """The seat that a member holds is counted under the member's own role."""
    return await books.differing(_ROLES)


@of_organization
async def the_history_of_roles_ends_with_the_role_of_today(books: Books) -> Differences:
    """An active member's history of roles goes on with the role they have, and everybody else's is over."""
    return await books.differing(_HISTORY)
