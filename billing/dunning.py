"""What is done about an invoice that is not paid, and when?

A policy lists steps by their days from the due date; before it they remind, after it they press. Days are local days,
and a step is due at the beginning of its day. What is paid has no steps, and a step once done is not done again.

>>> from datetime import UTC
>>> due_at = datetime(2026, 3, 10, 9, tzinfo=UTC)
>>> policy = Policy((Stage("reminder", Action.REMIND, -3), Stage("retry", Action.RETRY_PAYMENT, 1)))
>>> at = datetime(2026, 3, 11, tzinfo=UTC)
>>> [step.stage.key for step in due(policy, due_at, Money(100, "USD"), time_zone="UTC", at=at, done={"reminder"})]
['retry']
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from billing.money import Money
from billing.periods import day_start, local_date

DAYS_MAX: Final = 365


class InvalidPolicy(ValueError):
    """The steps of a policy do not follow each other."""


class Action(StrEnum):
    """What a step does."""

    REMIND = "REMIND"  # tell the people who pay
    RETRY_PAYMENT = "RETRY_PAYMENT"  # try the stored payment method again
    ESCALATE = "ESCALATE"  # tell the owners and the account manager
    RESTRICT = "RESTRICT"  # make the organization read-only; its data is kept
    GIVE_UP = "GIVE_UP"  # mark the invoice uncollectible


@dataclass(frozen=True, slots=True)
class Stage:
    """A step so many days after the due date, or before it when below zero."""

    key: str
    action: Action
    days_after_due: int

    def __post_init__(self) -> None:
        if abs(self.days_after_due) > DAYS_MAX:
            raise InvalidPolicy(f"{self.key!r}: {self.days_after_due} days is outside -{DAYS_MAX} to {DAYS_MAX}")


@dataclass(frozen=True, slots=True)
class Policy:
    """The steps in the order of their days. An unpaid amount below `least_minor` is left alone."""

    stages: tuple[Stage, ...]
    least_minor: int = 1

    def __post_init__(self) -> None:
        days = [stage.days_after_due for stage in self.stages]
        if days != sorted(days):
            raise InvalidPolicy(f"the days {days} must not fall")
        if len({stage.key for stage in self.stages}) != len(self.stages):
            raise InvalidPolicy("a step is listed twice")
        if any(stage.action is not Action.REMIND for stage in self.stages if stage.days_after_due < 0):
            raise InvalidPolicy("before the due date a step can only remind")


STANDARD: Final = Policy(
    (
        Stage("upcoming", Action.REMIND, -7),
        Stage("due", Action.RETRY_PAYMENT, 0),
        Stage("overdue-3", Action.REMIND, 3),
        Stage("overdue-7", Action.RETRY_PAYMENT, 7),
        Stage("overdue-14", Action.ESCALATE, 14),
        Stage("overdue-30", Action.RESTRICT, 30),
        Stage("overdue-90", Action.GIVE_UP, 90),
    )
)


@dataclass(frozen=True, slots=True)
class Step:
    """A stage and the instant from which it is due."""

    stage: Stage
    due_from: datetime


def schedule(policy: Policy, due_at: datetime, time_zone: str) -> tuple[Step, ...]:
    """Return every step of the policy for an invoice due at `due_at`."""
    day = local_date(due_at, time_zone)
    return tuple(
        Step(stage, day_start(day + timedelta(days=stage.days_after_due), time_zone)) for stage in policy.stages
    )


def due(
    policy: Policy, due_at: datetime, unpaid: Money, *, time_zone: str, at: datetime, done: Collection[str] = ()
) -> tuple[Step, ...]:
    """Return the steps due by `at` that are not done; none for an amount that is not worth one."""
    if unpaid.minor < max(1, policy.least_minor):
        return ()
    steps = schedule(policy, due_at, time_zone)
    return tuple(step for step in steps if step.due_from <= at and step.stage.key not in done)
