"""What will the month come to?"""

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.forecasts import HISTORY_DAYS, Forecast, Gap, Month, Unknown, days_needed, forecast

JULY = Month(date(2026, 7, 1), date(2026, 8, 1))  # it begins on a Wednesday
DAY = timedelta(days=1)


def spend_of(*amounts: int, until: date) -> dict[date, int]:
    """Return so much on each day, the last of them the day before `until`."""
    return {until - (len(amounts) - index) * DAY: nanos for index, nanos in enumerate(amounts)}


def expected_from(spent: dict[date, int], today: date, month: Month = JULY) -> Forecast:
    found = forecast(spent, month=month, today=today)
    assert isinstance(found, Forecast)
    return found


def test_steady_spend_goes_on_without_a_doubt():
    today = date(2026, 7, 11)

    found = expected_from(spend_of(*[100] * 28, until=today), today)

    assert (found.spent, found.low, found.expected, found.high) == (1000, 3100, 3100, 3100)
    assert (found.history_days, found.distance, found.usual) == (28, 0, (100,) * 7)


def test_weekends_are_told_from_weekdays():
    """100 on weekdays and nothing at weekends, asked on Saturday 11 July.

    By hand: the last 28 days begin with a weekend, so the history is the 26 days from Monday 15 June. Without the 3
    highest and the 3 lowest its level is 17 × 100 / 20 = 85. A weekday is taken at (4×100 + 85) / 5 = 97, a weekend day
    at (3×0 + 85) / 4 = 21. Left are 15 weekdays and 6 weekend days. Compared with the others of its kind, a weekday is
    100 − (3×100 + 85) / 4 = 4 off, rounded as amounts are, and a weekend day (2×0 + 85) / 3 = 28.
    """
    today = date(2026, 7, 11)
    days = [today - count * DAY for count in range(1, 29)]
    spent = {day: 0 if day.weekday() > 4 else 100 for day in days}

    found = expected_from(spent, today)

    assert found.usual == (97, 97, 97, 97, 97, 21, 21)
    assert found.expected == 800 + 15 * 97 + 6 * 21
    assert found.distance == (20 * 4 + 6 * 28) // 26
    assert found.low < found.expected < found.high


def test_one_wild_day_moves_the_range_and_not_what_is_expected():
    today = date(2026, 7, 1)
    spent = spend_of(*[100] * 28, until=today)
    wild = {**spent, today - 3 * DAY: 50_000}

    calm, moved = expected_from(spent, today), expected_from(wild, today)

    assert calm.expected == moved.expected == 3_100  # the plain mean would give 58 350
    assert moved.high > 5 * moved.expected


def test_today_counts_for_what_it_has_cost_where_that_is_more():
    today = date(2026, 7, 31)
    spent = spend_of(*[100] * 30, until=today)

    assert expected_from(spent | {today: 40}, today).expected == 3_100
    assert expected_from(spent | {today: 250}, today).expected == 3_250


@pytest.mark.parametrize(("cap", "day"), [(1_000, 11), (1_001, 11), (1_101, 12), (3_100, 31), (3_101, None)])
def test_names_the_day_a_cap_is_reached(cap: int, day: int | None):
    today = date(2026, 7, 11)

    found = expected_from(spend_of(*[100] * 28, until=today), today)

    assert found.reached_on(cap) == (date(2026, 7, day) if day else None)


def test_says_why_it_cannot_tell():
    today = date(2026, 7, 11)

    assert forecast({}, month=JULY, today=today) == Unknown(Gap.TOO_LITTLE_HISTORY, 0, 0)
    assert forecast(spend_of(*[5] * 6, until=today), month=JULY, today=today) == Unknown(Gap.TOO_LITTLE_HISTORY, 30, 6)
    assert isinstance(forecast(spend_of(*[5] * 7, until=today), month=JULY, today=today), Forecast)


def test_a_month_that_is_over_came_to_what_was_spent():
    found = expected_from({date(2026, 7, 3): 70, date(2026, 6, 30): 1, date(2026, 8, 1): 1}, date(2026, 8, 1))

    assert (found.spent, found.low, found.expected, found.high, found.path) == (70, 70, 70, 70, ())
    assert found.reached_on(70) is None


def test_looks_into_a_month_that_has_not_begun():
    today = date(2026, 6, 20)

    found = expected_from(spend_of(*[100] * 28, until=today) | {today: 900}, today)

    assert (found.spent, found.expected, len(found.path)) == (0, 3_100, 31)
    assert days_needed(JULY, today)[0] == date(2026, 5, 23)


def test_asks_only_for_the_days_it_needs():
    running, over = days_needed(JULY, date(2026, 7, 11)), days_needed(JULY, date(2027, 7, 11))

    assert (running[0], running[-1]) == (date(2026, 6, 13), date(2026, 7, 31))
    assert (over[0], over[-1]) == (JULY.first, date(2026, 7, 31))
    assert days_needed(JULY, date(2026, 7, 30))[0] == JULY.first


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[date, int], date]:
    today = JULY.first + draw(st.integers(0, 30)) * DAY
    amounts = draw(st.lists(st.integers(0, 10**15), min_size=HISTORY_DAYS + 32, max_size=HISTORY_DAYS + 32))
    return {today - index * DAY: nanos for index, nanos in enumerate(amounts)}, today


@given(world=worlds())
def test_the_range_holds_what_is_expected_and_never_less_than_was_spent(world: tuple[dict[date, int], date]):
    found = forecast(world[0], month=JULY, today=world[1])

    if isinstance(found, Forecast):
        assert found.spent <= found.low <= found.expected <= found.high
        totals = [total for _, total in found.path]
        assert totals == sorted(totals)
        assert totals[-1] == found.expected
        assert [day for day, _ in found.path] == list(JULY.days_from(world[1]))


@given(world=worlds(), cap=st.integers(0, 10**17), more=st.integers(0, 10**17))
def test_a_higher_cap_is_never_reached_sooner(world: tuple[dict[date, int], date], cap: int, more: int):
    found = forecast(world[0], month=JULY, today=world[1])

    if isinstance(found, Forecast):
        low, high = found.reached_on(cap) or JULY.after, found.reached_on(cap + more) or JULY.after
        assert low <= high
        assert (found.reached_on(cap) is not None) == (found.expected >= cap)


@given(world=worlds(), more=st.integers(0, 10**12))
def test_more_on_every_day_never_lowers_what_is_expected(world: tuple[dict[date, int], date], more: int):
    spent, today = world

    less = forecast(spent, month=JULY, today=today)
    found = forecast({day: nanos + more for day, nanos in spent.items()}, month=JULY, today=today)

    if isinstance(less, Forecast) and less.history_days == HISTORY_DAYS:
        assert isinstance(found, Forecast)
        assert found.expected >= less.expected


def test_the_range_holds_the_real_total_about_four_times_in_five():
    """Try it on months drawn at random: weekdays near 100, weekends near 30, each day off by up to 40 percent."""
    dice, held, trials = Random(20_260_701), 0, 400
    for _ in range(trials):
        first = JULY.first - HISTORY_DAYS * DAY
        real = {
            first + index * DAY: (30_000 if (first + index * DAY).weekday() > 4 else 100_000) * dice.randint(60, 140)
            for index in range(HISTORY_DAYS + 31)
        }
        today = JULY.first + dice.randint(2, 20) * DAY
        found = expected_from({day: nanos for day, nanos in real.items() if day < today}, today)
        total = sum(nanos for day, nanos in real.items() if day >= JULY.first)
        held += found.low <= total <= found.high

    assert 70 <= 100 * held // trials <= 92
