"""Does the tightest limit bind?"""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import limits
from billing.limits import (
    Allowed,
    Blocked,
    Counter,
    Effective,
    InvalidLimit,
    Limit,
    SpendLevel,
    TierScope,
    crossed,
    decide,
    effective,
)
from billing.money import NANOS_MAX
from tests.billing.builders import MAJOR, a_gate, a_limit, at

ORGANIZATION, SEAT_TIER, MEMBER = SpendLevel.ORGANIZATION, SpendLevel.SEAT_TIER, SpendLevel.MEMBER


@pytest.mark.parametrize(
    ("organization", "tier", "member", "headroom", "binding"),
    [
        ((100_000, 90_000), (500, 450), (200, 50), 50, SEAT_TIER),
        ((100_000, 90_000), (500, 100), (200, 50), 150, MEMBER),
        ((100_000, 99_990), (500, 100), (200, 50), 10, ORGANIZATION),
        ((100_000, 40_000), None, None, 60_000, ORGANIZATION),
        ((100_000, 0), (500, 0), (0, 0), 0, MEMBER),
        ((100, 200), None, (500, 0), 0, ORGANIZATION),
        ((100, 50), (100, 50), (100, 50), 50, MEMBER),
        ((100, 50), (100, 50), None, 50, SEAT_TIER),
    ],
)
def test_binds_at_the_tightest_headroom(organization, tier, member, headroom, binding):
    levels = {ORGANIZATION: organization, SEAT_TIER: tier, MEMBER: member}
    gates = [a_gate(level, *numbers) for level, numbers in levels.items() if numbers]

    found = effective(gates)

    assert (found.remaining_nanos, found.binding.level) == (headroom * MAJOR, binding)
    assert decide(gates, headroom * MAJOR) == Allowed()
    assert decide(gates, headroom * MAJOR + 1) == Blocked(found.binding, headroom * MAJOR, 1)


def test_nothing_limits_without_a_limit():
    assert effective(()) == Effective(None, None)
    assert decide((), NANOS_MAX) == Allowed()


def test_what_is_held_is_no_longer_free():
    assert effective([a_gate(MEMBER, 100, 30, held=60)]).remaining_nanos == 10 * MAJOR


def test_a_pooled_tier_is_held_against_the_tier_and_a_per_member_one_against_the_member():
    counters = (Counter(SEAT_TIER, "chat", 450), Counter(MEMBER, "ann", 50))
    pooled = a_limit(SEAT_TIER, "chat", 1, scope=TierScope.POOLED)
    each = a_limit(SEAT_TIER, "chat", 1, scope=TierScope.PER_MEMBER)

    for limit, counter in ((pooled, counters[0]), (each, counters[1])):
        (gate,) = limits.gates((limit,), counters, organization_id="acme", tier="chat", member_id="ann")
        assert (gate.level, gate.subject, gate.counter) == (SEAT_TIER, "chat", counter)


def test_moving_between_tiers_neither_loses_nor_doubles_spend():
    counters = (Counter(MEMBER, "ann", 150 * MAJOR),)
    known = [a_limit(SEAT_TIER, tier, cap) for tier, cap in (("chat", 200), ("chat_code", 500))]

    left = [
        effective(limits.gates(known, counters, organization_id="acme", tier=tier, member_id="ann")).remaining_nanos
        for tier in ("chat", "chat_code")
    ]

    assert left == [50 * MAJOR, 350 * MAJOR]


def test_gates_are_those_of_the_member_in_one_order():
    known = (
        a_limit(MEMBER, "ann"),
        a_limit(MEMBER, "bob"),
        a_limit(SEAT_TIER, "chat"),
        a_limit(SEAT_TIER, "other"),
        a_limit(ORGANIZATION, "acme"),
    )

    seated = limits.gates(known, (), organization_id="acme", tier="chat", member_id="ann")
    unseated = limits.gates(known, (), organization_id="acme", tier=None, member_id="ann")

    assert [gate.level for gate in seated] == [ORGANIZATION, SEAT_TIER, MEMBER]
    assert seated[2].counter == Counter(MEMBER, "ann", 0, 0)
    assert [gate.level for gate in unseated] == [ORGANIZATION, MEMBER]


@pytest.mark.parametrize(
    ("cap", "before", "after", "reached"),
    [
        (100, 0, 74, ()),
        (100, 0, 75, (75,)),
        (100, 74, 100, (75, 90, 100)),
        (100, 75, 89, ()),
        (100, 95, 150, (100,)),
        (100, 80, 70, ()),
        (0, 0, 1, (75, 90, 100)),
        (0, 0, 0, ()),
        (0, 1, 2, ()),
        (3, 2, 3, (75, 90, 100)),
    ],
)
def test_a_threshold_is_crossed_once_at_its_percent(cap, before, after, reached):
    limit = Limit("l", MEMBER, "ann", TierScope.PER_MEMBER, cap, 1)

    assert crossed(limit, before, after) == reached


def test_an_alert_has_one_name():
    name = limits.dedup_id("l", at("2026-10-01"), 75, 1)

    assert name == limits.dedup_id("l", at("2026-10-01"), 75, 1)
    assert len({name, *(limits.dedup_id("l", at("2026-10-01"), *rest) for rest in ((90, 1), (75, 2)))}) == 3


@pytest.mark.parametrize(
    ("cap", "thresholds"),
    [(-1, (75,)), (NANOS_MAX + 1, (75,)), (1, (90, 75)), (1, (75, 75)), (1, (0,)), (1, (101,))],
)
def test_refuses_a_limit_out_of_bounds(cap, thresholds):
    with pytest.raises(InvalidLimit):
        Limit("l", MEMBER, "ann", TierScope.PER_MEMBER, cap, 1, thresholds)


@pytest.mark.parametrize("amount", [-1, NANOS_MAX + 1])
def test_refuses_an_amount_out_of_bounds(amount):
    with pytest.raises(InvalidLimit, match="is outside 0 to"):
        decide((), amount)


numbers = st.integers(0, 1_000)
gates = st.lists(st.builds(a_gate, st.sampled_from(SpendLevel), numbers, numbers, numbers), max_size=5)


@given(among=gates, amount=numbers)
def test_what_is_allowed_fits_every_cap_and_what_is_blocked_fits_not_all(among, amount):
    nanos = amount * MAJOR
    fits = all(gate.counter.used_nanos + nanos <= gate.limit.cap_nanos for gate in among)

    found = decide(among, nanos)

    assert isinstance(found, Allowed) == (fits or nanos == 0)


@given(cap=numbers, path=st.lists(numbers, min_size=1, max_size=10))
def test_steps_of_growing_spend_cross_what_one_leap_crosses(cap, path):
    limit = Limit("l", MEMBER, "ann", TierScope.PER_MEMBER, cap, 1)
    stops = [0, *sorted(path)]

    apart = [found for before, after in itertools.pairwise(stops) for found in crossed(limit, before, after)]

    assert tuple(apart) == crossed(limit, 0, stops[-1])
