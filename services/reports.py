"""What was used, how many seats were held, and where does spend stand against its limits?

Reading only: no report writes, and every figure comes from the rows that the invoice is drawn from. A report sums in
the database; what it returns is bounded, and a report above the bound is refused rather than cut short.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from billing import limits as limit_rules
from billing import seats as seat_rules
from billing.periods import Period
from billing.plans import PeakSeats
from billing.windows import Interval, Windows, windows
from models import groups, limits, seats, usage
from models.counters import Subjects, WindowKey
from models.organizations import Organization
from models.sql import Client, Row
from services import expiry, lapsed_raises
from services.terms import Terms

ROWS_MAX = 10_000
MEMBER_LIMITS_MAX = 1_000
Level = limit_rules.SpendLevel
_INSTANT = timedelta(microseconds=1)


class Dimension(StrEnum):
    """By what usage can be told apart; the value is the column that tells."""

    MEMBER = "member_id"
    MODEL = "model"
    SEAT_TIER = "tier"
    DAY = "day"
    DIRECTION = "direction"


class TooManyRows(Exception):
    """The report would have more rows than anybody reads; grouping by fewer things is right."""

    def __init__(self, by: Sequence[Dimension]) -> None:
        names = ", ".join(dimension.name for dimension in by)
        super().__init__(f"usage by {names} has more than {ROWS_MAX} rows; group by fewer")


@dataclass(frozen=True, slots=True)
class ReportRow:
    """What was used under one combination of keys, in the order of the dimensions asked for."""

    keys: tuple[str, ...]
    quantity: int
    cost_nanos: int
    events: int


@dataclass(frozen=True, slots=True)
class Report:
    """The usage of one month; without dimensions there is no row, only the total."""

    by: tuple[Dimension, ...]
    rows: tuple[ReportRow, ...]
    total: ReportRow


@dataclass(frozen=True, slots=True)
class MemberAsk:
    """One member's report, as asked for."""

    member_id: str
    period_start: datetime
    by: tuple[Dimension, ...]


async def usage_of_all(
    client: Client, organization_id: str, *, period_start: datetime, by: tuple[Dimension, ...]
) -> Report:
    """Return everybody's usage in a month; raise `TooManyRows` above the bound."""
    found = await usage.grouped(
        client, organization_id, period_start=period_start, by=by, member_ids=None, limit=ROWS_MAX + 1
    )
    if len(found) > ROWS_MAX:
        raise TooManyRows(by)
    return _report(by, [_row(row, by) for row in found])


async def usage_of_members(client: Client, organization_id: str, asks: Sequence[MemberAsk]) -> dict[MemberAsk, Report]:
    """Return the reports of several members: one statement for each month and choice of dimensions."""
    alike: defaultdict[tuple[datetime, tuple[Dimension, ...]], list[MemberAsk]] = defaultdict(list)
    for ask in asks:
        alike[ask.period_start, ask.by].append(ask)
    reports: dict[MemberAsk, Report] = {}
    for (period_start, by), group in alike.items():
        columns = (Dimension.MEMBER, *(dimension for dimension in by if dimension is not Dimension.MEMBER))
        found = await usage.grouped(
            client,
            organization_id,
            period_start=period_start,
            by=columns,
            member_ids=sorted({ask.member_id for ask in group}),
            limit=ROWS_MAX + 1,
        )
        if len(found) > ROWS_MAX:
            raise TooManyRows(columns)
        own: defaultdict[str, list[ReportRow]] = defaultdict(list)
        for row in found:
            own[row["member_id"]].append(_row(row, by))
        reports |= {ask: _report(by, own[ask.member_id]) for ask in group}
    return reports


@dataclass(frozen=True, slots=True)
class SeatCount:
    """The paid seats of a month: held now or when the month ended, held at the peak, and billed for the peak."""

    current: int
    peak: int
    peak_at: datetime | None
    billable: int


async def seat_count(
    client: Client, organization_id: str, *, period: Period, at: datetime, terms: Terms | None
) -> SeatCount:
    """Return the seats of a month. Where the plan counts peak seats, `billable` heeds its free allowance."""
    rows = await seats.overlapping(client, organization_id, period)
    held = tuple(row.as_rule() for row in rows)
    peak = seat_rules.peak(held, period)
    return SeatCount(
        current=seat_rules.count_at(held, min(at, period.end - _INSTANT)),
        peak=peak.quantity,
        peak_at=peak.at,
        billable=_billable(peak.quantity, terms),
    )


@dataclass(frozen=True, slots=True)
class LevelStatus:
    """One level's cap and counter in a window; no limit where the level is only counted."""

    level: limit_rules.SpendLevel
    subject: str
    limit: limit_rules.Limit | None
    counter: limit_rules.Counter
    window: Period

    @property
    def remaining_nanos(self) -> int | None:
        """What is left of a cap that is held against this very counter."""
        if self.limit is None or self.limit.counted_at is not self.counter.level:
            return None
        return limit_rules.Gate(self.level, self.subject, self.limit, self.counter).headroom_nanos


async def spend_status(
    client: Client, organization: Organization, *, period: Period, at: datetime, terms: Terms | None
) -> tuple[LevelStatus, ...]:
    """Return the organization, each group and seat tier, and each member with a limit of their own, up to a bound.

    The limits are those in force at `at`, or at the last instant of a month that is over; a limit of a day or a week
    stands in that of the same instant. A month that is yet to come begins with the limits of now.
    """
    asked_at, organization_id = min(at, period.end - _INSTANT), organization.organization_id
    found = await limits.in_force_at(client, organization_id, asked_at, size_max=MEMBER_LIMITS_MAX)
    in_force = [row.as_rule() for row in await lapsed_raises.as_of(client, organization_id, found, at=asked_at)]
    in_use = [group.id for group in await groups.in_use(client, organization_id, size_max=MEMBER_LIMITS_MAX)]
    named = {
        Level.ORGANIZATION: [organization_id],
        Level.GROUP: sorted({*in_use, *_subjects(in_force, Level.GROUP)}),
        Level.SEAT_TIER: sorted({*(terms.tiers if terms else ()), *_subjects(in_force, Level.SEAT_TIER)}),
        Level.MEMBER: _subjects(in_force, Level.MEMBER),
    }
    now = windows(max(asked_at, period.start), organization.time_zone)
    starts = [(interval, span.start) for interval, span in now.items()]
    subjects = Subjects(named[Level.GROUP], named[Level.SEAT_TIER], named[Level.MEMBER])
    counters = await expiry.counted(client, organization_id, starts, subjects, at=at)
    held: defaultdict[tuple[limit_rules.SpendLevel, str], list[limit_rules.Limit | None]] = defaultdict(list)
    for limit in in_force:
        held[limit.level, limit.subject].append(limit)
    return tuple(
        _status(level, subject, limit, counters, now)
        for level, of_level in named.items()
        for subject in of_level
        for limit in held.get((level, subject), [None])
    )


def _status(
    level: limit_rules.SpendLevel,
    subject: str,
    limit: limit_rules.Limit | None,
    counters: Mapping[WindowKey, limit_rules.Counter],
    now: Windows,
) -> LevelStatus:
    interval = limit.interval if limit else Interval.MONTH
    nothing = limit_rules.Counter(level, subject, interval=interval)
    counter = counters.get((interval, now[interval].start, level, subject), nothing)
    return LevelStatus(level, subject, limit, counter, now[interval])


def _subjects(in_force: Sequence[limit_rules.Limit], level: limit_rules.SpendLevel) -> list[str]:
    return sorted({limit.subject for limit in in_force if limit.level is level})


def _billable(peak: int, terms: Terms | None) -> int:
    items = terms.plan.items if terms else ()
    for item in items:
        if isinstance(item.quantity, PeakSeats) and item.allowance is not None and not item.quantity.tiers:
            return int(item.allowance.billed(Fraction(peak)))
    return peak


def _row(row: Row, by: Sequence[Dimension]) -> ReportRow:
    return ReportRow(
        tuple(str(row[dimension.value]) for dimension in by), row["quantity"], row["cost_nanos"], row["events"]
    )


def _report(by: tuple[Dimension, ...], rows: Sequence[ReportRow]) -> Report:
    total = ReportRow(
        (),
        sum(row.quantity for row in rows),
        sum(row.cost_nanos for row in rows),
        sum(row.events for row in rows),
    )
    return Report(by, tuple(rows) if by else (), total)
