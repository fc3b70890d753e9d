"""Are numbers of invoices and credit notes without gaps, for each legal entity?

A tax auditor asks for the missing one. Numbers span organizations, so only the whole database can tell. A voided
invoice keeps its number.
"""

from models.invariants.invariant import Differences, Shelf, of_database
from models.sql import Statement

_NUMBERED = """
    WITH given AS (
        SELECT number FROM invoices WHERE number IS NOT NULL UNION ALL SELECT number FROM credit_notes
    ), numbered AS (
        SELECT number, rtrim(number, '0123456789') AS prefix,
               CAST(substr(number, length(rtrim(number, '0123456789')) + 1) AS BIGINT) AS position
        FROM given
    )
"""
_GAPS = Statement(f"""{_NUMBERED}
    SELECT 'the number before ' || number AS what, position - 1 AS expected, before AS found
    FROM (
        SELECT number, prefix, position,
               coalesce(lag(position) OVER (PARTITION BY prefix ORDER BY position), 0) AS before
        FROM numbered
    ) AS ordered
    WHERE position <> before + 1 ORDER BY prefix, position LIMIT :most
""")  # noqa: S608  # a constant
_LAST = Statement(f"""{_NUMBERED}
    SELECT 'last number of the series ' || s.series AS what, s.last_number AS expected,
           coalesce(max(n.position), 0) AS found
    FROM number_series s LEFT JOIN numbered n ON n.prefix = s.series || '-'
    GROUP BY s.series, s.last_number HAVING coalesce(max(n.position), 0) <> s.last_number
    ORDER BY s.series LIMIT :most
""")  # noqa: S608  # a constant


@of_database
async def follow_each_other(shelf: Shelf) -> Differences:
    """Each number of a series follows the one before it; the first is 1."""
    return await shelf.differing(_GAPS)


@of_database
async def series_stand_at_their_last_number(shelf: Shelf) -> Differences:
    """A series remembers the last number it gave."""
    return await shelf.differing(_LAST)
