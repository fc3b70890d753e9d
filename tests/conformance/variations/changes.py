"""More changes: every part of an interval that days, months and years make, both directions, and nothing left."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from tests.conformance.variations.figures import Given, Made, cents, nearest, written

Found = Iterator[tuple[Given, Given, str]]
PARTS: Final = ("1/2", "20/30", "1/31", "28/29", "304/365", "305/366", "46/92", "89/90")


def plans() -> Found:
    for place, part in enumerate(PARTS):
        old, new = ((10000, 30000), (30000, 10000), (100000, 0), (0, 100000))[place % 4]
        credit, debit = cents(Fraction(old, 100) * Fraction(part)), cents(Fraction(new, 100) * Fraction(part))
        given = {"old_cents": old, "new_cents": new, "remaining": part}
        yield given, {"credit_cents": credit, "debit_cents": debit, "net_cents": debit - credit}, ""
    for cycle, change, left, whole in (
        ("2025-06-01..07-01", "06-11", 20, 30),
        ("2024-08-01..2025-08-01", "2024-10-01", 304, 365),
        ("2024-02-01..2024-03-01", "2024-02-29", 1, 29),
    ):
        credit, debit = cents(Fraction(100 * left, whole)), cents(Fraction(250 * left, whole))
        given = {"old_cents": 10000, "new_cents": 25000, "cycle": cycle, "change": change}
        yield given, {"credit_cents": credit, "debit_cents": debit, "net_cents": debit - credit}, ""
    for part, old, new, kind in (("1/2", 10000, 120000, "month->year"), ("61/366", 120000, 10000, "year->month")):
        credit = cents(Fraction(old, 100) * Fraction(part))
        given = {"old_cents": old, "new_cents": new, "remaining": part, "interval_change": kind}
        yield given, {"credit_cents": credit, "debit_cents": new, "net_cents": new - credit}, "a new cycle starts"
    yen = {"old": "1000", "new": "3001", "currency": "JPY", "remaining": "1/3"}
    yield yen, {"credit": "333", "debit": "1000"}, "no decimals"
    dinar = {"old": "1.000", "new": "3.001", "currency": "KWD", "remaining": "1/3"}
    yield dinar, {"credit": "0.333", "debit": "1.000"}, "three decimals"


def by_second() -> Found:
    for part in ("0", "1", "1/2", "1/4", "3/4", "1/3", "1/30", "29/30", "1/1000", "1/86400"):
        left = 1 - Fraction(part)
        credit, debit = nearest(10 * left, 2), nearest(20 * left, 2)
        expected = {"credit": written(-credit), "debit": written(debit), "net": written(debit - credit)}
        yield {"old": "10", "new": "20", "elapsed": part}, expected, "to the second"


def discounted() -> Found:
    for part in ("1/2", "10/30", "3/31", "29/30"):
        left = Fraction(part)
        for off_old, off_new in ((2500, 5000), (0, 10000)):
            whole = _net(100, Fraction(off_old, 100), Fraction(1))
            credit = cents(whole - _net(100, Fraction(off_old, 100), 1 - left))
            debit = cents(_net(100, Fraction(off_new, 100), left))
            given = {
                "old_cents": 10000,
                "new_cents": 10000,
                "remaining": part,
                "discount_fixed_cents": [off_old, off_new],
            }
            yield given, {"credit_cents": credit, "debit_cents": debit}, ""
        credit = cents(18 - _net(20, Fraction(2), 1 - left))
        debit = cents(_net(30, Fraction(3), left))
        given = {"old": "20", "new": "30", "discount_pct": "10", "remaining": part}
        yield given, {"credit_cents": credit, "debit_cents": debit}, ""


def _net(fee: int, off: Fraction, share: Fraction) -> Fraction:
    """Return a part of a fee less the same part of what is taken off it, both in whole cents as an invoice has them."""
    return nearest(fee * share, 2) - nearest(off * share, 2)


def taxed() -> Found:
    for part, percent in (("1/2", 20), ("1/2", 0), ("1/4", 19), ("15/30", 8), ("1/2", 100)):
        left, rate = Fraction(part), 1 + Fraction(percent, 100)
        credit, debit = 100 * left * rate, 200 * left * rate
        expected = {
            "credit_incl_tax": written(credit),
            "debit_incl_tax": written(debit),
            "net": written(debit - credit),
        }
        yield {"old": "100", "new": "200", "tax_pct": str(percent), "remaining": part}, expected, ""


def allocated() -> Found:
    for (before, after), part, percent in (
        ((2, 4), "1/2", 10),
        ((4, 2), "1/2", 10),
        ((1, 2), "1/2", 0),
        ((2, 2), "1/2", 10),
        ((1, 3), "15/30", 100),
        ((3, 2), "1/4", 50),
        ((0, 1), "1/2", 20),
        ((1, 0), "1/2", 20),
        ((2, 3), "7/28", 25),
        ((2, 3), "1/31", 0),
    ):
        sides = [50 * before, 50 * (before + (after - before) * Fraction(part))]
        owed = cents(_net(1, Fraction(percent, 100), sides[1]) - _net(1, Fraction(percent, 100), Fraction(sides[0])))
        given = {"fixed_cents": 10000, "seat_cents": 5000, "seats": [before, after], "remaining": part}
        given |= {"discount_pct": str(percent)} if percent else {}
        yield given, {"debit_cents": max(0, owed), "credit_cents": max(0, -owed)}, ""


def scheduled() -> Found:
    for (before, after), part in (
        ((10, 9), "1/2"),
        ((9, 10), "1/2"),
        ((1, 1), "1/2"),
        ((1, 2), "1/4"),
        ((2, 1), "20/30"),
        ((1, 0), "1/2"),
        ((5, 6), "1/31"),
        ((6, 5), "14/28"),
        ((4, 5), "1/3"),
        ((8, 7), "29/30"),
    ):
        owed = cents(15 * (after - before) * Fraction(part))
        given = {
            "old_price_per_seat_cents": 1500,
            "seats": [before, after],
            "remaining": part,
            "scheduled_next_price_cents": 2500,
        }
        yield given, {"proration_cents": owed, "next_cycle_cents": 2500 * after}, ""


def caps() -> Found:
    for computed, paid, before in (
        (100, 200, 180),
        (100, 200, 0),
        (100, 200, 100),
        (100, 200, 101),
        (100, 200, 200),
        (200, 200, 0),
        (201, 200, 0),
        (0, 200, 0),
        (1, 1, 0),
        (5, 0, 0),
    ):
        given = {"computed_credit": computed, "original_paid": paid, "previous_credits": before}
        yield given, {"credit": min(computed, paid - before)}, "credits never exceed what was paid"


KINDS: Final[dict[str, Made]] = {
    "plan_change_proration": plans,
    "proration_seconds": by_second,
    "discount_proration": discounted,
    "tax_proration": taxed,
    "discount_allocation": allocated,
    "seat_change_with_scheduled_plan": scheduled,
    "credit_cap": caps,
}
