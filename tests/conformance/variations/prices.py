"""More prices: every tier bound and the unit on each side of it, nothing at all, and currencies of other decimals."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from tests.conformance.variations.figures import (
    Given,
    Made,
    dice,
    graduated,
    nearest,
    packages,
    rows,
    tiers,
    volume,
    written,
)

Found = Iterator[tuple[Given, Given, str]]
CURRENCIES: Final = (("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4))


def _around(bound: int) -> tuple[int, ...]:
    return (bound - 1, bound, bound + 1)


def graduated_() -> Found:
    chance = dice("graduated")
    for _ in range(4):
        price = tiers(chance, flats=True)
        for units in (0, 1, *(each for top, _, _ in price if top for each in _around(top)), 137):
            yield {"units": units, "tiers": rows(price)}, {"amount": written(graduated(units, price))}, ""


def volume_() -> Found:
    chance = dice("volume")
    for _ in range(4):
        price = tiers(chance, flats=True)
        for units in (0, 1, *(each for top, _, _ in price if top for each in _around(top)), 137):
            yield {"units": units, "tiers": rows(price, "to")}, {"amount": written(volume(units, price))}, ""


def flat_at_zero() -> Found:
    for units in range(11):
        given = {"units": units, "tiers": [{"up_to": None, "unit": "3", "flat": "10"}]}
        yield given, {"amount": "0" if units == 0 else str(10 + 3 * units)}, "no flat fee at zero"


def seat_volume() -> Found:
    price = tiers(dice("seat volume"))
    for seats in (0, 1, 2, 5, 10, 20, 30, 40, 50, 60, 100):
        yield {"seats": seats, "tiers": rows(price, "max")}, {"amount": written(volume(seats, price))}, ""


def bounded() -> Found:
    price = [{"max": 10, "unit_cents": 500}, {"max": 20, "unit_cents": 400}]
    for seats in (0, 1, 9, 10, 11, 19, 20):
        unit = 5 if seats <= 10 else 4
        yield {"seats": seats, "tiers": price}, {"amount": str(seats * unit)}, ""
    for seats in (21, 22, 100, 1000):
        yield {"seats": seats, "tiers": price}, {"error": "out of range"}, ""


def unit() -> Found:
    chance = dice("unit")
    for currency, decimals in CURRENCIES * 3:
        price, units = Fraction(chance.randint(1, 99999), 10**decimals), chance.randint(0, 999)
        given = {"unit": written(price), "units": str(units), "currency": currency}
        yield given, {"amount": written(price * units)}, ""
    yield {"unit": "-1", "units": "1"}, {"error": "negative price"}, ""
    yield {"unit": "1", "units": "-1"}, {"error": "negative quantity"}, ""


def package() -> Found:
    for size, price in ((10, "100"), (7, "0.35"), (1, "2")):
        for units in (0, 1, size - 1, size, size + 1, 5 * size, 5 * size + 1):
            amount = packages(units, size) * Fraction(price)
            given = {"units": units, "package_size": size, "amount": price}
            yield given, {"amount": written(amount), "packages": packages(units, size)}, ""
    for units in (0, 4, 5, 6, 14, 15, 16):
        charged = packages(max(0, units - 5), 10)
        yield {"units": units, "package_size": 10, "amount": "3", "free_units": 5}, {"amount": str(charged * 3)}, ""


def package_down() -> Found:
    for units in (0, 1, 99, 100, 101, 199, 200, 250, 299, 300, 999):
        yield (
            {"units": units, "package_size": 100, "amount": "1.50"},
            {"amount": written(Fraction(3, 2) * (units // 100))},
            "",
        )


def percentage() -> Found:
    chance = dice("percentage")
    for free in range(12):
        amounts = [Fraction(chance.randint(0, 90000), 100) for _ in range(chance.randint(0, 9))]
        paid = amounts[free % 4 :]
        exact = sum((each * Fraction(13, 1000) + 2 for each in paid), Fraction(0))
        given = {
            "events": [written(each) for each in amounts],
            "rate_pct": "1.3",
            "fixed_per_txn": "2",
            "free_events": free % 4,
        }
        yield given, {"amount": written(nearest(exact, 2))}, ""


def bounded_percentage() -> Found:
    chance = dice("bounded percentage")
    for _ in range(12):
        amounts = [Fraction(chance.choice((1, 10, 5853, 58528, 58529, 40134, 99999)), 1) for _ in range(5)]
        each = [min(max(amount * Fraction(299, 10000), Fraction(7, 4)), Fraction(12)) for amount in amounts]
        given = {
            "events": [written(amount) for amount in amounts],
            "rate_pct": "2.99",
            "min_per_txn": "1.75",
            "max_per_txn": "12",
        }
        yield given, {"amount": written(nearest(sum(each, Fraction(0)), 2))}, ""


def graduated_percentage() -> Found:
    price = [(10, "1", "200"), (20, "2", "300"), (None, "3", "400")]
    given_tiers = [{"to": top, "rate_pct": rate, "flat": flat} for top, rate, flat in price]
    for units in (1, 2, 9, 10, 11, 19, 20, 21, 50, 100):
        exact, entered = Fraction(0), {0}
        for each in range(1, units + 1):
            place = next(index for index, (top, _, _) in enumerate(price) if top is None or each <= top)
            entered.add(place)
            exact += Fraction(price[place][1]) / 100
        exact += sum(int(price[place][2]) for place in entered)
        yield {"units": str(units), "tiers": given_tiers}, {"amount": written(exact)}, ""


def blocks() -> Found:
    price: list[dict[str, Any]] = [
        {"block": 1, "max_blocks": 10, "price": "1.5"},
        {"block": 1, "max_blocks": 90, "price": "1.0"},
        {"block": 1, "max_blocks": 900, "price": "0.5"},
    ]
    for units in (1, 5, 9, 10, 11, 50, 99, 100, 101, 500, 999, 1000):
        unit_price = Fraction("1.5") if units <= 10 else Fraction(1) if units <= 100 else Fraction("0.5")
        yield {"units": units, "tiers": price}, {"amount": written(units * unit_price)}, "tier bounds are cumulative"


def tokens() -> Found:
    rates = {"claude-opus-4": (15, 75), "claude-sonnet-4-6": (3, 15), "claude-haiku-4-5": (1, 5)}
    factors = {"cache_read": Fraction(1, 10), "cache_write_5m": Fraction(5, 4), "cache_write_1h": Fraction(2)}
    chance = dice("tokens")
    for model, (into, out) in rates.items():
        for batch in (False, True, False, True):
            used = {kind: chance.randint(0, 2_000_000) for kind in ("input", "output", *factors)}
            exact = Fraction(used["input"] * into + used["output"] * out)
            exact += sum((used[kind] * into * factor for kind, factor in factors.items()), Fraction(0))
            exact = exact / 1_000_000 / (2 if batch else 1)
            given = {"model": model, "tokens": used, "batch": batch}
            yield given, {"amount_exact": written(exact), "currency": "USD"}, ""
    yield {"model": "no-such-model", "tokens": {"input": 1}}, {"error": "no rate"}, ""


def progressive() -> Found:
    chance = dice("progressive")
    for _ in range(12):
        price, before, more = tiers(chance, flats=True), chance.randint(1, 40), chance.randint(0, 40)
        amount = graduated(before + more, price) - graduated(before, price)
        given = {"pre_line_units": before, "line_units": more, "tiers": rows(price)}
        yield given, {"amount": written(amount)}, "incremental invoice"


def minimum() -> Found:
    for units, least in (
        (0, 100),
        (1, 100),
        (9, 100),
        (10, 100),
        (11, 100),
        (25, 250),
        (0, 1),
        (3, 30),
        (3, 31),
        (7, 1),
    ):
        yield {"unit": "10", "units": units, "minimum": str(least)}, {"amount": str(max(10 * units, least))}, ""


def maximum() -> Found:
    for units, most in (
        (0, 100),
        (1, 100),
        (9, 100),
        (10, 100),
        (11, 100),
        (25, 250),
        (30, 250),
        (3, 30),
        (3, 29),
        (7, 1),
    ):
        yield {"unit": "10", "units": units, "maximum": str(most)}, {"amount": str(min(10 * units, most))}, ""


def delta() -> Found:
    for before, units in pairwise((1, 99, 100, 101, 199, 200, 201, 350, 399, 400, 401)):
        billed = packages(before, 100)
        given = {"units": units, "block": 100, "price": "1", "already_billed": str(billed)}
        yield given, {"amount": str(packages(units, 100) - billed)}, ""


def dynamic() -> Found:
    for amounts in ((), (10,), (10, 250, 3), (0, 0), (1_000_000,)):
        for multiplier in (1, Fraction(3, 2)):
            given: Given = {"events": [str(amount) for amount in amounts], "multiplier": written(Fraction(multiplier))}
            yield given, {"amount": written(sum(amounts) * Fraction(multiplier))}, ""


KINDS: Final[dict[str, Made]] = {
    "graduated": graduated_,
    "volume": volume_,
    "volume_flat": flat_at_zero,
    "seat_volume": seat_volume,
    "volume_bounded": bounded,
    "unit": unit,
    "dynamic": dynamic,
    "package": package,
    "package_round_down": package_down,
    "percentage": percentage,
    "percentage_min_max": bounded_percentage,
    "graduated_percentage": graduated_percentage,
    "volume_blocks": blocks,
    "token_rate_card": tokens,
    "graduated_progressive": progressive,
    "minimum_spend": minimum,
    "maximum_spend": maximum,
    "delta_invoicing": delta,
}
