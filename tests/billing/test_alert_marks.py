"""At which points of a limit is somebody told?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.alert_marks import (
    MARKS_MAX,
    REPEATS_AT_ONCE_MAX,
    EveryAmount,
    EveryPercent,
    InvalidMarks,
    Mark,
    Plan,
    dedup_id,
    marks,
    repeat_of,
)
from billing.money import NANOS_MAX
from tests.billing.builders import at


@pytest.mark.parametrize(
    ("cap", "used", "reached"),
    [
        (100, 74, []),
        (100, 75, [75]),
        (100, 100, [75, 90, 100]),
        (100, 150, [75, 90, 100]),
        (0, 1, [75, 90, 100]),
        (0, 0, []),
        (3, 2, []),
        (3, 3, [75, 90, 100]),
        (None, 5, []),
    ],
)
def test_a_percent_is_reached_exactly_at_its_part_of_the_cap(cap, used, reached):
    plan = Plan() if cap is not None else Plan(())

    assert [mark.percent for mark in marks(plan, cap, used)] == reached


def test_percents_and_amounts_are_told_in_the_order_they_are_reached():
    found = marks(Plan((50, 100), amounts=(30, 100)), 100, 100)

    assert [(mark.nanos, mark.percent) for mark in found] == [(30, None), (50, 50), (100, None), (100, 100)]
    assert [mark.label for mark in found] == ["30n", "50", "100n", "100"]


@pytest.mark.parametrize(
    ("plan", "cap", "used", "labels"),
    [
        (Plan((100,), repeat=EveryPercent(10)), 200, 239, ["100", "110"]),
        (Plan((100,), repeat=EveryPercent(10)), 200, 240, ["100", "110", "120"]),
        (Plan((), amounts=(50,), repeat=EveryAmount(20)), None, 95, ["50n", "70n", "90n"]),
        (Plan((75,), amounts=(10,), repeat=EveryAmount(40)), 100, 60, ["10n", "50n"]),
        (Plan((), repeat=EveryAmount(40)), 10, 80, ["40n", "80n"]),
        (Plan((), repeat=EveryPercent(40)), 0, 80, []),
    ],
)
def test_a_step_repeats_beyond_the_last_of_its_own_kind(plan, cap, used, labels):
    assert [mark.label for mark in marks(plan, cap, used)] == labels


@given(step=st.integers(1, 50), used=st.integers(1, 10**9))
def test_one_leap_tells_a_bounded_number_and_the_highest_among_them(step, used):
    found = marks(Plan((), repeat=EveryAmount(step)), None, used)

    assert len(found) == min(REPEATS_AT_ONCE_MAX, used // step)
    assert not found or found[-1].nanos == used - used % step


@given(cap=st.integers(0, 1_000), path=st.lists(st.integers(0, 1_000), min_size=1, max_size=10))
def test_what_is_reached_stays_reached_as_use_grows(cap, path):
    plan, seen = Plan((10, 75, 90, 100), amounts=(3, 400)), set[Mark]()

    for used in sorted(path):
        found = set(marks(plan, cap, used))
        assert seen <= found
        seen = found


@pytest.mark.parametrize(
    ("mark", "cap", "percent"), [(Mark(75, 75), 100, 75), (Mark(5, None), 40, 12), (Mark(5, None), None, 0)]
)
def test_an_amount_is_a_percent_of_the_cap_rounded_down(mark, cap, percent):
    assert mark.percent_of(cap) == percent


@pytest.mark.parametrize(
    ("percents", "amounts", "repeat"),
    [
        ((90, 75), (), None),
        ((75, 75), (), None),
        ((0,), (), None),
        ((101,), (), None),
        ((), (0,), None),
        ((), (NANOS_MAX + 1,), None),
        (tuple(range(1, MARKS_MAX + 1)), (1,), None),
        ((), (), EveryPercent(0)),
        ((), (), EveryPercent(1_001)),
        ((), (), EveryAmount(0)),
    ],
)
def test_refuses_points_out_of_bounds(percents, amounts, repeat):
    with pytest.raises(InvalidMarks):
        Plan(percents, amounts, repeat)


def test_an_alert_has_one_name():
    names = {
        dedup_id("l", at("2026-10-01"), mark, version)
        for mark, version in ((Mark(75, 75), 1), (Mark(90, 90), 1), (Mark(75, None), 1), (Mark(75, 75), 2))
    }

    assert len(names) == 4
    assert dedup_id("l", at("2026-10-01"), Mark(75, 75), 1) in names


def test_a_document_that_says_no_step_is_refused() -> None:
    with pytest.raises(ValueError, match="is no step"):
        repeat_of({"percents": 10})
