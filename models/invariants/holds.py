"""Is exactly that held which is reserved?

A hold that is on a counter and in no reservation is headroom lost for good; one that is reserved and on no counter is a
limit that will not hold.
"""

from models.invariants.invariant import Books, Differences, of_organization
from models.sql import Statement

_HELD = Statement("""
    WITH live AS (
        SELECT month_start, week_start, day_start, tier, group_id, member_id, held_nanos FROM reservations
        WHERE organization_id = :organization_id AND status = 'HELD'
    ), placed AS (
        SELECT 'MONTH' AS interval, month_start AS period_start, tier, group_id, member_id, held_nanos FROM live
        UNION ALL SELECT 'WEEK', week_start, tier, group_id, member_id, held_nanos FROM live
        UNION ALL SELECT 'DAY', day_start, tier, group_id, member_id, held_nanos FROM live
    ), sides AS (
        SELECT interval, period_start, level, subject, 0 AS expected, held_nanos AS found FROM spend_counters
        WHERE organization_id = :organization_id AND held_nanos <> 0
        UNION ALL SELECT interval, period_start, 'ORGANIZATION', :organization_id, held_nanos, 0 FROM placed
        UNION ALL SELECT interval, period_start, 'GROUP', group_id, held_nanos, 0 FROM placed WHERE group_id <> ''
        UNION ALL SELECT interval, period_start, 'SEAT_TIER', tier, held_nanos, 0 FROM placed
        UNION ALL SELECT interval, period_start, 'MEMBER', member_id, held_nanos, 0 FROM placed
    )
    SELECT 'held by ' || level || ' ' || subject || ' in the ' || interval || ' from ' || CAST(period_start AS TEXT)
               AS what,
           CAST(sum(expected) AS BIGINT) AS expected, CAST(sum(found) AS BIGINT) AS found
    FROM sides GROUP BY interval, period_start, level, subject HAVING sum(expected) <> sum(found)
    ORDER BY period_start, interval, level, subject LIMIT :most
""")
_LISTED = {
    "sqlite": "json_each(r.usage_ids) AS listed",
    "postgres": "json_array_elements_text(r.usage_ids::json) AS listed(value)",
}
# One join over all reservations: asked for each by itself, PostgreSQL reads all usage of the organization for each.
_SETTLED = {
    dialect: Statement(f"""
        SELECT 'usage of reservation ' || external_id AS what, settled AS expected, cost AS found
        FROM (
            SELECT r.id, r.external_id, coalesce(r.settled_nanos, 0) AS settled,
                   CAST(coalesce(sum(e.cost_nanos), 0) AS BIGINT) AS cost
            FROM reservations r LEFT JOIN {listed} ON true
            LEFT JOIN usage_events e ON e.organization_id = r.organization_id AND e.id = listed.value
            WHERE r.organization_id = :organization_id
            GROUP BY r.id, r.external_id, r.settled_nanos
        ) AS settlements
        WHERE settled <> cost ORDER BY id LIMIT :most
    """)  # noqa: S608  # from the table above
    for dialect, listed in _LISTED.items()
}
_ENDED = Statement("""
    SELECT 'reservation ' || external_id || ', ' || status || ', settled and excess' AS what,
           CASE status WHEN 'HELD' THEN 'nothing' WHEN 'RELEASED' THEN 'nothing'
               WHEN 'EXPIRED' THEN 'no excess' ELSE 'what is above the hold of ' || CAST(held_nanos AS TEXT) END
               AS expected,
           coalesce(CAST(settled_nanos AS TEXT), 'nothing') || ', ' || CAST(excess_nanos AS TEXT) AS found
    FROM reservations
    WHERE organization_id = :organization_id AND (
        status IN ('HELD', 'RELEASED') AND (settled_nanos IS NOT NULL OR excess_nanos <> 0)
        OR status = 'EXPIRED' AND excess_nanos <> 0
        OR status = 'SETTLED' AND (settled_nanos IS NULL OR excess_nanos <>
            CASE WHEN settled_nanos > held_nanos THEN settled_nanos - held_nanos ELSE 0 END))
    ORDER BY id LIMIT :most
""")


@of_organization
async def counters_hold_what_is_reserved(books: Books) -> Differences:
    """What a level holds in a window is the sum of the reservations that are live on it."""
    return await books.differing(_HELD)


@of_organization
async def settlements_are_their_usage(books: Books) -> Differences:
    """What a reservation came to is the cost of the usage it lists."""
    return await books.differing(_SETTLED[books.dialect])


@of_organization
async def reservations_ended_as_they_say(books: Books) -> Differences:
    """Only a settled reservation came to something within its time; its excess is what was above the hold."""
    return await books.differing(_ENDED)
