"""What do seats cost that come and go? Asked of the calculator, by the very seats."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Final

from tests.conformance.adapters import times
from tests.conformance.adapters.given import (
    TRACKER_FREE,
    TRACKER_TIERS,
    Adapter,
    Document,
    Given,
    minor,
    share,
    text,
    tiered,
)
from tests.conformance.answers import Answer, ask, one

START: Final = times.instant("2026-10-01")
CLIFF: Final = {"quantity": TRACKER_FREE, "rule": "CLIFF"}


def held(count: int, start: datetime, end: datetime | None = None, **more: object) -> Document:
    """Return seats held over a time, as a question writes them."""
    until = {"end": end.isoformat()} if end else {}
    return {"count": count, "start": start.isoformat(), **until, **more}


def peak_graduated(given: Given) -> Mapping[str, object]:
    if "days_at_seats" not in given:
        return peak_cliff(given)
    at, seats = START, list[Document]()
    for days, count in given["days_at_seats"]:
        seats.append(held(count, at, at + timedelta(days=days)))
        at += timedelta(days=days)
    return _peak(given, seats, at)


def peak_cliff(given: Given) -> Mapping[str, object]:
    free = {"quantity": int(given.like("free", default=0)), "rule": "CLIFF"}
    entry = {"quantity": {"kind": "PEAK_SEATS"}, "allowance": free, "quote_above": given.like("above")}
    measured = {"quantity": given.units, "share": share(first_share(given))}
    price = tiered(given, "GRADUATED") if "tiers" in given else {"model": "UNIT", "unit": given.amount("unit", "price")}
    found = ask([one(price, measured=measured, **entry)], currency=given.currency)
    return {
        "amount": found.amount,
        "tier_amounts": [step.amount for line in found.lines for step in line.steps],
        "quote_required": False,
    }


def first_share(given: Given) -> Fraction:
    """Return the part of the first month that is owed: the days left from the first paid access, that day counted."""
    if "days_left" in given or "paid_days" in given:
        return Fraction(int(given.first("days_left", "paid_days")), int(given.first("month_days", "days_in_month")))
    first = given.like("first", "access", "joined", "starts")
    if not isinstance(first, str):
        return Fraction(1)
    at = times.instant(first)
    month = times.month(first[:7])
    return Fraction((month[1] - at).days, (month[1] - month[0]).days)


def first_period(given: Given) -> Mapping[str, object]:
    """Bill the month in which the service began: by tiers and a peak, or as a part of what the month costs."""
    if "tiers" in given:
        return peak_cliff(given)
    price = {"model": "UNIT", "unit": given.amount("full_amount", "monthly", "amount", "price", "unit", "full")}
    measured = {"quantity": str(given.first("seats", "peak", "units", default=1)), "share": share(first_share(given))}
    found = ask([one(price, quantity={"kind": "PEAK_SEATS"}, measured=measured)], currency=given.currency)
    return {"amount": found.amount}


def peak(given: Given) -> Mapping[str, object]:
    """Hold the seats of a day in one order and in the other, or paid seats beside free ones."""
    if "peak" in given:
        return peak_cliff(given)
    tracker = replace(given, input={"tiers": TRACKER_TIERS, **given.input, "currency": "RUB"})
    end = START + timedelta(days=31)
    if "full_access" in given:
        seats = [held(given["full_access"], START), held(int(given.first("read_only", default=0)), START, free=True)]
        found = _asked(tracker, seats, end, allowance=CLIFF)
        return {"billable": found.line("item").quantity, "amount": found.amount}
    results: dict[str, object] = {}
    for order in ("a", "b"):
        found = _asked(tracker, _in_order(given[f"order_{order}"], int(given["start_seats"])), end)
        results |= {f"peak_order_{order}": found.line("item").quantity, f"amount_{order}": found.amount}
    return results


def _in_order(operations: Sequence[str], start_seats: int) -> list[Document]:
    """Return the seats after each operation of a day, an hour apart."""
    at, before, count, seats = START, START, start_seats, list[Document]()
    for operation in operations:
        at += timedelta(hours=1)
        seats.append(held(count, before, at))
        count, before = count + int(operation.split()[-1]), at
    return [*seats, held(count, before)]


def _peak(given: Given, seats: list[Document], end: datetime) -> Mapping[str, object]:
    found = _asked(given, seats, end)
    line = found.line("item")
    return {"peak": line.quantity, "tier_amounts": [step.amount for step in line.steps], "amount": found.amount}


def _asked(given: Given, seats: list[Document], end: datetime, **policies: object) -> Answer:
    measured = {"span": times.span(START, end), "seats": seats}
    price = tiered(given, "GRADUATED")
    entry = one(price, quantity={"kind": "PEAK_SEATS"}, measured=measured, **policies)
    return ask([entry], currency=given.currency)


def addon(given: Given) -> Mapping[str, object]:
    chosen = next(key for key in given.input if key.endswith("_seats"))
    with_it = int(given[chosen])
    seats = [held(int(given["seats"]) - with_it, START), held(with_it, START, add_ons=["addon"])]
    measured = {"span": times.span(START, START + timedelta(days=31)), "seats": seats}
    price = {"model": "UNIT", "unit": given.amount("addon_unit")}
    entry = one(price, quantity={"kind": "SEATS", "add_on": "addon"}, measured=measured)
    return {"addon_amount": ask([entry], currency=given.currency).amount}


def calendar(given: Given) -> Mapping[str, object]:
    """Bill the month after each event as though nothing more happened in it."""
    amounts = [_after(given, given["events"][:count]) for count in range(len(given["events"]) + 1)]
    return {"running_amount_cents": amounts, "amount_cents": amounts[-1]}


def _after(given: Given, events: Sequence[Sequence[str]]) -> int:
    start, end = times.month(given["month"])
    model = "VOLUME" if given.says("volume") else "GRADUATED"
    entry = one(
        tiered(given, model),
        quantity={"kind": "SEATS"},
        measured={"span": times.span(start, end), "seats": _places(events)},
        proration="ACTUAL_EXCLUSIVE",
        placement="BY_RUNNING_UNITS",
    )
    return minor(ask([entry]).subtotal)


def _places(events: Sequence[Sequence[str]]) -> list[Document]:
    """Return the units after each change as seats; what goes is what came first."""
    opened: list[tuple[datetime, int]] = []
    closed: list[Document] = []
    for day, change in events:
        at, units = times.instant(day), int(change)
        if units > 0:
            opened.append((at, units))
        while units < 0:
            since, count = opened.pop(0)
            taken = min(count, -units)
            closed.append(held(taken, since, at))
            units += taken
            if count > taken:
                opened.insert(0, (since, count - taken))
    return [*closed, *(held(count, since) for since, count in opened)]


def weighted_sum(given: Given) -> Mapping[str, object]:
    start, end = times.month(given["month"])
    carried = given.like("carr", "initial", "previous", "opening", "persisted", "start_units", "start_value")
    events = [{"at": start.isoformat(), "value": text(carried)}] if carried is not None else []
    events += [{"at": times.instant(at).isoformat(), "value": text(value)} for at, value in given["events"]]
    quantity = {"kind": "USAGE", "meter": "units", "aggregation": "WEIGHTED_SUM"}
    measured = {"span": times.span(start, end), "events": events}
    found = ask([one({"model": "UNIT", "unit": given.amount("unit")}, quantity=quantity, measured=measured)])
    return {"amount_cents": minor(found.subtotal), "amount": found.amount, "units": found.line("item").quantity}


def high_water(given: Given) -> Mapping[str, object]:
    """Bill the period after each change; what was billed by then is not billed again."""
    levels = given["units_in_period"]
    totals = [0, *(_paid(given, levels[:count]) for count in range(1, len(levels) + 1))]
    return {"invoiced_cents": [after - before for before, after in pairwise(totals)]}


def _paid(given: Given, levels: Sequence[int]) -> int:
    end = START + timedelta(days=31)
    seats = [
        held(
            level, START + timedelta(days=index), START + timedelta(days=index + 1) if index < len(levels) - 1 else end
        )
        for index, level in enumerate(levels)
    ]
    entry = one(
        {"model": "UNIT", "unit": given.amount("unit")},
        quantity={"kind": "SEATS"},
        measured={"span": times.span(START, end), "seats": seats},
        proration="ACTUAL_EXCLUSIVE",
        increase="PRORATE" if given.says("_prorated") and not given.says("unprorated", "not prorated") else "FULL",
        decrease="KEEP_PEAK",
    )
    return minor(ask([entry]).subtotal)


def seat_proration(given: Given) -> Mapping[str, object]:
    start, end = times.month(given["month"])
    until = times.instant(given["removed"]) if "removed" in given else None
    count = int(given.first("seats", "units", default=1))
    added = times.instant(given["added"]) if "added" in given else start
    entry = one(
        {"model": "UNIT", "unit": given.amount("unit")},
        quantity={"kind": "SEATS"},
        measured={"span": times.span(start, end), "seats": [held(count, added, until)]},
        proration="ACTUAL_INCLUSIVE",
        decrease="NO_REFUND" if given.says("not credited", "no refund", "never refunded") else "CREDIT",
    )
    found = ask([entry])
    return {"amount_cents": minor(found.subtotal), "amount": found.amount}


def renewal(given: Given) -> Mapping[str, object]:
    names = {"jan": "january", "feb": "february", "mar": "march", "apr": "april", "jun": "june", "jul": "july"}
    names |= {"aug": "august", "sep": "september", "sept": "september", "oct": "october", "nov": "november"}
    results: dict[str, object] = {}
    for key, count in given.input.items():
        if key.startswith("seats_at_"):
            month = key.removeprefix("seats_at_").split("_")[0]
            price = {"model": "UNIT", "unit": given.amount("unit")}
            entry = one(price, quantity={"kind": "SEATS"}, measured={"quantity": str(count)}, timing="ADVANCE")
            results[f"{names.get(month, month)}_cents"] = minor(ask([entry]).subtotal)
    return results


def day_count(given: Given) -> Mapping[str, object]:
    part = Fraction(int(given["seat_days"]), int(given["month_days"]))
    price = {"model": "UNIT", "unit": given.amount("price", "unit")}
    measured = {"quantity": str(given.first("seats", default=1)), "share": share(part)}
    return {"amount": ask([one(price, quantity={"kind": "SEATS"}, measured=measured)]).amount}


def with_fixed(given: Given) -> Mapping[str, object]:
    fee = {"model": "UNIT", "unit": given.amount("fixed", default="0")}
    entries = [
        one(fee, quantity={"kind": "FLAT"}, measured={"quantity": "1"}, key="fixed"),
        one(tiered(given, "GRADUATED"), quantity={"kind": "SEATS"}, measured={"quantity": given.units}),
    ]
    found = ask(entries, currency=given.currency)
    return {"amount": found.amount, "amount_cents": minor(found.subtotal)}


def volume(given: Given) -> Mapping[str, object]:
    entry = one(tiered(given, "VOLUME"), quantity={"kind": "SEATS"}, measured={"quantity": given.units})
    found = ask([entry], currency=given.currency)
    return {"amount": found.amount, "amount_cents": minor(found.subtotal)}


ADAPTERS: Final[Mapping[str, Adapter]] = {
    "peak_graduated": peak_graduated,
    "peak_graduated_cliff": peak_cliff,
    "peak": peak,
    "first_period": first_period,
    "first_month": first_period,
    "seat_addon": addon,
    "graduated_prorated_calendar": calendar,
    "volume_prorated_calendar": calendar,
    "weighted_sum": weighted_sum,
    "advance_high_water": high_water,
    "seat_proration": seat_proration,
    "seat_renewal": renewal,
    "seat_day_count": day_count,
    "seat_graduated": with_fixed,
    "seat_volume": volume,
}
