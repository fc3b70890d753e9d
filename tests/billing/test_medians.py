"""What lies in the middle?"""

import statistics

from hypothesis import given
from hypothesis import strategies as st

from billing.medians import distance, median

NUMBERS = st.lists(st.integers(0, 10**15), min_size=1, max_size=60)


@given(values=NUMBERS)
def test_is_the_median_of_the_textbook_rounded_down(values: list[int]):
    assert median(values) == (statistics.median_low(values) + statistics.median_high(values)) // 2


@given(values=NUMBERS, shift=st.integers(0, 10**15))
def test_moving_everything_moves_the_middle_and_no_distance(values: list[int], shift: int):
    moved = [value + shift for value in values]

    assert median(moved) == median(values) + shift
    assert distance(moved) == distance(values)


@given(values=NUMBERS)
def test_order_has_no_say(values: list[int]):
    assert median(sorted(values)) == median(values[::-1])
