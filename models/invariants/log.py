"""Is the event log whole?

Subscribers, webhooks and audit ask for "all after 41": a number that is missing is news that nobody ever gets.
"""

from functools import cache

from models import catalog
from models.invariants.invariant import Books, Differences, of_organization
from models.sql import Statement

_NUMBERS = Statement("""
    SELECT 'events, their first and last number' AS what,
           CASE WHEN o.event_sequence = 0 THEN '0 from 0 to 0' ELSE
               CAST(o.event_sequence AS TEXT) || ' from 1 to ' || CAST(o.event_sequence AS TEXT) END AS expected,
           CAST(count(e.sequence) AS TEXT) || ' from ' || CAST(coalesce(min(e.sequence), 0) AS TEXT) || ' to '
               || CAST(coalesce(max(e.sequence), 0) AS TEXT) AS found
    FROM organizations o LEFT JOIN events e ON e.organization_id = o.organization_id
    WHERE o.organization_id = :organization_id
    GROUP BY o.event_sequence
    HAVING count(e.sequence) <> o.event_sequence OR coalesce(max(e.sequence), 0) <> o.event_sequence
        OR coalesce(min(e.sequence), 1) <> 1
    LIMIT :most
""")
_GAPS = Statement("""
    SELECT 'event after number ' || CAST(before AS TEXT) AS what, before + 1 AS expected, sequence AS found
    FROM (
        SELECT sequence, lag(sequence) OVER (ORDER BY sequence) AS before FROM events
        WHERE organization_id = :organization_id
    ) AS numbered
    WHERE sequence <> before + 1 ORDER BY sequence LIMIT :most
""")


@cache
def _cursors(table: str) -> Statement:
    return Statement(f"""
        SELECT 'cursor of ' || t.id || ' in {table}' AS what, 'up to ' || CAST(o.event_sequence AS TEXT) AS expected,
               t.cursor AS found
        FROM {table} t JOIN organizations o ON o.organization_id = t.organization_id
        WHERE t.organization_id = :organization_id AND t.cursor > o.event_sequence
        ORDER BY t.id LIMIT :most
    """)  # noqa: S608  # names from the database's own catalogue


@of_organization
async def head_is_the_number_of_events(books: Books) -> Differences:
    """The organization's event sequence is the number of its newest event and the count of all."""
    return await books.differing(_NUMBERS)


@of_organization
async def no_number_is_missing(books: Books) -> Differences:
    """Each event has the number after the one before it."""
    return await books.differing(_GAPS)


@of_organization
async def cursors_do_not_run_ahead(books: Books) -> Differences:
    """Nobody has been told of more than has happened."""
    tables = await catalog.tables_with(books.client, "organization_id", "id", "cursor")
    return [each for table in tables for each in await books.differing(_cursors(table))][: books.most]
