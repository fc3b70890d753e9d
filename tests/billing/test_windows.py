"""In which month, week and day does a moment count?"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.windows import Interval, window, windows

ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Pacific/Apia", "America/Sao_Paulo")
EPOCH = datetime(2011, 1, 1, tzinfo=UTC)
moments = st.integers(0, 20 * 365 * 24 * 3_600).map(lambda seconds: EPOCH + timedelta(seconds=seconds))


def test_a_week_runs_from_monday_to_monday_also_over_a_new_year():
    found = window(Interval.WEEK, datetime(2027, 1, 1, tzinfo=UTC), "UTC")

    assert (found.start, found.end) == (datetime(2026, 12, 28, tzinfo=UTC), datetime(2027, 1, 4, tzinfo=UTC))


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 8), 23), ((2026, 11, 1), 25), ((2026, 6, 1), 24)])
def test_a_day_is_as_long_as_the_clocks_make_it(day, hours):
    noon = datetime(*day, 17, tzinfo=UTC)

    assert window(Interval.DAY, noon, "America/New_York").microseconds == hours * 3_600_000_000


def test_the_last_instant_of_a_day_is_in_it_and_the_next_is_not():
    day = window(Interval.DAY, datetime(2026, 10, 5, 12, tzinfo=UTC), "Asia/Kolkata")

    assert windows(day.end - timedelta(microseconds=1), "Asia/Kolkata")[Interval.DAY] == day
    assert windows(day.end, "Asia/Kolkata")[Interval.DAY].start == day.end


@given(at=moments, zone=st.sampled_from(ZONES))
def test_every_moment_is_in_its_windows_and_its_day_in_its_week_and_month(at, zone):
    found = windows(at, zone)

    assert list(found) == [Interval.MONTH, Interval.WEEK, Interval.DAY]
    assert all(period.contains(at) for period in found.values())
    for wider in (Interval.MONTH, Interval.WEEK):
        assert found[wider].overlap(found[Interval.DAY]) == found[Interval.DAY]


@given(at=moments, zone=st.sampled_from(ZONES), interval=st.sampled_from(Interval))
def test_windows_follow_each_other_without_gap_or_overlap(at, zone, interval):
    here = window(interval, at, zone)

    assert window(interval, here.end, zone).start == here.end
    assert window(interval, here.start - timedelta(microseconds=1), zone).end == here.start
