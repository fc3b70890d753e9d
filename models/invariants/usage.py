"""Do rollups, corrections and months agree with the events?

Reports and invoices read rollups, never events. An event counts under the key it was recorded with; a correction
moves the key of the event it corrects by the difference, and is not an event more.
"""

from billing.periods import from_microseconds, local_date, local_days, month_containing, to_microseconds
from models.invariants.invariant import Books, Difference, Differences, of_organization
from models.sql import Statement

_MONTHS = Statement("""
    SELECT DISTINCT period_start FROM usage_events WHERE organization_id = :organization_id
    UNION SELECT DISTINCT period_start FROM usage_rollups WHERE organization_id = :organization_id
    ORDER BY period_start
""")
_STRAYED = Statement("""
    SELECT 'instant of usage ' || external_id AS what,
           'within the month that starts at ' || CAST(period_start AS TEXT) AS expected, occurred_at AS found
    FROM usage_events
    WHERE organization_id = :organization_id AND period_start = :start
      AND (occurred_at < period_start OR occurred_at >= :end)
    ORDER BY id LIMIT :most
""")
_KEY = "day, subscription_id, member_id, tier, meter, model, direction, price_version"
_ROLLUPS = Statement(f"""
    WITH days(bounds) AS :days[], moved AS (
        SELECT e.occurred_at, e.member_id, e.tier, e.meter, e.model, e.direction, e.price_version,
               e.quantity, e.cost_nanos, 1 AS events
        FROM usage_events e
        WHERE e.organization_id = :organization_id AND e.period_start = :start AND e.supersedes IS NULL
        UNION ALL
        SELECT e.occurred_at, e.member_id, e.tier, e.meter, e.model, e.direction, e.price_version,
               later.quantity - e.quantity, later.cost_nanos - e.cost_nanos, 0
        FROM usage_events later
        JOIN usage_events e ON e.organization_id = later.organization_id AND e.id = later.supersedes
        WHERE later.organization_id = :organization_id AND later.period_start = :start
    ), sides AS (
        SELECT {_KEY}, 0 AS sent, 0 AS cost, 0 AS counted, quantity, cost_nanos, events FROM usage_rollups
        WHERE organization_id = :organization_id AND period_start = :start
        UNION ALL
        SELECT substr(bounds, 1, 10), s.id, member_id, tier, meter, model, direction, price_version,
               quantity, cost_nanos, events, 0, 0, 0
        FROM moved
        LEFT JOIN days ON occurred_at >= CAST(substr(bounds, 12, 20) AS BIGINT)
                      AND occurred_at < CAST(substr(bounds, 33, 20) AS BIGINT)
        LEFT JOIN subscriptions s ON s.organization_id = :organization_id AND s.starts_at <= occurred_at
                                 AND (s.ends_at IS NULL OR occurred_at < s.ends_at)
    )
    SELECT 'rollup of ' || day || ' ' || member_id || ' ' || tier || ' ' || meter || ' ' || model || ' ' || direction
               || ', quantity + nanos + events' AS what,
           CAST(sum(sent) AS TEXT) || ' + ' || CAST(sum(cost) AS TEXT) || ' + ' || CAST(sum(counted) AS TEXT)
               AS expected,
           CAST(sum(quantity) AS TEXT) || ' + ' || CAST(sum(cost_nanos) AS TEXT) || ' + ' || CAST(sum(events) AS TEXT)
               AS found
    FROM sides GROUP BY {_KEY}
    HAVING sum(sent) <> sum(quantity) OR sum(cost) <> sum(cost_nanos) OR sum(counted) <> sum(events)
    ORDER BY {_KEY} LIMIT :most
""")  # noqa: S608  # a constant
_CORRECTIONS = Statement("""
    SELECT 'correction ' || later.external_id AS what,
           e.member_id || ' ' || e.tier || ' ' || e.meter || ' ' || e.model || ' ' || e.direction || ' '
               || CAST(e.occurred_at AS TEXT) AS expected,
           later.member_id || ' ' || later.tier || ' ' || later.meter || ' ' || later.model || ' ' || later.direction
               || ' ' || CAST(later.occurred_at AS TEXT) AS found
    FROM usage_events later
    JOIN usage_events e ON e.organization_id = later.organization_id AND e.id = later.supersedes
    WHERE later.organization_id = :organization_id
      AND (later.member_id <> e.member_id OR later.tier <> e.tier OR later.meter <> e.meter OR later.model <> e.model
           OR later.direction <> e.direction OR later.occurred_at <> e.occurred_at)
    ORDER BY later.id LIMIT :most
""")
_ADJUSTMENTS = Statement("""
    SELECT 'adjustment ' || a.id AS what, 'a closed boundary' AS expected, a.billed_boundary_at AS found
    FROM usage_adjustments a
    WHERE a.organization_id = :organization_id AND a.billed_boundary_at IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM billing_closes c
        WHERE c.organization_id = a.organization_id AND c.boundary_at = a.billed_boundary_at)
    ORDER BY a.id LIMIT :most
""")


@of_organization
async def usage_counts_in_the_month_it_occurred(books: Books) -> Differences:
    """The month that usage counts in is the organization's own calendar month of the instant it occurred."""
    found: list[Difference] = []
    for start in await _months(books):
        month = month_containing(from_microseconds(start), books.organization.time_zone)
        if to_microseconds(month.start) != start:
            found.append(Difference("a month of usage", str(to_microseconds(month.start)), str(start)))
        found += await books.differing(_STRAYED, start=start, end=to_microseconds(month.end))
    return found[: books.most]


@of_organization
async def rollups_are_the_events(books: Books) -> Differences:
    """A rollup is the sum of its events under its subscription and local day, to the nano, corrections taken in."""
    found: list[Difference] = []
    for start in await _months(books):
        found += await books.differing(_ROLLUPS, start=start, days=_days(start, books.organization.time_zone))
    return found[: books.most]


@of_organization
async def corrections_change_the_quantity_alone(books: Books) -> Differences:
    """A correction has the member, tier, meter, model, direction and instant of the usage it takes the place of."""
    return await books.differing(_CORRECTIONS)


@of_organization
async def billed_adjustments_name_a_closed_boundary(books: Books) -> Differences:
    """An adjustment that counts as billed names a boundary that was closed."""
    return await books.differing(_ADJUSTMENTS)


async def _months(books: Books) -> list[int]:
    rows = await _MONTHS.rows(books.client, organization_id=books.organization_id)
    return [int(row["period_start"]) for row in rows]


def _days(month_start: int, time_zone: str) -> list[str]:
    """Return each local day of a month as text: its date, its start and its end, at fixed places."""
    month = month_containing(from_microseconds(month_start), time_zone)
    return [
        f"{local_date(day.start, time_zone)} {to_microseconds(day.start):020d} {to_microseconds(day.end):020d}"
        for day in local_days(month, time_zone)
    ]
