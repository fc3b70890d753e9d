"""What lies in the middle of some numbers, and how far do they lie from it?

A mean follows one wild number anywhere; a median stays with the many. All are integers, rounded down.

>>> median((5, 1, 900)), median((1, 2)), distance((1, 2, 3, 4, 900))
(5, 1, 1)
"""

from collections.abc import Sequence


def median(values: Sequence[int]) -> int:
    """Return the middle value, or the mean of the two in the middle; of nothing there is none."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) // 2


def distance(values: Sequence[int]) -> int:
    """Return the median distance of the values from their median."""
    middle = median(values)
    return median([abs(value - middle) for value in values])
