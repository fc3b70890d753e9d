"""Which amounts did a running sum pass?

An alert, or a bill in the middle of a month, is due when usage reaches an amount. One step may pass several, and they
are one news; beyond the last amount a recurring step goes on without end.

>>> passed(Thresholds((1500, 3000, 5000)), 1000, 3000)
(1500, 3000)
>>> passed(Thresholds((200, 500, 700), recurring=1000), 660, 2860)
(700, 1700, 2700)
"""

from dataclasses import dataclass


class InvalidThresholds(ValueError):
    """The amounts do not rise from above zero."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Amounts in rising order, and perhaps a step that repeats beyond the last of them."""

    amounts: tuple[int, ...]
    recurring: int | None = None

    def __post_init__(self) -> None:
        if list(self.amounts) != sorted(set(self.amounts)) or any(amount <= 0 for amount in self.amounts):
            raise InvalidThresholds(f"amounts {self.amounts} must rise from above 0, each once")
        if self.recurring is not None and self.recurring <= 0:
            raise InvalidThresholds(f"recurring step of {self.recurring} must be above 0")


def passed(thresholds: Thresholds, before: int, after: int) -> tuple[int, ...]:
    """Return the amounts reached by going from `before` to `after`, lowest first."""
    found = [amount for amount in thresholds.amounts if before < amount <= after]
    if thresholds.recurring is not None:
        last = max(thresholds.amounts, default=0)
        done = max(0, (before - last) // thresholds.recurring)
        due = max(0, (after - last) // thresholds.recurring)
        found += [last + thresholds.recurring * step for step in range(done + 1, due + 1)]
    return tuple(found)
