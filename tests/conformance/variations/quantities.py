"""More quantities: windows, commitments, capacity, and what is weighted by its time."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from tests.conformance.variations.figures import Given, Made, cents, dice, graduated, packages, rows, tiers, written

Found = Iterator[tuple[Given, Given, str]]


def buckets_graduated() -> Found:
    chance = dice("buckets")
    for _ in range(10):
        price, peaks = tiers(chance), [chance.randint(0, 70) for _ in range(chance.randint(1, 5))]
        amount = sum((graduated(peak, price) for peak in peaks), Fraction(0))
        yield {"bucket_peaks": peaks, "tiers": rows(price)}, {"amount": written(amount)}, ""


def buckets_package() -> Found:
    chance = dice("packages")
    for _ in range(10):
        peaks = [chance.choice((0, 1, 99, 100, 101, 250)) for _ in range(4)]
        amount = sum(packages(peak, 100) for peak in peaks) * 5
        yield {"bucket_peaks": peaks, "package_size": 100, "amount": "5"}, {"amount": str(amount)}, ""


def windows() -> Found:
    for trues_up in (True, False):
        for units in ([0], [5], [6], [4, 5, 6], [0, 0], [10, 1], [2, 8], [3, 3, 3], [100], [5, 0, 5]):
            each = [_window(2 * unit, trues_up) for unit in units]
            given = {
                "commitment_per_window": "10",
                "overage_factor": "2",
                "true_up": trues_up,
                "unit": "2",
                "window_units": units,
            }
            yield given, {"window_amounts": [str(one) for one in each], "amount": str(sum(each))}, ""


def _window(charge: int, trues_up: bool) -> int:
    if charge <= 10:
        return 10 if trues_up else charge
    return 10 + 2 * (charge - 10)


def capacity() -> Found:
    bands = [
        {"max": {"a": 10, "b": 100}, "price": "1"},
        {"max": {"a": 20, "b": 200}, "price": "2"},
        {"max": None, "price": "3"},
    ]
    for first, second in (
        (0, 0),
        (10, 100),
        (11, 100),
        (10, 101),
        (20, 200),
        (21, 1),
        (1, 201),
        (5, 150),
        (99, 999),
        (20, 0),
    ):
        fitting = [place for place in (1, 2) if first <= 10 * place and second <= 100 * place]
        if (first, second) == (0, 0):
            continue
        yield {"peaks": {"a": first, "b": second}, "tiers": bands}, {"amount": str(min(fitting, default=3))}, ""


def weighted() -> Found:
    chance = dice("weighted")
    for month, days in (("2023-02", 28), ("2024-02", 29), ("2023-03", 31), ("2023-04", 30)) * 3:
        start = datetime.fromisoformat(f"{month}-01T00:00+00:00")
        hours = sorted(chance.sample(range(days * 24), 3))
        changes = [chance.randint(1, 500) for _ in hours]
        exact, level, at = Fraction(0), 0, 0
        for hour in range(days * 24):
            while at < len(hours) and hours[at] == hour:
                level, at = level + changes[at], at + 1
            exact += Fraction(level, days * 24)
        events = [
            [(start + timedelta(hours=hour)).isoformat(), f"+{change}"]
            for hour, change in zip(hours, changes, strict=True)
        ]
        yield {"unit": "1", "month": month, "events": events}, {"amount_cents": cents(exact)}, ""


def true_up() -> Found:
    for committed, plan, part in (
        (1000000, 100000, "5/7"),
        (1000000, 100000, "1/1"),
        (100, 100, "1/1"),
        (100, 200, "1/2"),
        (0, 100, "1/1"),
        (31000, 0, "17/31"),
        (36600, 600, "1/366"),
        (2800, 1400, "1/28"),
        (9999, 1, "1/2"),
        (12345, 2345, "29/29"),
    ):
        owed = cents(Fraction(committed, 100) * Fraction(part)) - cents(Fraction(plan, 100) * Fraction(part))
        given = {"commitment_cents": committed, "plan_cents": plan, "fraction": part}
        yield given, {"true_up_cents": max(0, owed)}, ""


KINDS: Final[dict[str, Made]] = {
    "peak_per_bucket_graduated": buckets_graduated,
    "peak_per_bucket_package": buckets_package,
    "window_commitment": windows,
    "capacity_peak_tier": capacity,
    "weighted_sum": weighted,
    "minimum_commitment_true_up": true_up,
}
