"""Which instants does a case mean by its dates?"""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

from billing.periods import add_months
from tests.conformance.adapters.given import Document

MONTHS = {
    "month": 1,
    "monthly": 1,
    "quarter": 3,
    "quarterly": 3,
    "half-year": 6,
    "semiannual": 6,
    "biannual": 6,
    "year": 12,
    "yearly": 12,
    "annual": 12,
    "biennial": 24,
}
DAYS = {"day": 1, "daily": 1, "week": 7, "weekly": 7, "biweekly": 14, "thirty_days": 30}


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
    """Return a date."""
    return date.fromisoformat(text)
