"""More calendars: leap days, the ends of months, clocks that change, months of 28 to 31 days by decree."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from tests.conformance.variations.figures import Given, Made, cents, nearest, written

Found = Iterator[tuple[Given, Given, str]]
ANCHORS: Final = (
    "2026-01-31",
    "2024-01-31",
    "2024-02-29",
    "2025-12-31",
    "2026-01-30",
    "2026-01-29",
    "2026-01-28",
    "2026-01-01",
    "2026-08-31",
    "2023-03-15",
)
MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


def clamps() -> Found:
    for interval, step in MONTHS.items():
        for text in ANCHORS:
            anchor, found = date.fromisoformat(text), list[str]()
            for count in range(1, 7):
                index = anchor.year * 12 + anchor.month - 1 + step * count
                year, month = index // 12, index % 12 + 1
                day = anchor.day
                while day > monthrange(year, month)[1]:
                    day -= 1
                found.append(date(year, month, day).isoformat())
            yield {"anchor": text, "interval": interval}, {"next": found}, "anchor day is remembered"
    for interval, days in (("day", 1), ("week", 7)):
        anchor = date(2024, 2, 26)
        dates = [(anchor + timedelta(days=days * count)).isoformat() for count in range(1, 6)]
        yield {"anchor": anchor.isoformat(), "interval": interval}, {"next": dates}, ""


def clocks() -> Found:
    for zone in (
        "America/New_York",
        "Europe/Berlin",
        "Australia/Lord_Howe",
        "Asia/Kolkata",
        "UTC",
        "America/Sao_Paulo",
    ):
        for first, last in (
            ("2024-03-09", "2024-03-11"),
            ("2024-11-02", "2024-11-04"),
            ("2024-03-10", "2024-03-10"),
            ("2024-02-28", "2024-03-01"),
            ("2023-12-31", "2024-01-01"),
            ("2018-11-03", "2018-11-05"),
        ):
            day, count = date.fromisoformat(first), 0
            while day < date.fromisoformat(last):
                day, count = day + timedelta(days=1), count + 1
            yield {"timezone": zone, "spans": [[first, last]]}, {"days": [count]}, "calendar days"


def fractions() -> Found:
    for start, end, before in (
        ("2024-02-23", "2024-03-15", "2024-02-15"),
        ("2023-02-23", "2023-03-15", "2023-02-15"),
        ("2024-02-15", "2024-03-15", "2024-02-15"),
        ("2024-03-14", "2024-03-15", "2024-02-15"),
        ("2023-12-31", "2024-01-15", "2023-12-15"),
        ("2024-06-20", "2024-07-01", "2024-06-01"),
        ("2024-07-20", "2024-08-01", "2024-07-01"),
        ("2024-05-01", "2024-05-31", "2024-04-30"),
        ("2023-02-10", "2023-02-28", "2023-01-28"),
        ("2024-02-29", "2024-03-29", "2024-02-29"),
    ):
        days = _days(start, end)
        whole = _days(before, end)
        ninth = written(nearest(Fraction(days, whole), 9))
        given = {"start": start, "next_cycle": end, "interval": "MONTHLY"}
        yield given, {"days": days, "period_days": whole, "fraction": ninth}, "actual days; end exclusive"


def fixed() -> Found:
    for of_month in (28, 29, 30, 31):
        for start, end in (
            ("2023-02-23", "2023-03-15"),
            ("2024-02-23", "2024-03-15"),
            ("2024-02-29", "2024-03-29"),
            ("2023-05-23", "2023-06-15"),
            ("2023-05-31", "2023-06-15"),
            ("2023-12-31", "2024-01-31"),
            ("2023-06-15", "2023-06-15"),
        ):
            first, last = date.fromisoformat(start), date.fromisoformat(end)
            months = (last.year - first.year) * 12 + last.month - first.month
            days = months * of_month + min(last.day, of_month) - min(first.day, of_month)
            share = Fraction(days, of_month)
            given = {"start": start, "end": end, "fixed_days": of_month, "price": "19.95"}
            expected = {
                "days": days,
                "fraction": written(nearest(share, 9)),
                "amount": written(nearest(Fraction("19.95") * share, 2)),
            }
            yield given, expected, "every month counts the same"


def repairs() -> Found:
    for paused in (3, 4, 10, 17, 31):
        used = _days("2012-03-02", f"2012-03-{paused:02}")
        given = {"price": "249.95", "period": ["2012-03-02", "2012-04-02"], "paused": f"2012-03-{paused:02}"}
        yield given, {"repair": written(-nearest(Fraction("249.95") * Fraction(31 - used, 31), 2))}, ""
    for paused in (2, 10, 28, 29):
        used = _days("2024-02-01", f"2024-02-{paused:02}")
        given = {"price": "100", "period": ["2024-02-01", "2024-03-01"], "from": f"2024-02-{paused:02}"}
        yield given, {"repair": written(-nearest(100 * Fraction(29 - used, 29), 2))}, ""


def leading() -> Found:
    for start, end, whole in (
        ("2012-03-02", "2012-03-31", 31),
        ("2012-03-03", "2012-03-31", 31),
        ("2024-02-02", "2024-03-01", 29),
        ("2023-02-02", "2023-03-01", 28),
        ("2024-01-15", "2024-04-01", 91),
        ("2024-12-31", "2025-01-01", 366),
    ):
        amount = nearest(Fraction("599.95") * Fraction(_days(start, end), whole), 2)
        yield {"price": "599.95", "start": start, "end": end, "period_days": whole}, {"amount": written(amount)}, ""


def inclusive() -> Found:
    for part in ("0/31", "1/31", "17/31", "31/31", "1/28", "29/29", "1/2", "15/30", "1/3", "6/7"):
        yield {"add_total": "25", "fraction": part}, {"debit": written(nearest(25 * Fraction(part), 2))}, ""
        yield {"plan_cents": 1000, "unused": part}, {"credit_cents": cents(10 * Fraction(part))}, ""


def _days(first: str, last: str) -> int:
    day, count = date.fromisoformat(first), 0
    while day < date.fromisoformat(last):
        day, count = day + timedelta(days=1), count + 1
    return count


KINDS: Final[dict[str, Made]] = {
    "month_add_clamp": clamps,
    "day_count_dst": clocks,
    "proration_fraction": fractions,
    "proration_fraction_fixed_days": fixed,
    "repair": repairs,
    "proration_amount": leading,
    "proration_days_inclusive": inclusive,
}
