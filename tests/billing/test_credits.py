"""Does prepaid credit pay in the stated order, once, and never more than there is?"""

from datetime import timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import credits
from billing.credits import Charge, EntryKind, Grant, GrantKind, InvalidGrant, Overage
from billing.money import Money
from tests.billing.builders import at

START, LATER = at("2026-01-01"), at("2026-03-01")


def usd(amount):
    return Money.parse(str(amount), "USD")


def a_grant(name="A", amount=100, *, days=0, expires=None, **more):
    expires_at = None if expires is None else START + timedelta(days=expires)
    return Grant(name, usd(amount), START + timedelta(days=days), expires_at=expires_at, **more)


def drawn(grants, amount, at_=LATER):
    found = credits.draw(grants, credits.granted(grants), charge_id="c", amount=usd(amount), at=at_)
    return {entry.grant_id: -entry.amount.exact for entry in found.entries}, found.left.exact


@pytest.mark.parametrize(
    ("grants", "amount", "taken", "left"),
    [
        # openmeter: priority, then expiry
        (
            (
                a_grant("C", 100, priority=2),
                a_grant("B", 80, priority=1, expires=200),
                a_grant("A", 50, priority=1, expires=100),
            ),
            90,
            {"A": 50, "B": 40},
            0,
        ),
        # stigg: of equal priority and expiry promotional before paid
        (
            (
                a_grant("A", 50, priority=1, expires=243),
                a_grant("B", 20, priority=1, expires=243, kind=GrantKind.PROMOTIONAL),
            ),
            60,
            {"B": 20, "A": 40},
            0,
        ),
        ((a_grant("new", days=9), a_grant("old", days=1)), 60, {"old": 60}, 0),
        ((a_grant("later", expires=900), a_grant("never")), 100, {"later": 100}, 0),
        ((a_grant("gone", expires=30), a_grant("A", 10)), 60, {"A": 10}, 50),
        ((a_grant("future", days=900),), 60, {}, 60),
        ((), 60, {}, 60),
    ],
)
def test_credit_is_drawn_in_the_stated_order(grants, amount, taken, left):
    assert drawn(grants, amount) == (taken, left)


def test_a_charge_drawn_twice_is_drawn_once():
    grants = (a_grant("A", 100),)
    ledger = credits.granted(grants)
    first = credits.draw(grants, ledger, charge_id="c", amount=usd(60), at=LATER)

    again = credits.draw(grants, (*ledger, *first.entries), charge_id="c", amount=usd(60), at=LATER)
    larger = credits.draw(grants, (*ledger, *first.entries), charge_id="c", amount=usd(70), at=LATER)

    assert (again.entries, again.covered, again.left) == ((), usd(60), usd(0))
    assert [entry.amount.amount for entry in larger.entries] == ["-10.00"]


def test_what_a_charge_drew_comes_back_to_the_grants_it_came_from():
    grants = (a_grant("A", 50, expires=100), a_grant("B", 80))
    ledger = credits.granted(grants)
    ledger += credits.draw(grants, ledger, charge_id="c", amount=usd(90), at=LATER).entries

    back = credits.give_back(ledger, charge_id="c", at=LATER)

    assert [(entry.grant_id, entry.amount.amount, entry.kind) for entry in back] == [
        ("A", "50.00", EntryKind.RETURNED),
        ("B", "40.00", EntryKind.RETURNED),
    ]
    assert credits.give_back((*ledger, *back), charge_id="c", at=LATER) == ()


def test_what_is_left_expires_once():
    grants = (a_grant("A", 1200, expires=100), a_grant("B", 5))
    ledger = credits.granted(grants)
    ledger += credits.draw(grants, ledger, charge_id="c", amount=usd(800), at=LATER).entries
    ended = START + timedelta(days=100)

    gone = credits.expire(grants, ledger, ended)

    assert [(entry.grant_id, entry.amount.amount, entry.at) for entry in gone] == [("A", "-400.00", ended)]
    assert credits.expire(grants, (*ledger, *gone), ended) == ()


def test_open_charges_make_the_pending_balance():
    grants = (a_grant("A", 100), a_grant("future", 50, days=900))

    found = credits.balance(grants, credits.granted(grants), currency="USD", at=LATER, open_charges=usd(25))

    assert (found.settled, found.pending) == (usd(100), usd(75))


@pytest.mark.parametrize(("overage", "left"), [(Overage.PRESERVED, 50), (Overage.FORGOTTEN, 75)])
def test_a_charge_before_the_grant_is_paid_by_it_where_it_is_preserved(overage, left):
    grant = a_grant("A", 100, days=2)
    charges = (Charge("before", usd(25), START), Charge("after", usd(25), START + timedelta(days=3)))

    ledger = credits.replayed((grant,), charges, overage, LATER)

    assert credits.left_of(grant, ledger) == usd(left)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"amount": 0}, "must be above 0"), ({"expires": -1}, "expires at"), ({"expires": 0}, "expires at")],
)
def test_refuses_a_grant_of_nothing(wrong, message):
    with pytest.raises(InvalidGrant, match=message):
        a_grant(**wrong)


days = st.integers(0, 60)
grants_ = st.lists(
    st.tuples(st.integers(1, 200), days, st.none() | st.integers(1, 60), st.integers(1, 3), st.sampled_from(GrantKind)),
    max_size=6,
).map(
    lambda rows: tuple(
        a_grant(
            str(place), amount, days=day, expires=None if life is None else day + life, priority=priority, kind=kind
        )
        for place, (amount, day, life, priority, kind) in enumerate(rows)
    )
)
charges_ = st.lists(st.tuples(st.integers(1, 150), days), max_size=8).map(
    lambda rows: tuple(
        Charge(f"c{place}", usd(amount), START + timedelta(days=day)) for place, (amount, day) in enumerate(rows)
    )
)


@given(grants=grants_, charges=charges_, overage=st.sampled_from(Overage))
def test_burning_never_loses_or_doubles(grants, charges, overage):
    end = START + timedelta(days=200)

    ledger = credits.replayed(grants, charges, overage, end)

    given_ = sum((grant.amount.exact for grant in grants), Fraction(0))
    moved = {
        kind: sum((entry.amount.exact for entry in ledger if entry.kind is kind), Fraction(0)) for kind in EntryKind
    }
    left = sum((credits.left_of(grant, ledger).exact for grant in grants), Fraction(0))
    assert moved[EntryKind.GRANTED] == given_
    assert given_ + moved[EntryKind.DRAWN] + moved[EntryKind.EXPIRED] == left
    for charge in charges:
        assert 0 <= credits.drawn_by(ledger, charge.id, "USD").minor <= charge.amount.minor
    for grant in grants:
        assert 0 <= credits.left_of(grant, ledger).minor <= grant.amount.minor
        assert grant.expires_at is None or credits.left_of(grant, ledger).minor == 0
        assert all(grant.is_open(entry.at) for entry in ledger if entry.grant_id == grant.id and entry.charge_id)


@given(grants=grants_, charges=charges_, cut=days)
def test_folding_the_ledger_gives_the_balance_at_any_time(grants, charges, cut):
    instant, end = START + timedelta(days=cut), START + timedelta(days=200)

    whole = credits.replayed(grants, charges, Overage.PRESERVED, end)
    until = credits.replayed(grants, charges, Overage.PRESERVED, instant)

    assert tuple(entry for entry in whole if entry.at <= instant) == until
    assert credits.balance(grants, whole, currency="USD", at=instant) == credits.balance(
        grants, until, currency="USD", at=instant
    )
