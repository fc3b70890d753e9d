"""The demo's calendar: three whole months and a part of a fourth, whatever the day it is built on."""

from datetime import UTC, datetime, timedelta

import pytest

from api.demo.months import BEFORE, RUNNING, Months
from billing.periods import InvalidPeriod, days

ZONES = ("America/New_York", "Europe/Moscow", "Asia/Almaty", "Asia/Jakarta", "UTC", "Pacific/Kiritimati")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("labels", "example", "instant"),
    [
        ("2026-07 2026-08 2026-09 2026-10 2026-11", "2026-10", "2026-11-21T12:00"),
        ("2026-09 2026-10 2026-11 2026-12 2027-01", "2026-12", "2027-01-01T00:00"),
        ("2026-10 2026-11 2026-12 2027-01 2027-02", "2027-01", "2027-02-28T23:59:59"),
        ("2026-11 2026-12 2027-01 2027-02 2027-03", "2027-01", "2027-03-01T00:00"),
        ("2027-11 2027-12 2028-01 2028-02 2028-03", "2028-01", "2028-03-01T00:00"),
        ("2027-10 2027-11 2027-12 2028-01 2028-02", "2028-01", "2028-02-29T12:00"),
        ("2028-02 2028-03 2028-04 2028-05 2028-06", "2028-05", "2028-06-30T00:00"),
    ],
)
def test_covers_three_months_before_the_running_one(labels: str, example: str, instant: str) -> None:
    months = Months.before(at(instant), "UTC")

    assert [months.label(number) for number in range(BEFORE, RUNNING + 1)] == labels.split()
    assert months.label(months.worked_example) == example


def test_at_one_instant_months_differ_by_time_zone() -> None:
    instant = at("2026-10-31T18:00")

    found = {zone: Months.before(instant, zone).label(RUNNING) for zone in ("Asia/Jakarta", "Asia/Almaty", "UTC")}

    assert found == {"Asia/Jakarta": "2026-11", "Asia/Almaty": "2026-10", "UTC": "2026-10"}


@pytest.mark.parametrize("zone", ZONES)
def test_every_day_of_five_years_has_a_calendar(zone: str) -> None:
    for day in range(0, 5 * 366):
        months = Months.before(at("2025-01-01T04:30") + timedelta(days=day), zone)

        assert months.preceding.end == months.closed[0].start
        assert months.closed[-1].end == months.running.start <= months.at < months.running.end
        assert days(months.month(months.worked_example), zone) == 31
        for number in range(BEFORE, RUNNING + 1):
            month = months.month(number)
            assert month.start == months.moment(number, 1) < months.moment(number, 28, "23:59") < month.end
        assert all(months.month(n).end <= months.closing(n) <= months.at for n in range(BEFORE, RUNNING))


def test_the_running_month_ends_where_the_clock_stands() -> None:
    months = Months.before(at("2026-11-03T15:00"), "Europe/Moscow")

    found = list(months.days(RUNNING))

    assert [day.isoformat() for day, _ in found] == ["2026-11-01", "2026-11-02", "2026-11-03"]
    assert found[-1][1].end == months.at
    passed, whole = months.elapsed(RUNNING)
    assert passed * 720 == whole * 66, "66 of 720 hours"


def test_at_the_first_instant_of_a_month_nothing_of_it_has_passed() -> None:
    months = Months.before(at("2026-11-01T04:00"), "America/New_York")

    assert list(months.days(RUNNING)) == []
    assert months.elapsed(RUNNING)[0] == 0
    assert months.closing(RUNNING - 1) == months.at, "the month that just ended is closed in its last instant"


def test_an_instant_without_a_time_zone_is_refused() -> None:
    with pytest.raises(InvalidPeriod):
        Months.before(datetime(2026, 11, 1), "UTC")  # noqa: DTZ001  # the very thing under test
