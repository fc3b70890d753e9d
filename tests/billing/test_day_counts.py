"""Do the days of a period add up, whatever the clocks and the calendar do?"""

from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import day_counts, periods
from billing.day_counts import DayCount, cut, fixed_days, shares
from billing.periods import INSTANT, Period
from billing.usage_events import UsageEvent, ordered
from tests.billing.builders import a_month, at

NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"
BY_DAYS = tuple(policy for policy in DayCount if policy not in (DayCount.BY_SECOND, DayCount.FULL))


@pytest.mark.parametrize(
    ("start", "end", "of_month", "days"),
    [
        # killbill/killbill TestInvoiceDateUtilsWithFixedProration
        ((2023, 5, 23), (2023, 6, 15), 30, 22),
        ((2023, 2, 23), (2023, 3, 15), 30, 22),
        ((2024, 2, 23), (2024, 3, 15), 30, 22),
        ((2023, 2, 23), (2023, 3, 15), 28, 20),
        ((2023, 12, 31), (2024, 1, 31), 30, 30),
        ((2024, 2, 29), (2024, 3, 1), 28, 1),
    ],
)
def test_fixed_months_have_the_days_they_are_said_to_have(start, end, of_month, days):
    assert fixed_days(date(*start), date(*end), of_month) == days


@pytest.mark.parametrize(
    ("policy", "parts"),
    [
        (DayCount.BY_SECOND, ("1/2", "1/2")),
        (DayCount.ACTUAL_INCLUSIVE, ("1/2", "1/2")),
        (DayCount.ACTUAL_EXCLUSIVE, ("1/2", "1/2")),
        (DayCount.FIXED_30, ("1/2", "1/2")),
        (DayCount.FIXED_28, ("15/28", "13/28")),
        (DayCount.FULL, ("0", "1")),
    ],
)
def test_june_is_divided_by_the_named_policy(policy, parts):
    june, middle = a_month("2026-06"), at("2026-06-16")

    found = shares((Period(june.start, middle), Period(middle, june.end)), june, "UTC", policy)

    assert found == tuple(map(Fraction, parts))


@given(
    policy=st.sampled_from([policy for policy in DayCount if policy is not DayCount.FULL]),
    month=st.sampled_from(("2024-02", "2026-02", "2026-03", "2026-10", "2026-11", "2026-12")),
    zone=st.sampled_from((NEW_YORK, BERLIN, "UTC", "Asia/Kathmandu", "Pacific/Apia")),
    cuts=st.sets(st.integers(1, 27 * 86_400), max_size=5),
)
def test_the_parts_of_a_month_add_up_to_the_whole(policy, month, zone, cuts):
    period = periods.parse_label(month, zone)
    edges = [cut(period.start + timedelta(seconds=each), period, zone, policy) for each in sorted(cuts)]
    bounds = sorted({period.start, *edges, period.end})

    parts = shares([Period(*pair) for pair in pairwise(bounds)], period, zone, policy)

    assert sum(parts) == 1


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ((2024, 3, 10), NEW_YORK, 23),
        ((2024, 11, 3), NEW_YORK, 25),
        ((2026, 3, 29), BERLIN, 23),
        ((2026, 7, 1), BERLIN, 24),
    ],
)
def test_a_day_is_a_day_of_23_24_or_25_hours(day, zone, hours):
    start, end = (periods.day_start(date(*day) + timedelta(days=more), zone) for more in (0, 1))
    month = periods.month_containing(start, zone)
    days = periods.days(month, zone)

    by_days, by_second = (
        shares((Period(start, end),), month, zone, policy)[0]
        for policy in (DayCount.ACTUAL_EXCLUSIVE, DayCount.BY_SECOND)
    )

    assert (end - start) // timedelta(hours=1) == hours
    assert by_days == Fraction(1, days)
    assert by_second == Fraction(hours, month.microseconds // 3_600_000_000)


def test_february_has_a_leap_day():
    months = [periods.parse_label(label, "UTC") for label in ("2024-02", "2026-02")]
    last = [Period(month.end - timedelta(days=1), month.end) for month in months]

    found = [
        shares((span,), month, "UTC", DayCount.ACTUAL_INCLUSIVE)[0] for span, month in zip(last, months, strict=True)
    ]

    assert found == [Fraction(1, 29), Fraction(1, 28)]


@pytest.mark.parametrize(
    ("anchor", "months", "days"),
    [
        ("2026-01-31", (1, 2, 3), ("2026-02-28", "2026-03-31", "2026-04-30")),
        ("2024-01-31", (1,), ("2024-02-29",)),
        ("2024-02-29", (12, 48), ("2025-02-28", "2028-02-29")),
    ],
)
def test_the_31st_is_the_last_day_where_a_month_has_no_31st(anchor, months, days):
    start = at(anchor)

    found = [periods.add_months(start, count, "UTC", anchor_day=start.day) for count in months]

    assert [each.date().isoformat() for each in found] == list(days)


@pytest.mark.parametrize("hours", [-5, 0, 5.5])
@pytest.mark.parametrize(("shift", "inside"), [(-INSTANT, False), (timedelta(0), True), (INSTANT, True)])
def test_an_event_at_the_boundary_belongs_to_one_month_in_any_offset(hours, shift, inside):
    october = a_month("2026-10")
    written = (october.start + shift).astimezone(timezone(timedelta(hours=hours))).isoformat()

    event = UsageEvent(datetime.fromisoformat(written).astimezone(UTC), "e", "ann", "calls", Fraction(1))

    assert bool(ordered((event,), "calls", october)) is inside
    assert bool(ordered((event,), "calls", a_month("2026-09"))) is not inside


@pytest.mark.parametrize("policy", BY_DAYS)
def test_a_change_by_days_divides_at_the_beginning_of_its_day(policy):
    october = a_month("2026-10", BERLIN)

    assert cut(at("2026-10-15 23:30"), october, BERLIN, policy) == periods.day_start(date(2026, 10, 16), BERLIN)
    assert cut(october.start, october, BERLIN, policy) == october.start


def test_no_span_has_no_share():
    assert shares((), a_month(), "UTC", DayCount.FULL) == ()
    assert day_counts.last_date(at("2026-10-15"), "UTC") == date(2026, 10, 14)
