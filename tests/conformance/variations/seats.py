"""More seats: peaks by a sweep over every day, cliffs, days of adding, and paid maxima."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from tests.conformance.variations.figures import Given, Made, cents, dice, graduated, nearest, rows, tiers, written

Found = Iterator[tuple[Given, Given, str]]
TRACKER: Final = [
    (100, Fraction(440), Fraction(0)),
    (250, Fraction(400), Fraction(0)),
    (None, Fraction(360), Fraction(0)),
]
DAYS: Final = {"2024-02": 29, "2023-02": 28, "2024-06": 30, "2024-07": 31}


def peaks() -> Found:
    chance = dice("peaks")
    for _ in range(10):
        price = tiers(chance)
        levels = [[chance.randint(1, 9), chance.randint(0, 80)] for _ in range(3)]
        held = [seats for days, seats in levels for _ in range(days)]
        peak = 0
        for seats in held:
            peak = seats if seats > peak else peak
        given = {"currency": "USD", "days_at_seats": levels, "tiers": rows(price)}
        yield given, {"peak": peak, "amount": written(graduated(peak, price))}, ""


def cliffs() -> Found:
    for currency in ("RUB", "KZT"):
        for peak in (0, 1, 4, 5, 6, 99, 100, 101, 249, 250, 251, 500):
            amount = 0 if peak <= 5 else graduated(peak, TRACKER)
            given = {"currency": currency, "peak": peak, "free_up_to": 5, "tiers": rows(TRACKER)}
            yield given, {"amount": written(amount)}, ""
    for peak in (500, 501, 1000):
        given = {"currency": "RUB", "peak": peak, "free_up_to": 5, "quote_above": 500, "tiers": rows(TRACKER)}
        yield given, {"amount": "194000"} if peak == 500 else {"quote_required": True}, ""


def swaps() -> Found:
    for start in (0, 1, 5, 6, 99, 100, 101, 249, 250, 251):
        orders = {"order_a": ["grant +1", "revoke -1"], "order_b": ["revoke -1", "grant +1"]}
        if start == 0:
            orders = {"order_a": ["grant +1", "revoke -1"], "order_b": ["grant +2", "revoke -2"]}
        peaks_ = []
        for order in orders.values():
            now = highest = start
            for operation in order:
                now += int(operation.split()[1])
                highest = max(highest, now)
            peaks_.append(highest)
        amounts = [written(graduated(peak, TRACKER)) for peak in peaks_]
        expected = {
            "peak_order_a": peaks_[0],
            "peak_order_b": peaks_[1],
            "amount_a": amounts[0],
            "amount_b": amounts[1],
        }
        yield {"day": "one day", **orders, "start_seats": start}, expected, ""


def readers() -> Found:
    for paid, free in ((0, 10), (1, 0), (5, 900), (6, 900), (100, 1), (101, 0), (250, 5), (251, 5), (3, 3), (7, 0)):
        amount = 0 if paid <= 5 else graduated(paid, TRACKER)
        yield {"full_access": paid, "read_only": free}, {"amount": written(amount)}, "read-only users never count"


def add_ons() -> Found:
    for seats, chosen in ((1, 1), (10, 1), (10, 10), (40, 12), (5, 2), (100, 99), (7, 3), (2, 1), (30, 15), (12, 11)):
        given = {"seats": seats, "hipaa_seats": chosen, "addon_unit": "5.25", "currency": "USD"}
        yield given, {"addon_amount": written(Fraction("5.25") * chosen)}, ""


def advance() -> Found:
    for month, days in DAYS.items():
        for day in (1, 2, 15, days):
            held = len(range(day, days + 1))
            given = {"unit_cents": 3100, "month": month, "added": f"{month}-{day:02}"}
            yield given, {"amount_cents": cents(31 * Fraction(held, days))}, "day of adding counts"


def day_counts() -> Found:
    for month, days in DAYS.items():
        for held in (1, days // 2, days):
            amount = nearest(39 * Fraction(held, days), 2)
            yield {"price": "39", "month_days": days, "seat_days": held}, {"amount": written(amount)}, month


def high_water() -> Found:
    chance = dice("high water")
    for _ in range(10):
        levels = [chance.randint(1, 20) for _ in range(4)]
        paid, invoiced = 0, []
        for level in levels:
            invoiced.append(1000 * max(0, level - paid))
            paid = max(paid, level)
        yield {"unit_cents": 1000, "units_in_period": levels}, {"invoiced_cents": invoiced}, "not prorated"


def renewals() -> Found:
    for first, second in ((0, 1), (1, 0), (5, 7), (7, 5), (100, 100), (3, 4), (1, 2), (9, 8), (50, 49), (12, 21)):
        given = {"unit_cents": 3000, "seats_at_july_1": first, "seats_at_aug_1": second}
        yield given, {"july_cents": 3000 * first, "august_cents": 3000 * second}, ""


KINDS: Final[dict[str, Made]] = {
    "peak_graduated": peaks,
    "peak_graduated_cliff": cliffs,
    "peak": swaps,
    "peak_of_full_access": readers,
    "seat_addon": add_ons,
    "seat_proration_advance": advance,
    "seat_day_count": day_counts,
    "advance_high_water_unprorated": high_water,
    "seat_renewal": renewals,
}
