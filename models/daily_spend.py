"""What was spent on each day, at one level?

Read from the counters of days, never from events: as many rows as there are days and subjects.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from tortoise.backends.base.client import BaseDBAsyncClient

from billing.limits import SpendLevel
from billing.periods import day_start, to_microseconds
from models.sql import Statement

_DAYS = Statement("""
    SELECT subject, period_start, spent_nanos FROM spend_counters
    WHERE organization_id = :organization_id AND period_start IN :starts[int] AND interval = 'DAY'
      AND level = :level AND subject IN :subjects[]
""")


async def of_subjects(
    client: BaseDBAsyncClient,
    organization_id: str,
    *,
    level: SpendLevel,
    subjects: Sequence[str],
    days: Sequence[date],
    time_zone: str,
) -> dict[str, Mapping[date, int]]:
    """Return what each subject spent on each of the given local days, in one statement; a missing day had nothing."""
    starts = {to_microseconds(day_start(day, time_zone)): day for day in days}
    rows = await _DAYS.rows(
        client, organization_id=organization_id, level=level.value, starts=sorted(starts), subjects=list(subjects)
    )
    found: dict[str, dict[date, int]] = {subject: {} for subject in subjects}
    for row in rows:
        found[row["subject"]][starts[row["period_start"]]] = row["spent_nanos"]
    return dict(found)
