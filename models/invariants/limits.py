"""Does one limit follow the other where several were set?"""

from models.invariants.invariant import Books, Differences, of_organization
from models.sql import Statement

_VERSIONS = Statement("""
    SELECT 'limit ' || id || ' at ' || level || ' ' || subject AS what,
           'version ' || CAST(before + 1 AS TEXT) || CASE WHEN is_newest = 1 THEN '' ELSE ', ended' END AS expected,
           'version ' || CAST(version AS TEXT)
               || CASE WHEN ends_at IS NULL THEN ', in force' ELSE ', ended' END AS found
    FROM (
        SELECT id, level, subject, version, ends_at,
               coalesce(lag(version) OVER place, 0) AS before,
               CASE WHEN lead(version) OVER place IS NULL THEN 1 ELSE 0 END AS is_newest
        FROM spend_limits WHERE organization_id = :organization_id
        WINDOW place AS (PARTITION BY level, subject, scope, interval ORDER BY version, id)
    ) AS ordered
    WHERE version <> before + 1 OR (ends_at IS NULL AND is_newest = 0) ORDER BY level, subject, version LIMIT :most
""")


@of_organization
async def limits_at_a_place_follow_each_other(books: Books) -> Differences:
    """The limits of a place are numbered from 1 without a gap, and only the newest of them may be in force."""
    return await books.differing(_VERSIONS)
