"""Do months begin and end where the organization lives?"""

import itertools
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import periods
from billing.periods import InvalidPeriod, Period, UnknownTimeZone
from tests.billing.builders import NOVEMBER, OCTOBER, at

ZONES = ("UTC", "America/New_York", "Africa/Cairo", "Asia/Beirut", "America/Havana", "Asia/Almaty", "Pacific/Apia")


@pytest.mark.parametrize(
    ("label", "zone", "start", "end", "hours"),
    [
        ("2026-03", "America/New_York", "2026-03-01 05:00", "2026-04-01 04:00", 743),
        ("2026-11", "America/New_York", "2026-11-01 04:00", "2026-12-01 05:00", 721),
        ("2026-02", "Asia/Almaty", "2026-01-31 19:00", "2026-02-28 19:00", 672),
        ("2024-02", "UTC", "2024-02-01 00:00", "2024-03-01 00:00", 696),
        ("2026-12", "UTC", "2026-12-01 00:00", "2027-01-01 00:00", 744),
    ],
)
def test_a_month_has_its_zone_s_bounds(label, zone, start, end, hours):
    month = periods.parse_label(label, zone)

    assert month == Period(at(start), at(end))
    assert month.microseconds == hours * 3_600_000_000
    assert periods.label(month, zone) == label


@pytest.mark.parametrize(
    ("zone", "start", "end", "days"),
    [
        ("America/New_York", "2024-03-09 05:00", "2024-03-11 04:00", 2),
        ("America/New_York", "2024-11-02 04:00", "2024-11-04 05:00", 2),
        ("Pacific/Apia", "2011-12-29 10:00", "2011-12-31 10:00", 2),
    ],
)
def test_counts_calendar_days_not_blocks_of_24_hours(zone, start, end, days):
    assert len(periods.local_days(Period(at(start), at(end)), zone)) == days


def test_goes_to_the_month_before_and_after():
    assert periods.next_month(OCTOBER, "UTC") == NOVEMBER
    assert periods.previous_month(NOVEMBER, "UTC") == OCTOBER
    assert periods.first_months(at("2026-10-31"), 2, "UTC") == (OCTOBER, NOVEMBER)
    assert tuple(periods.iterate(Period(OCTOBER.start, NOVEMBER.end), "UTC")) == (OCTOBER, NOVEMBER)
    assert periods.months_between(at("2026-10-31"), at("2027-01-01"), "UTC") == 3


@pytest.mark.parametrize(
    ("start", "months", "result"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-01-31", 2, "2026-03-31"),
        ("2026-01-31", 3, "2026-04-30"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-12-15", 1, "2027-01-15"),
    ],
)
def test_adding_months_keeps_the_day_where_there_is_one(start, months, result):
    assert periods.add_months(at(start), months, "UTC") == at(result)


def test_an_anchor_day_survives_february():
    february = periods.add_months(at("2026-01-31"), 1, "UTC", anchor_day=31)

    assert periods.add_months(february, 1, "UTC", anchor_day=31) == at("2026-03-31")


def test_adding_time_keeps_the_local_hour_when_the_clocks_change():
    before = datetime(2026, 3, 1, 9, tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)

    assert periods.add_months(before, 1, "America/New_York") == at("2026-04-01 13:00")
    assert periods.add_days(before, 30, "America/New_York") == at("2026-03-31 13:00")


def test_runs_of_months_are_laid_from_the_anchor():
    year = periods.months_span(at("2026-10-15"), at("2026-11-20"), 12, "UTC")

    assert year == Period(at("2025-11-01"), at("2026-11-01"))


def test_half_open_bounds_never_overlap():
    assert OCTOBER.contains(OCTOBER.start)
    assert not OCTOBER.contains(OCTOBER.end)
    assert OCTOBER.overlap(NOVEMBER) is None
    assert OCTOBER.overlap(Period(at("2026-10-30"), at("2026-11-30"))) == Period(at("2026-10-30"), at("2026-11-01"))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (at("2026-10-01"), at("2026-10-01")),
        (at("2026-10-02"), at("2026-10-01")),
        (datetime(2026, 10, 1), at("2026-10-02")),  # noqa: DTZ001
        (at("2026-10-01"), datetime(2026, 10, 2, tzinfo=ZoneInfo("Asia/Almaty"))),
    ],
)
def test_refuses_bounds_that_are_not_utc_instants_in_order(start, end):
    with pytest.raises(InvalidPeriod):
        Period(start, end)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "utc/../UTC", "x\0y"])
def test_refuses_an_unknown_time_zone(name):
    with pytest.raises(UnknownTimeZone, match="is not an IANA time zone"):
        periods.zone(name)


@pytest.mark.parametrize("label", ["2026-13", "2026-1", "26-01", "0001-01", "9999-12", "", "2026-10-01"])
def test_refuses_a_label_that_is_not_a_month(label):
    with pytest.raises(InvalidPeriod, match="is not a month"):
        periods.parse_label(label, "UTC")


instants = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(instant=instants, zone=st.sampled_from(ZONES))
def test_months_and_their_days_leave_no_gap(instant, zone):
    month = periods.month_containing(instant, zone)
    days = periods.local_days(month, zone)

    assert month.contains(instant)
    assert periods.previous_month(periods.next_month(month, zone), zone) == month
    assert (days[0].start, days[-1].end) == (month.start, month.end)
    assert all(left.end == right.start for left, right in itertools.pairwise(days))
    assert periods.days(month, zone) >= len(days) >= 28 - 1


@given(instant=instants)
def test_microseconds_read_back(instant):
    assert periods.from_microseconds(periods.to_microseconds(instant)) == instant
