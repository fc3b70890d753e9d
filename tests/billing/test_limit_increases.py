"""What comes back when a raise was for a time?"""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.limit_increases import WAITING_MAX, Running, expires_at, place, raised, returns_to
from billing.limits import Override, SpendLevel, TierScope
from billing.windows import Interval
from tests.billing.builders import a_limit, at

NOW = at("2026-10-01")
DAY = timedelta(days=1)


def test_every_version_of_a_limit_has_one_place():
    first, second = a_limit(SpendLevel.MEMBER, "ann", 100), a_limit(SpendLevel.MEMBER, "ann", 200)

    assert place(first) == place(second) != place(a_limit(SpendLevel.MEMBER, "bob", 100))
    assert place(replace(first, interval=Interval.DAY)) != place(first)


@pytest.mark.parametrize(
    ("level", "subject", "scope"),
    [
        (SpendLevel.ORGANIZATION, "acme", TierScope.POOLED),
        (SpendLevel.GROUP, "research", TierScope.POOLED),
        (SpendLevel.SEAT_TIER, "chat", TierScope.POOLED),
        (SpendLevel.MEMBER, "ann", TierScope.PER_MEMBER),
    ],
)
def test_what_several_share_is_raised_for_all_of_them(level: SpendLevel, subject: str, scope: TierScope):
    limit = a_limit(level, subject, 100, scope=scope)

    assert raised(limit, "ann", 200) == replace(limit, cap_nanos=200)


def test_what_each_member_of_a_tier_has_is_raised_for_one_by_a_limit_of_their_own():
    each = a_limit(SpendLevel.SEAT_TIER, "chat", 100, scope=TierScope.PER_MEMBER)

    found = raised(each, "ann", 200)

    assert (found.level, found.subject, found.override) == (SpendLevel.MEMBER, "ann", Override.INSTEAD)
    assert (found.cap_nanos, found.kind, found.interval) == (200, each.kind, each.interval)


@pytest.mark.parametrize(
    ("until", "expected"),
    [(None, NOW + WAITING_MAX), (NOW + DAY, NOW + DAY), (NOW + 90 * DAY, NOW + WAITING_MAX)],
)
def test_a_question_lapses_with_what_it_asks_for_or_after_a_month(until: datetime | None, expected: datetime):
    assert expires_at(NOW, until) == expected


@given(days=st.lists(st.integers(1, 60), min_size=1, max_size=8), base=st.sampled_from(["base", None]))
def test_raises_upon_each_other_never_bring_back_one_that_is_over(days: list[int], base: str | None):
    """Grant one raise after another, end them as their time comes, and look at what is in force in between."""
    raises: dict[str, Running] = {}
    current = base
    for number, length in enumerate(days):
        until, granted = NOW + length * DAY, f"raise {number}"
        raises[granted] = Running(granted, returns_to(current, until, raises.values()), until)
        current = granted

    for now in sorted(each.until for each in raises.values()):
        for ended in [each for each in raises.values() if each.until == now]:
            current = ended.former_limit_id if current == ended.granted_limit_id else current
        assert current == base or raises[current].until > now

    assert current == base
