"""More amounts: every currency's decimals, both signs, halves on both sides, and parts that must add up."""

from collections.abc import Iterator, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from fractions import Fraction
from itertools import product
from typing import Final

from tests.conformance.variations.figures import Given, Made, cents, dice, written

Found = Iterator[tuple[Given, Given, str]]
DECIMALS: Final = {"USD": 2, "EUR": 2, "JPY": 0, "KRW": 0, "CLP": 0, "KWD": 3, "BHD": 3, "TND": 3, "CLF": 4, "UYW": 4}
HALVES: Final = ("0", "0.5", "1.5", "2.5", "-0.5", "-1.5", "-2.5", "0.49", "0.51", "-0.51", "1000.5", "12345678.5")


def _rounding(rule: str) -> Made:
    def made() -> Found:
        for currency in ("USD", "JPY", "KWD", "CLF"):
            unit = Decimal(1).scaleb(-DECIMALS[currency])
            for half in HALVES:
                amount = Decimal(half) * unit
                given = {"currency": currency, "amount": format(amount, "f")}
                yield given, {"rounded": format(amount.quantize(unit, rule), "f")}, ""

    return made


def minor_units() -> Found:
    for currency, decimals in DECIMALS.items():
        for digits in (0, 1, 5, 500, 123456):
            amount = format(Decimal(digits).scaleb(-decimals), "f")
            yield {"currency": currency, "amount": amount}, {"minor": digits}, ""
    yield {"currency": "JPY", "amount": "0.5"}, {"error": "more decimals than the currency has"}, ""
    yield {"currency": "USD", "amount": "0.001"}, {"error": "more decimals than the currency has"}, ""
    yield {"currency": "XYZ", "amount": "1"}, {"error": "unknown currency"}, ""


def precision() -> Found:
    for currency, decimals in DECIMALS.items():
        yield {"currencies": [currency, "USD"]}, {"decimals": [decimals, 2]}, ""
    yield {"currencies": ["QQQ"]}, {"error": "unknown currency"}, ""


def allocations() -> Found:
    chance = dice("allocations")
    for currency, decimals in (("JPY", 0), ("USD", 2), ("KWD", 3), ("CREDITS(4dp)", 4)) * 3:
        total, weights = chance.randint(0, 12), [chance.randint(1, 5) for _ in range(chance.randint(1, 4))]
        yield _allocation(total, weights, currency, decimals)
    for total, weights in ((5, [1, 1, 1]), (1, [100, 1]), (1, [0, 1]), (7, [0, 3, 0]), (100, [1, 1, 1, 1, 1, 1, 1])):
        yield _allocation(total, weights, "USD", 2)
    given = {"amount": "0.05", "weights": {"C": "1", "A": "1", "B": "1"}, "currency": "USD", "order": "key"}
    yield given, {"shares": {"A": "0.02", "B": "0.02", "C": "0.01"}}, "ties broken by key"
    yield {"amount": "-0.05", "weights": ["1", "1", "1"]}, {"shares": ["-0.02", "-0.02", "-0.01"]}, ""
    yield {"amount": "0.01", "weights": ["0", "0"]}, {"error": "nothing to divide by"}, ""


def _allocation(total: int, weights: Sequence[int], currency: str, decimals: int) -> tuple[Given, Given, str]:
    """Try every division of the units, and take the nearest one; of equally near ones the earlier parts have more."""
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    low = [int(share) for share in exact]
    options = [parts for parts in product(*((part, part + 1) for part in low)) if sum(parts) == total]
    best = min(
        options,
        key=lambda parts: (
            sum((part - share) ** 2 for part, share in zip(parts, exact, strict=True)),
            [-part for part in parts],
        ),
    )
    unit = Fraction(1, 10**decimals)
    given = {
        "amount": written(total * unit),
        "weights": list(map(str, weights)),
        "currency": currency,
        "decimals": decimals,
    }
    return given, {"shares": [written(part * unit) for part in best]}, ""


def discounts() -> Found:
    for amount, percent in (("10", 0), ("10", 100), ("0.05", 50), ("99.99", 33), ("1000", 12), ("0", 10), ("7.77", 10)):
        off = cents(Fraction(amount) * percent / 100)
        expected = {"discount": written(Fraction(off, 100)), "net": written(Fraction(amount) - Fraction(off, 100))}
        yield {"amount": amount, "discount_pct": str(percent)}, expected, ""
    for amount, fixed in (("10", "15"), ("10", "10"), ("10", "9.99"), ("0", "5"), ("10", "0.01")):
        off_ = min(Fraction(amount), Fraction(fixed))
        given = {"amount": amount, "discount_fixed": fixed}
        yield given, {"discount": written(off_), "net": written(Fraction(amount) - off_)}, ""


def flat_parts() -> Found:
    for currency, decimals in (("USD", 2), ("JPY", 0), ("KWD", 3)):
        for days in (0, 1, 10, 15, 30, 31):
            exact = Fraction(1000 * days, 31)
            unit = Decimal(1).scaleb(-decimals)
            amount = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(unit, ROUND_HALF_UP)
            given = {"amount": "1000", "currency": currency, "service_days": days, "full_period_days": 31}
            yield given, {"amount": format(amount, "f")}, ""


KINDS: Final[dict[str, Made]] = {
    "rounding_half_away": _rounding(ROUND_HALF_UP),
    "rounding_half_even": _rounding(ROUND_HALF_EVEN),
    "rounding_down": _rounding(ROUND_DOWN),
    "rounding_up": _rounding(ROUND_UP),
    "minor_units": minor_units,
    "currency_precision": precision,
    "largest_remainder": allocations,
    "discount_rounding": discounts,
    "flat_proration": flat_parts,
}
