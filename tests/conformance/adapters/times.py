"""Which instants does a case mean by its dates, and how much time lies between them? The second the calculator says."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from billing.periods import add_months
from tests.conformance.adapters.given import Document
from tests.conformance.answers import ask, one
from tests.conformance.comparing import Amount

MONTHS = {
    "month": 1,
    "monthly": 1,
    "quarter": 3,
    "quarterly": 3,
    "bimestrial": 2,
    "triannual": 4,
    "half-year": 6,
    "half_year": 6,
    "half_yearly": 6,
    "sesquiennial": 18,
    "semiannual": 6,
    "biannual": 6,
    "year": 12,
    "yearly": 12,
    "annual": 12,
    "biennial": 24,
}
DAYS = {
    "day": 1,
    "daily": 1,
    "week": 7,
    "weekly": 7,
    "biweekly": 14,
    "thirty_days": 30,
    "thirty_one_days": 31,
    "ninety_days": 90,
}


def instant(text: str) -> datetime:
    """Return the instant of a date or a time; without an offset it is in UTC."""
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def month(text: str) -> tuple[datetime, datetime]:
    """Return the first instant of a month and of the next."""
    start = instant(f"{text}-01")
    return start, add_months(start, 1, "UTC")


def days_of(text: str) -> int:
    """Return how many days a month has."""
    year, number = map(int, text.split("-"))
    return monthrange(year, number)[1]


def step(at: datetime, interval: str, count: int) -> datetime:
    """Return the instant `count` intervals after `at`, which keeps its day of the month where there is one."""
    if interval.lower() in DAYS:
        return at + timedelta(days=DAYS[interval.lower()] * count)
    return add_months(at, MONTHS[interval.lower()] * count, "UTC", anchor_day=at.day)


def span(start: datetime, end: datetime, **more: datetime) -> Document:
    """Return an interval as a question writes it."""
    written = {key: at.isoformat() for key, at in more.items()}
    return {"start": start.isoformat(), "end": end.isoformat(), "time_zone": "UTC", **written}


def day(text: str) -> date:
    """Return a date, or the day of a time as the clocks of its place show it."""
    return datetime.fromisoformat(text).date()


def part_of(
    start: datetime, end: datetime, within: tuple[datetime, datetime], policy: str, *, zone: str = "UTC"
) -> Fraction:
    """Return which part of `within` lies between two instants, as the calculator bills it of a fee of 1."""
    return fee_of("1", start, end, within, policy, zone=zone).exact


def fee_of(
    amount: str,
    start: datetime,
    end: datetime,
    within: tuple[datetime, datetime],
    policy: str,
    *,
    zone: str = "UTC",
    currency: str = "USD",
) -> Amount:
    """Return what a fee of `amount` for `within` costs that is in force between two instants of it."""
    measured = {"span": {**span(*within, since=start, until=end), "time_zone": zone}}
    entry = one({"model": "UNIT", "unit": amount}, quantity={"kind": "FLAT"}, measured=measured, proration=policy)
    return ask([entry], currency=currency).amount


def days_between(first: date, last: date, policy: str = "ACTUAL_EXCLUSIVE", *, zone: str = "UTC") -> Fraction:
    """Return the days from one to another: what a fee of 1 a day costs, asked for the calendar years around them."""
    within = date(first.year, 1, 1), date(last.year + 1, 1, 1)
    fixed = policy.removeprefix("FIXED_")
    years = within[1].year - within[0].year
    whole = years * 12 * int(fixed) if fixed.isdigit() else (within[1] - within[0]).days
    bounds = (local_midnight(within[0], zone), local_midnight(within[1], zone))
    starts, ends = local_midnight(first, zone), local_midnight(last, zone)
    if ends < starts:
        raise ValueError(f"{last} comes before {first}")
    return fee_of(str(whole), starts, ends, bounds, policy, zone=zone).exact


def local_midnight(day: date, zone: str) -> datetime:
    """Return the first instant of a day where the clocks of `zone` show it."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
