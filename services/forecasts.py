"""What will a month come to, for an organization, a group, a tier or a member?

Reading only, and from the counters of days: one statement for each level and month asked about, however many subjects.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from billing import forecasts as rules
from billing.limits import SpendLevel
from billing.periods import Period, local_date
from models import daily_spend
from models.organizations import Organization
from models.sql import Client


@dataclass(frozen=True, slots=True)
class Ask:
    """Whose month to look ahead in."""

    level: SpendLevel
    subject: str
    month: Period


async def forecasts(
    client: Client, organization: Organization, asks: Iterable[Ask], *, at: datetime
) -> dict[Ask, rules.Forecast | rules.Unknown]:
    """Return what is to be expected at `at`, for each ask."""
    alike: defaultdict[tuple[SpendLevel, Period], list[Ask]] = defaultdict(list)
    for ask in asks:
        alike[ask.level, ask.month].append(ask)
    found: dict[Ask, rules.Forecast | rules.Unknown] = {}
    for (level, period), group in alike.items():
        found |= await _of_level(client, organization, level, period, group, at)
    return found


async def _of_level(
    client: Client, organization: Organization, level: SpendLevel, period: Period, asks: Sequence[Ask], at: datetime
) -> dict[Ask, rules.Forecast | rules.Unknown]:
    zone, today = organization.time_zone, local_date(at, organization.time_zone)
    month = rules.Month(local_date(period.start, zone), local_date(period.end, zone))
    spent = await daily_spend.of_subjects(
        client,
        organization.organization_id,
        level=level,
        subjects=sorted({ask.subject for ask in asks}),
        days=rules.days_needed(month, today),
        time_zone=zone,
    )
    return {ask: rules.forecast(spent[ask.subject], month=month, today=today) for ask in asks}
