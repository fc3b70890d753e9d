"""Does a reservation hold what it promises, and only once?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import holds
from billing.holds import Account, Late, Outcome
from billing.thresholds import InvalidThresholds, Thresholds, passed


def test_of_twenty_requests_only_those_that_fit_are_granted():
    # docs.stigg.io: 6 × 75 = 450; a seventh would be 525 of 500
    account, outcomes = Account(500), []

    for request in range(20):
        account, outcome = holds.reserve(account, str(request), 75)
        outcomes.append(outcome)

    assert (outcomes.count(Outcome.GRANTED), account.held, account.free) == (6, 450, 50)


@pytest.mark.parametrize(
    ("late", "outcome", "settled"), [(Late.REJECTED, Outcome.REJECTED, 0), (Late.RECORDED, Outcome.RECORDED_LATE, 60)]
)
def test_a_settlement_after_the_end_follows_the_policy(late, outcome, settled):
    account, _ = holds.reserve(Account(100), "r1", 60)
    account, expired = holds.expire(account, "r1")

    account, found = holds.settle(account, "r1", 60, late)

    assert (expired, found, account.settled, account.held) == (Outcome.EXPIRED, outcome, settled, 0)


def test_a_settlement_counts_what_was_spent_and_frees_the_rest():
    account, _ = holds.reserve(Account(100), "r1", 60)

    account, found = holds.settle(account, "r1", 25, Late.REJECTED)

    assert (found, account.settled, account.held, account.free) == (Outcome.SETTLED, 25, 0, 75)


def test_a_hold_ends_once_and_its_id_is_not_used_again():
    account, _ = holds.reserve(Account(100), "r1", 60)
    again, repeated = holds.reserve(account, "r1", 60)
    account, released = holds.release(account, "r1")

    _, twice = holds.release(account, "r1")
    _, late = holds.expire(account, "r1")
    _, reused = holds.reserve(account, "r1", 10)

    assert (again, repeated, released) == (holds.reserve(Account(100), "r1", 60)[0], Outcome.GRANTED, Outcome.RELEASED)
    assert (twice, late, reused) == (Outcome.REJECTED, Outcome.REJECTED, Outcome.DENIED)


operations = st.lists(
    st.tuples(st.sampled_from(("reserve", "settle", "release", "expire")), st.integers(0, 5), st.integers(0, 60)),
    max_size=40,
)


@given(limit=st.integers(0, 200), done=operations)
def test_settled_spend_and_live_holds_never_exceed_the_limit(limit, done):
    account, granted = Account(limit), {}

    for verb, number, amount in done:
        hold_id = str(number)
        match verb:
            case "reserve":
                account, outcome = holds.reserve(account, hold_id, amount)
                if outcome is Outcome.GRANTED:
                    granted.setdefault(hold_id, amount)
            case "settle":
                spent = min(amount, granted.get(hold_id, 0))
                account, _ = holds.settle(account, hold_id, spent, Late.REJECTED)
            case "release":
                account, _ = holds.release(account, hold_id)
            case _:
                account, _ = holds.expire(account, hold_id)

        assert account.settled + account.held <= limit
        assert account.free == limit - account.settled - account.held


@pytest.mark.parametrize(
    ("thresholds", "path", "news"),
    [
        (Thresholds((1500, 3000, 5000)), (1000, 3000, 3000), [(), (1500, 3000), ()]),
        (Thresholds((), 100), (99, 100, 350), [(), (100,), (200, 300)]),
        (Thresholds((200,), 1000), (250, 1199, 1200), [(200,), (), (1200,)]),
    ],
)
def test_one_step_may_pass_several_amounts(thresholds, path, news):
    before, found = 0, []

    for after in path:
        found.append(passed(thresholds, before, after))
        before = after

    assert found == news


@pytest.mark.parametrize("wrong", [((0,), None), ((2, 1), None), ((1, 1), None), ((1,), 0)])
def test_refuses_amounts_that_do_not_rise(wrong):
    with pytest.raises(InvalidThresholds):
        Thresholds(*wrong)


@given(
    amounts=st.sets(st.integers(1, 500), max_size=5),
    step=st.none() | st.integers(1, 90),
    path=st.lists(st.integers(0, 300)),
)
def test_every_amount_is_news_once(amounts, step, path):
    thresholds, before, found = Thresholds(tuple(sorted(amounts)), step), 0, []

    for more in path:
        found += passed(thresholds, before, before + more)
        before += more

    assert found == list(passed(thresholds, 0, before)) == sorted(set(found))
