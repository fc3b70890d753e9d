"""When is a webhook tried again, and when is an endpoint given up?"""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.webhooks import (
    ATTEMPTS_MAX,
    GIVEN_UP_AFTER,
    HEALTHY,
    RETRY_AFTER_MAX,
    WAITS,
    Health,
    is_given_up,
    is_success,
    is_wanted,
    next_attempt_at,
)
from tests.billing.builders import at

NOON = at("2026-10-01")


@given(st.integers(1, ATTEMPTS_MAX - 1), st.text(max_size=30))
def test_waits_as_scheduled_and_up_to_a_tenth_longer(attempt, seed):
    due = next_attempt_at(attempt, seed=seed, at=NOON)

    assert due == next_attempt_at(attempt, seed=seed, at=NOON), "a decision made twice is the same"
    assert WAITS[attempt - 1] <= due - NOON < WAITS[attempt - 1] * 11 / 10


@given(st.integers(1, ATTEMPTS_MAX - 1), st.timedeltas(timedelta(0), timedelta(days=900)))
def test_a_receiver_may_ask_for_a_longer_wait_and_for_no_shorter_one(attempt, retry_after):
    scheduled = next_attempt_at(attempt, seed="m", at=NOON)

    due = next_attempt_at(attempt, seed="m", at=NOON, retry_after=retry_after)

    assert due == max(scheduled, NOON + min(retry_after, RETRY_AFTER_MAX))


def test_there_is_a_last_attempt():
    assert next_attempt_at(ATTEMPTS_MAX, seed="m", at=NOON, retry_after=timedelta(hours=1)) is None


@pytest.mark.parametrize(
    ("expected", "status"), [(True, 200), (True, 204), (True, 299), (False, 300), (False, 199), (False, None)]
)
def test_only_a_2xx_takes_a_message(expected, status):
    assert is_success(status) is expected


@pytest.mark.parametrize(
    ("expected", "failures", "days"),
    [(False, 9, 30), (False, 10, 4), (True, 10, 5), (True, 400, 6)],
)
def test_gives_up_after_five_days_and_ten_attempts_without_one_success(expected, failures, days):
    health = Health(NOON, failures)

    assert is_given_up(health, NOON + timedelta(days=days)) is expected
    assert timedelta(days=5) == GIVEN_UP_AFTER


def test_one_that_answers_is_not_given_up():
    assert not is_given_up(HEALTHY, NOON)


def test_an_endpoint_that_names_no_kind_hears_everything():
    assert is_wanted("SeatGranted", ())
    assert is_wanted("SeatGranted", ("SeatGranted",))
    assert not is_wanted("SeatGranted", ("SeatRevoked",))
