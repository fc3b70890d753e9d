"""What does a reservation hold, and what is left of a limit?

Spend is reserved before it happens, and a hold ends exactly once: settled with what was really spent, released, or
expired. Settled spend and live holds never exceed the limit in force when a hold was granted; what a settlement spends
beyond its hold, or after it expired, is treated by a named policy.

>>> account = Account(100)
>>> account, first = reserve(account, "r1", 60)
>>> account, second = reserve(account, "r2", 60)
>>> first.value, second.value, account.held, account.free
('GRANTED', 'DENIED', 60, 40)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import assert_never


class Late(StrEnum):
    """What a settlement after the end of its hold does."""

    REJECTED = "REJECTED"  # nothing is recorded
    RECORDED = "RECORDED"  # the spend has happened, so it is kept, over the limit if need be


class Outcome(StrEnum):
    """What became of a request."""

    GRANTED = "GRANTED"
    DENIED = "DENIED"
    SETTLED = "SETTLED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    RECORDED_LATE = "RECORDED_LATE"


@dataclass(frozen=True, slots=True)
class Account:
    """A limit, what is settled, and the live holds by id. An id once used is never used again."""

    limit: int
    settled: int = 0
    holds: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    ended: frozenset[str] = frozenset()

    @property
    def held(self) -> int:
        """What the live holds keep."""
        return sum(self.holds.values())

    @property
    def free(self) -> int:
        """What can still be reserved; never below zero."""
        return max(0, self.limit - self.settled - self.held)


def reserve(account: Account, hold_id: str, amount: int) -> tuple[Account, Outcome]:
    """Return the account after a request to hold `amount`; asked twice, a hold is granted once."""
    if hold_id in account.holds:
        return account, Outcome.GRANTED
    if amount < 0 or amount > account.free or hold_id in account.ended:
        return account, Outcome.DENIED
    return replace(account, holds=MappingProxyType({**account.holds, hold_id: amount})), Outcome.GRANTED


def settle(account: Account, hold_id: str, spent: int, late: Late) -> tuple[Account, Outcome]:
    """Return the account after the spend behind a hold is known: the hold ends, the rest of it is free."""
    if hold_id in account.holds:
        return replace(_end(account, hold_id), settled=account.settled + spent), Outcome.SETTLED
    match late:
        case Late.REJECTED:
            return account, Outcome.REJECTED
        case Late.RECORDED:
            return replace(account, settled=account.settled + spent), Outcome.RECORDED_LATE
        case _:
            assert_never(late)


def release(account: Account, hold_id: str) -> tuple[Account, Outcome]:
    """Return the account after a hold is given up; one that has ended stays ended."""
    return (_end(account, hold_id), Outcome.RELEASED) if hold_id in account.holds else (account, Outcome.REJECTED)


def expire(account: Account, hold_id: str) -> tuple[Account, Outcome]:
    """Return the account after a hold's time is over; one that has ended stays ended."""
    return (_end(account, hold_id), Outcome.EXPIRED) if hold_id in account.holds else (account, Outcome.REJECTED)


@dataclass(frozen=True, slots=True)
class Covered:
    """How one spend meets what is left of a hold: the part it covers, the part beyond it, and what is left then."""

    covered: int
    excess: int
    left: int


def cover(left: int, spent: int) -> Covered:
    """Return how much of `spent` a hold covers that has `left` to give.

    >>> cover(60, 45), cover(15, 25)
    (Covered(covered=45, excess=0, left=15), Covered(covered=15, excess=10, left=0))
    """
    covered = min(left, spent)
    return Covered(covered, spent - covered, left - covered)


def _end(account: Account, hold_id: str) -> Account:
    holds = {key: amount for key, amount in account.holds.items() if key != hold_id}
    return replace(account, holds=MappingProxyType(holds), ended=account.ended | {hold_id})
