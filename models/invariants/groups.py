"""Is a member in one group at a time?"""

from models.invariants.invariant import Books, Differences, of_organization
from models.sql import Statement

_OVERLAPS = Statement("""
    SELECT 'membership ' || id || ' of member ' || member_id AS what,
           'a start from ' || CAST(before AS TEXT) || ' on' AS expected, starts_at AS found
    FROM (
        SELECT id, member_id, starts_at,
               lag(coalesce(ends_at, 9223372036854775807))
                   OVER (PARTITION BY member_id ORDER BY starts_at, id) AS before
        FROM group_memberships WHERE organization_id = :organization_id
    ) AS ordered
    WHERE starts_at < before ORDER BY member_id, starts_at LIMIT :most
""")


@of_organization
async def memberships_of_a_member_do_not_overlap(books: Books) -> Differences:
    """A member is in the next group only when they have left the one before."""
    return await books.differing(_OVERLAPS)
