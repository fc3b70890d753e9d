"""Does the tightest limit bind?"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import limits
from billing.alert_marks import Plan
from billing.limits import (
    Allowed,
    Blocked,
    Chain,
    Counter,
    Effective,
    Gate,
    InForce,
    InvalidLimit,
    Limit,
    LimitKind,
    Override,
    SpendLevel,
    TierScope,
    decide,
    effective,
)
from billing.money import NANOS_MAX
from billing.windows import Interval
from tests.billing.builders import MAJOR, a_gate, a_limit

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


def test_no_limit_in_so_many_words_lacks_nothing():
    unlimited = limits.gate(an_own(None, override=Override.WITHIN), CHAIN, {})

    assert (unlimited.headroom_nanos, unlimited.lacks(NANOS_MAX)) == (None, 0)


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


@pytest.mark.parametrize("cap", [-1, NANOS_MAX + 1])
def test_refuses_a_cap_out_of_bounds(cap):
    with pytest.raises(InvalidLimit, match="is outside 0 to"):
        Limit("l", MEMBER, "ann", TierScope.PER_MEMBER, cap, 1)


def test_refuses_a_percent_of_no_cap():
    with pytest.raises(InvalidLimit, match="a percent of no cap"):
        Limit("l", MEMBER, "ann", TierScope.PER_MEMBER, None, 1)


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


CHAIN = Chain("acme", "sales", "chat", "ann")


def test_counts_for_everybody_above_a_member_and_for_no_group_where_there_is_none():
    assert [level for level, _ in CHAIN.counted] == list(SpendLevel)
    assert Chain("acme", "", "", "ann").counted == ((ORGANIZATION, "acme"), (SEAT_TIER, ""), (MEMBER, "ann"))


def test_a_group_is_wider_than_a_tier_and_narrower_than_the_organization():
    equal = [a_limit(level, subject, 100) for level, subject in CHAIN.counted]

    found = limits.gates(equal, (), organization_id="acme", group="sales", tier="chat", member_id="ann")

    assert [gate.level for gate in found] == [ORGANIZATION, SpendLevel.GROUP, SEAT_TIER, MEMBER]
    assert [effective(found[:count]).binding.level for count in (4, 3, 2, 1)] == [
        MEMBER,
        SEAT_TIER,
        SpendLevel.GROUP,
        ORGANIZATION,
    ]


def an_own(cap: int | None, *, override: Override, interval: Interval = Interval.MONTH) -> Limit:
    plan = Plan() if cap is not None else Plan(())
    return Limit("own", MEMBER, "ann", TierScope.PER_MEMBER, cap, 1, plan, interval=interval, override=override)


def test_a_members_own_limit_holds_within_the_tiers_or_instead_of_it():
    each = a_limit(SEAT_TIER, "chat", 10, scope=TierScope.PER_MEMBER)
    pooled = a_limit(SEAT_TIER, "chat", 500, scope=TierScope.POOLED)

    def remaining(own: Limit) -> int | None:
        return effective(
            [limits.gate(limit, CHAIN, {}) for limit in InForce((each, pooled, own)).bearing(CHAIN)]
        ).remaining_nanos

    assert remaining(an_own(50 * MAJOR, override=Override.WITHIN)) == 10 * MAJOR
    assert remaining(an_own(50 * MAJOR, override=Override.INSTEAD)) == 50 * MAJOR
    assert remaining(an_own(None, override=Override.WITHIN)) == 10 * MAJOR
    assert remaining(an_own(None, override=Override.INSTEAD)) == 500 * MAJOR, "what several share always holds"
    assert remaining(an_own(1, override=Override.INSTEAD, interval=Interval.DAY)) == 1, "and the tier's month as well"


def test_a_limit_of_a_day_looks_at_the_days_counter_only():
    daily = Limit("day", MEMBER, "ann", TierScope.PER_MEMBER, 10, 1, interval=Interval.DAY)
    month, day = Counter(MEMBER, "ann", 900), Counter(MEMBER, "ann", 4, interval=Interval.DAY)

    (gate,) = limits.gates((daily,), (month, day), organization_id="acme", tier=None, member_id="ann")

    assert gate.headroom_nanos == 6


def test_a_soft_limit_lets_through_and_says_so_and_one_that_only_notifies_says_nothing():
    def a_gate_of(kind: LimitKind) -> Gate:
        limit = Limit(kind.value, MEMBER, "ann", TierScope.PER_MEMBER, 10, 1, kind=kind)
        return limits.gate(limit, CHAIN, {})

    soft, notify, hard = map(a_gate_of, (LimitKind.SOFT, LimitKind.NOTIFY, LimitKind.HARD))

    assert decide((soft, notify), 10) == Allowed()
    assert decide((soft, notify), 11) == Allowed((soft,))
    assert decide((soft, notify, hard), 11) == Blocked(hard, 10, 1)
    assert effective((soft, notify)) == Effective(None, None)


def test_of_equal_headroom_at_one_level_the_longer_window_binds_because_it_resets_later():
    def a_gate_of(interval: Interval) -> Gate:
        limit = Limit(interval.value, MEMBER, "ann", TierScope.PER_MEMBER, 10, 1, interval=interval)
        return limits.gate(limit, CHAIN, {})

    assert effective(tuple(map(a_gate_of, reversed(Interval)))).binding.limit.interval is Interval.MONTH


def test_what_members_share_is_the_same_for_each_of_them():
    shared = a_limit(ORGANIZATION, CHAIN.organization_id)
    in_force = InForce((shared,))

    assert in_force.bearing(CHAIN) == in_force.bearing(replace(CHAIN, member_id="another")) == (shared,)
