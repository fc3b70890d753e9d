"""What looks thrown, and falls the same way on every machine?

Numbers from SplitMix64, started from a text. The same text gives the same numbers for ever, whatever the version of
Python, so that a demo built twice is the same demo.

>>> dice = Dice("tracker")
>>> [dice.below(6) for _ in range(8)]
[0, 0, 5, 0, 1, 3, 1, 3]
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, TypeVar

T = TypeVar("T")
_MASK: Final = (1 << 64) - 1


class Dice:
    """An endless row of numbers that depends on nothing but `seed`."""

    def __init__(self, seed: str) -> None:
        self._state = int.from_bytes(blake2b(seed.encode(), digest_size=8).digest())

    def below(self, bound: int) -> int:
        """Return a number from 0 up to, and without, `bound`."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _MASK
        return ((mixed ^ mixed >> 31) * bound) >> 64

    def between(self, low: int, high: int) -> int:
        """Return a number from `low` to `high`, both of them included."""
        return low + self.below(high - low + 1)

    def choose(self, among: Sequence[T]) -> T:
        """Return one of `among`."""
        return among[self.below(len(among))]

    def weighted(self, weights: Sequence[int]) -> int:
        """Return the position of one of `weights`, each as often as its weight says."""
        left = self.below(sum(weights))
        for position, weight in enumerate(weights):
            if left < weight:
                return position
            left -= weight
        raise AssertionError("the number is below the sum of the weights")
