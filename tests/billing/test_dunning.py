"""Is an unpaid invoice followed up on the right days, and a paid one left alone?"""

from datetime import date

import pytest

from billing import dunning, evaluations
from billing.dunning import STANDARD, Action, InvalidPolicy, Policy, Stage
from billing.money import Money
from billing.periods import day_start
from tests.billing.builders import at

DUE_AT = at("2026-03-10 22:00")
OWED = Money(100_00, "USD")


def keys(at_, *, unpaid=OWED, done=(), zone="UTC", policy=STANDARD):
    return [step.stage.key for step in dunning.due(policy, DUE_AT, unpaid, time_zone=zone, at=at_, done=done)]


@pytest.mark.parametrize(
    ("day", "due"),
    [
        ("2026-03-02", []),
        ("2026-03-03", ["upcoming"]),
        ("2026-03-10", ["upcoming", "due"]),
        ("2026-03-24", ["upcoming", "due", "overdue-3", "overdue-7", "overdue-14"]),
    ],
)
def test_steps_are_due_from_their_day_on(day, due):
    assert keys(at(day)) == due


def test_a_step_done_is_not_done_again():
    assert keys(at("2026-03-13"), done={"upcoming", "due"}) == ["overdue-3"]


@pytest.mark.parametrize("unpaid", [Money(0, "USD"), Money(-5, "USD")])
def test_what_is_paid_is_left_alone(unpaid):
    assert keys(at("2027-01-01"), unpaid=unpaid) == []


def test_a_small_debt_is_not_worth_a_step():
    assert keys(at("2027-01-01"), policy=Policy(STANDARD.stages, least_minor=100_01)) == []


def test_days_are_those_of_the_organization():
    # 22:00 UTC on the 10th is the 11th in Tokyo
    steps = dunning.schedule(STANDARD, DUE_AT, "Asia/Tokyo")

    assert steps[1].due_from == day_start(date(2026, 3, 11), "Asia/Tokyo")


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ((Stage("a", Action.REMIND, 3), Stage("b", Action.REMIND, 1)), "must not fall"),
        ((Stage("a", Action.REMIND, 1), Stage("a", Action.REMIND, 1)), "listed twice"),
        ((Stage("a", Action.RESTRICT, -1),), "can only remind"),
    ],
)
def test_refuses_a_policy_that_makes_no_sense(stages, message):
    with pytest.raises(InvalidPolicy, match=message):
        Policy(stages)


def test_refuses_a_step_in_another_age():
    with pytest.raises(InvalidPolicy, match="400 days is outside -365 to 365"):
        Stage("late", Action.REMIND, 400)


@pytest.mark.parametrize(
    ("paid_from", "now", "outcome"),
    [
        (None, "2026-02-01", evaluations.Evaluating(at("2026-03-01"))),
        (None, "2026-03-01", evaluations.Lapsed(at("2026-03-01"))),
        ("2026-02-15", "2026-02-10", evaluations.Evaluating(at("2026-03-01"))),
        ("2026-02-15", "2026-02-15", evaluations.Converted(at("2026-02-15"))),
        ("2026-05-01", "2026-04-01", evaluations.Lapsed(at("2026-03-01"))),
        ("2026-05-01", "2026-06-01", evaluations.Converted(at("2026-05-01"))),
    ],
)
def test_an_evaluation_converts_or_lapses(paid_from, now, outcome):
    assert evaluations.outcome(at("2026-03-01"), paid_from and at(paid_from), at(now)) == outcome
