"""Has everybody been told of every alert, and once?

An alert's row is what the alert is; its event is how the news travels. One without the other is an alert that nobody
hears, or one that nobody can look up.
"""

from models.invariants.invariant import Books, Differences, of_organization
from models.sql import Statement

_ALERT_ID = {"sqlite": "json_extract(e.payload, '$.alertId')", "postgres": "e.payload::json ->> 'alertId'"}
_UNTOLD = {
    dialect: Statement(f"""
        SELECT 'event of alert ' || a.id AS what, 'in the log once' AS expected,
               CAST(count(e.alert_id) AS TEXT) || ' times' AS found
        FROM limit_alerts a LEFT JOIN (
            SELECT {alert_id} AS alert_id FROM events e
            WHERE e.organization_id = :organization_id AND e.kind = 'SpendLimitThresholdReached'
        ) AS e ON e.alert_id = a.id
        WHERE a.organization_id = :organization_id
        GROUP BY a.id HAVING count(e.alert_id) <> 1 ORDER BY a.id LIMIT :most
    """)  # noqa: S608  # from the table above
    for dialect, alert_id in _ALERT_ID.items()
}
_UNKNOWN = {
    dialect: Statement(f"""
        SELECT 'alert of event ' || CAST(e.sequence AS TEXT) AS what, 'a row' AS expected, 'none' AS found
        FROM events e
        WHERE e.organization_id = :organization_id AND e.kind = 'SpendLimitThresholdReached' AND NOT EXISTS (
            SELECT 1 FROM limit_alerts a WHERE a.organization_id = e.organization_id AND a.id = {alert_id})
        ORDER BY e.sequence LIMIT :most
    """)  # noqa: S608  # from the table above
    for dialect, alert_id in _ALERT_ID.items()
}
_REPEATED = Statement("""
    SELECT 'alerts with the dedup id ' || dedup_id AS what, 1 AS expected, count(*) AS found FROM limit_alerts
    WHERE organization_id = :organization_id GROUP BY dedup_id HAVING count(*) > 1 ORDER BY dedup_id LIMIT :most
""")


@of_organization
async def alerts_are_told_once(books: Books) -> Differences:
    """Every alert stands in the event log exactly once."""
    return await books.differing(_UNTOLD[books.dialect])


@of_organization
async def told_alerts_exist(books: Books) -> Differences:
    """Every alert that the event log tells of can be looked up."""
    return await books.differing(_UNKNOWN[books.dialect])


@of_organization
async def dedup_ids_are_unique(books: Books) -> Differences:
    """No two alerts have the same dedup id."""
    return await books.differing(_REPEATED)
