"""Do the counters say what was spent?

Limits are decided on counters alone, so a counter that is off by one nano is a limit that does not hold. Each window is
looked at by itself: what its usage cost, summed anew at every level, against every counter that the window has.
"""

from billing.periods import Period, from_microseconds, iterate, local_days, month_containing, to_microseconds
from billing.windows import Interval, windows
from models.invariants.invariant import Books, Difference, Differences, of_organization
from models.sql import Statement

_KEPT = Statement("""
    SELECT DISTINCT interval, period_start FROM spend_counters WHERE organization_id = :organization_id
    ORDER BY period_start, interval
""")
_MONTHS = Statement("SELECT DISTINCT period_start FROM usage_events WHERE organization_id = :organization_id")
_SPENT = Statement("""
    WITH counted AS (
        SELECT tier, group_id, member_id, cost_nanos FROM usage_events e
        WHERE organization_id = :organization_id AND period_start IN :months[int]
          AND occurred_at >= :start AND occurred_at < :end AND NOT EXISTS (
            SELECT 1 FROM usage_events later
            WHERE later.organization_id = e.organization_id AND later.supersedes = e.id)
    ), sides AS (
        SELECT level, subject, 0 AS expected, spent_nanos AS found FROM spend_counters
        WHERE organization_id = :organization_id AND interval = :interval AND period_start = :start
        UNION ALL SELECT 'ORGANIZATION', :organization_id, cost_nanos, 0 FROM counted
        UNION ALL SELECT 'GROUP', group_id, cost_nanos, 0 FROM counted WHERE group_id <> ''
        UNION ALL SELECT 'SEAT_TIER', tier, cost_nanos, 0 FROM counted
        UNION ALL SELECT 'MEMBER', member_id, cost_nanos, 0 FROM counted
    )
    SELECT 'spent by ' || level || ' ' || subject AS what,
           CAST(sum(expected) AS BIGINT) AS expected, CAST(sum(found) AS BIGINT) AS found
    FROM sides GROUP BY level, subject HAVING sum(expected) <> sum(found)
    ORDER BY level, subject LIMIT :most
""")
_CHILDREN = Statement("""
    WITH sums AS (
        SELECT period_start, interval, level, sum(spent_nanos) AS spent, sum(held_nanos) AS held FROM spend_counters
        WHERE organization_id = :organization_id GROUP BY period_start, interval, level
    )
    SELECT child.level || ' counters of the ' || child.interval || ' from ' || CAST(child.period_start AS TEXT)
               || ', spent + held' AS what,
           CASE child.level WHEN 'GROUP' THEN 'up to ' ELSE '' END
               || CAST(parent.spent AS TEXT) || ' + ' || CAST(parent.held AS TEXT) AS expected,
           CAST(child.spent AS TEXT) || ' + ' || CAST(child.held AS TEXT) AS found
    FROM sums child JOIN sums parent
      ON parent.period_start = child.period_start AND parent.interval = child.interval
     AND parent.level = 'ORGANIZATION'
    WHERE child.spent > parent.spent OR child.held > parent.held
       OR child.level <> 'GROUP' AND (child.spent <> parent.spent OR child.held <> parent.held)
    ORDER BY child.period_start, child.interval, child.level LIMIT :most
""")


@of_organization
async def spent_is_what_usage_cost(books: Books) -> Differences:
    """What a level has spent in a window is the cost of the usage that counts there, corrections taken in."""
    found: list[Difference] = []
    for interval, period in await _windows(books):
        if len(found) >= books.most:
            break
        months = iterate(period, books.organization.time_zone)
        differences = await books.differing(
            _SPENT,
            interval=interval.value,
            start=to_microseconds(period.start),
            end=to_microseconds(period.end),
            months=[to_microseconds(month.start) for month in months],
        )
        where = f"in the {interval} from {period.start.isoformat()}"
        found += [Difference(f"{each.what} {where}", each.expected, each.found) for each in differences]
    return found[: books.most]


@of_organization
async def counters_stand_at_a_window(books: Books) -> Differences:
    """A counter counts a whole month, week or day of the organization's own time zone."""
    found: list[Difference] = []
    for row in await _KEPT.rows(books.client, organization_id=books.organization_id):
        at = from_microseconds(row["period_start"])
        start = windows(at, books.organization.time_zone)[Interval(row["interval"])].start
        if start != at:
            found.append(Difference(f"start of a {row['interval']}", start.isoformat(), at.isoformat()))
    return found[: books.most]


@of_organization
async def children_add_up_to_the_organization(books: Books) -> Differences:
    """All tiers, and all members, together have spent and hold what the organization has; groups never more."""
    return await books.differing(_CHILDREN)


async def _windows(books: Books) -> list[tuple[Interval, Period]]:
    """Return every window that usage may fall into or that has a counter, in the order of time."""
    time_zone = books.organization.time_zone
    months = await _MONTHS.rows(books.client, organization_id=books.organization_id)
    kept = await _KEPT.rows(books.client, organization_id=books.organization_id)
    found = {
        (interval, period)
        for month in months
        for day in local_days(month_containing(from_microseconds(month["period_start"]), time_zone), time_zone)
        for interval, period in windows(day.start, time_zone).items()
    }
    for row in kept:
        interval = Interval(row["interval"])
        found.add((interval, windows(from_microseconds(row["period_start"]), time_zone)[interval]))
    return sorted(found, key=lambda each: (each[1].start, each[0].value))
