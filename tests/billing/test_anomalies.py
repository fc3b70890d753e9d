"""Is a day unusual for a member?"""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.anomalies import (
    ACTIVE_DAYS_MIN,
    DISTANCES,
    HISTORY_DAYS,
    Baseline,
    Sensitivity,
    Watch,
    baseline,
    dedup_id,
    is_unusual,
)
from billing.money import NANOS_MAX

TODAY = date(2026, 7, 29)
DAY = timedelta(days=1)
ALERT = [Sensitivity.LOW, Sensitivity.NORMAL, Sensitivity.HIGH]
AMOUNTS = st.lists(st.integers(1, 10**12), min_size=ACTIVE_DAYS_MIN, max_size=HISTORY_DAYS)


def days_of(amounts: list[int]) -> dict[date, int]:
    """Return so much on each of the days before today, the last of them yesterday."""
    return {TODAY - index * DAY: nanos for index, nanos in enumerate(reversed(amounts), start=1)}


def threshold(amounts: list[int], sensitivity: Sensitivity = Sensitivity.NORMAL, floor: int = 0) -> int:
    found = baseline(days_of(amounts), day=TODAY, watch=Watch(sensitivity, floor))
    assert found is not None
    return found.threshold


@pytest.mark.parametrize(
    ("amounts", "sensitivity", "floor", "expected"),
    [
        # distances from 100: 10 0 10 20 20 0 0 → median 10; a sixth of 100, rounded up, is 17 and more than that
        ([90, 100, 110, 80, 120, 100, 100], Sensitivity.NORMAL, 0, 100 + 6 * 17),
        ([90, 100, 110, 80, 120, 100, 100], Sensitivity.LOW, 0, 100 + 10 * 17),
        ([90, 100, 110, 80, 120, 100, 100], Sensitivity.HIGH, 0, 100 + 4 * 17),
        # 10 to 70: the median is 40, the distances 30 20 10 0 10 20 30 have the median 20
        ([10, 20, 30, 40, 50, 60, 70], Sensitivity.NORMAL, 0, 40 + 6 * 20),
        ([10, 20, 30, 40, 50, 60, 70], Sensitivity.NORMAL, 500, 500),
        ([100, 100, 100, 100, 100, 100, 10**9], Sensitivity.NORMAL, 0, 100 + 6 * 17),
    ],
)
def test_stands_so_many_distances_above_the_median(
    amounts: list[int], sensitivity: Sensitivity, floor: int, expected: int
):
    assert threshold(amounts, sensitivity, floor) == expected


def test_knows_nothing_of_newcomers_and_of_nobody_when_it_is_off():
    few = days_of([100] * (ACTIVE_DAYS_MIN - 1))
    enough = days_of([100] * ACTIVE_DAYS_MIN)

    assert baseline(few, day=TODAY, watch=Watch(Sensitivity.NORMAL, 0)) is None
    assert baseline(enough, day=TODAY, watch=Watch(Sensitivity.NORMAL, 0)) is not None
    assert baseline(enough, day=TODAY, watch=Watch(Sensitivity.OFF, 0)) is None


def test_looks_neither_at_the_day_itself_nor_at_what_is_long_ago():
    watch = Watch(Sensitivity.NORMAL, 0)
    usual = days_of([100] * ACTIVE_DAYS_MIN)
    beyond = {TODAY: 10**9, TODAY + DAY: 10**9, TODAY - (HISTORY_DAYS + 1) * DAY: 10**9}

    assert baseline(usual | beyond, day=TODAY, watch=watch) == baseline(usual, day=TODAY, watch=watch)
    last = {TODAY - HISTORY_DAYS * DAY: 100}
    found = baseline(usual | last, day=TODAY, watch=watch)
    assert found is not None
    assert found.days == ACTIVE_DAYS_MIN + 1


def test_the_floor_itself_is_not_unusual():
    usual = Baseline(median=1, distance=0, days=7, threshold=50)

    assert not is_unusual(50, usual)
    assert is_unusual(51, usual)


def test_a_threshold_never_leaves_what_a_row_can_hold():
    assert threshold([NANOS_MAX] * 7) == NANOS_MAX


def test_a_members_day_has_one_name():
    assert dedup_id("ann", TODAY) == "unusual:ann:2026-07-29"


@given(amounts=AMOUNTS, sensitivity=st.sampled_from(ALERT), floor=st.integers(0, 10**12))
def test_neither_the_floor_nor_a_usual_day_is_ever_unusual(amounts: list[int], sensitivity: Sensitivity, floor: int):
    found = threshold(amounts, sensitivity, floor)

    assert found >= floor
    assert found >= sorted(amounts)[len(amounts) // 2]


@given(amounts=AMOUNTS, idle=st.integers(0, 20))
def test_days_of_rest_change_nothing(amounts: list[int], idle: int):
    kept = amounts[: HISTORY_DAYS - idle]
    if len(kept) >= ACTIVE_DAYS_MIN:
        assert threshold([0] * idle + kept) == threshold(kept)


@given(amounts=AMOUNTS, floor=st.integers(0, 10**12))
def test_a_higher_sensitivity_never_alerts_later(amounts: list[int], floor: int):
    low, normal, high = (threshold(amounts, each, floor) for each in ALERT)

    assert low >= normal >= high
    assert list(DISTANCES) == ALERT


@given(amounts=st.lists(st.integers(1, 10**9), min_size=9, max_size=HISTORY_DAYS), wild=st.integers(1, 10**15))
def test_less_than_half_of_wild_days_cannot_lift_the_threshold_away(amounts: list[int], wild: int):
    count = (len(amounts) - 1) // 2
    spoilt = [*amounts[count:], *[wild] * count]

    assert threshold(spoilt, floor=0) <= 1 + max(amounts) * (1 + DISTANCES[Sensitivity.NORMAL])


@given(amounts=AMOUNTS, times=st.integers(1, 1_000))
def test_another_currency_unit_is_the_same_judgement(amounts: list[int], times: int):
    six_fold = [6 * nanos for nanos in amounts]  # so that a sixth, and the mean of two in the middle, is exact

    assert threshold([times * nanos for nanos in six_fold]) == times * threshold(six_fold)
