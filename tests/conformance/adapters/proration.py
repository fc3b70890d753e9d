"""Which part of an interval is owed, and what does it cost? Asked of the calculator, by dates or by days."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from billing import day_counts, periods
from billing.day_counts import DayCount
from billing.money import Money
from billing.periods import Period
from tests.conformance.adapters import times
from tests.conformance.adapters.given import Adapter, Given, cents, minor, share, text
from tests.conformance.answers import ask, one
from tests.conformance.comparing import Amount, Endless

FEE: Final = ("amount", "price", "plan", "unit", "add_total", "remove_total", "old")


def by_days(given: Given) -> Mapping[str, object]:
    """Bill a fee for a share of days; without proration it is owed in full."""
    part = Fraction(1) if given.first("proration", default="") == "disabled" else _part(given)
    if "amounts_cents" in given:
        return {"amount_cents": [minor(_fee(given, cents(each), part).rounded) for each in given["amounts_cents"]]}
    found = _fee(given, given.amount(*FEE), part)
    back = Amount(-found.rounded, -found.exact)
    return {
        "amount": found,
        "amount_cents": minor(found.rounded),
        "credit_cents": minor(found.rounded),
        "debit": found,
        "credit": back,
        "repair": back,
    }


def by_dates(given: Given) -> Mapping[str, object]:
    """Bill a fee that begins or ends within its interval, by the dates themselves."""
    start, end = _interval(given)
    since = _date(given, "resumed", "start")
    until = _date(given, "paused", "from", "end")
    within = {"since": since} if since and start < since < end else {}
    within |= {"until": until} if until and start < until < end else {}
    fixed = f"FIXED_{given['fixed_days']}" if "fixed_days" in given else "ACTUAL_EXCLUSIVE"
    entry = one(
        {"model": "UNIT", "unit": given.amount(*FEE)},
        quantity={"kind": "FLAT"},
        measured={"span": times.span(start, end, **within)},
        proration=fixed,
    )
    found = ask([entry], currency=given.currency).amount
    whole = Money.parse(given.amount(*FEE), given.currency)
    part = found.exact / whole.exact
    unused = _fee(given, given.amount(*FEE), 1 - part)
    return {"amount": found, "repair": Amount(-unused.rounded, -unused.exact), "fraction": part}


def fraction(given: Given) -> Mapping[str, object]:
    """Return the share of the billing cycle before its next date, by actual days."""
    start, end = times.instant(given["start"]), times.instant(given.first("next_cycle", "end"))
    before = times.step(end, given.first("interval", default="MONTHLY"), -1)
    days = periods.days(Period(start, end), "UTC") if start < end else 0
    (part,) = day_counts.shares((Period(start, end),), Period(before, end), "UTC", DayCount.ACTUAL_EXCLUSIVE)
    return {"days": days, "period_days": periods.days(Period(before, end), "UTC"), "fraction": part}


def fixed_days(given: Given) -> Mapping[str, object]:
    """Return the share of days when every month has the same number of them, and the fee for it."""
    of_month = int(given["fixed_days"])
    days = day_counts.fixed_days(times.day(given["start"]), times.day(given["end"]), of_month)
    part = Fraction(days, of_month)
    results: dict[str, object] = {"days": days, "fraction": part}
    if "price" in given or "price_cents" in given:
        results["amount"] = _fee(given, given.amount("price"), part)
    return results


def dst(given: Given) -> Mapping[str, object]:
    zone = given["timezone"]
    counts: list[int] = []
    for first, last in given["spans"]:
        start, end = (periods.day_start(times.day(text), zone) for text in (first, last))
        counts.append(periods.days(Period(start, end), zone) if start < end else 0)
    return {"days": counts}


def clamp(given: Given) -> Mapping[str, object]:
    anchor = times.instant(given["anchor"])
    days = [times.step(anchor, given.first("interval", default="month"), count) for count in range(1, 49)]
    return {"next": Endless(tuple(day.date().isoformat() for day in days))}


def _part(given: Given) -> Fraction:
    for key in ("fraction", "unused", "remaining", "elapsed", "used"):
        if key in given:
            return Fraction(str(given[key]))
    days = given.first("used_days_incl", "days", "service_days", "seat_days", "used_days")
    whole = given.first("period_days", "month_days", "full_period_days", "of")
    if days is not None and whole is not None:
        return Fraction(int(days), int(whole))
    if "month" in given and days is not None:
        return Fraction(int(days), times.days_of(given["month"]))
    start, end = (times.instant(str(given[key])) for key in ("start", "end"))
    return Fraction((end - start).days, int(whole))


def _interval(given: Given) -> tuple[datetime, datetime]:
    """Return the interval the fee is for: as given, or the month before the next date."""
    if "period" in given:
        first, last = given["period"]
        return times.instant(first), times.instant(last)
    end = times.instant(given.first("next", "next_cycle", "end"))
    if "period_days" in given:
        return end - timedelta(days=int(given["period_days"])), end
    return times.step(end, given.first("interval", default="month"), -1), end


def _date(given: Given, *keys: str) -> datetime | None:
    found = given.first(*keys)
    return times.instant(found) if found is not None else None


def _fee(given: Given, amount: str, part: Fraction) -> Amount:
    measured = {"quantity": "1", "share": share(part)}
    entry = one({"model": "UNIT", "unit": text(amount)}, quantity={"kind": "FLAT"}, measured=measured)
    return ask([entry], currency=given.currency).amount


ADAPTERS: Final[Mapping[str, Adapter]] = {
    "flat_proration": by_days,
    "proration_arrears": by_days,
    "proration_advance": by_days,
    "proration_credit": by_days,
    "proration_days_inclusive": by_days,
    "proration_fraction": fraction,
    "proration_fraction_fixed_days": fixed_days,
    "proration_amount_fixed_days": fixed_days,
    "day_count_fixed_days": fixed_days,
    "proration_amount": by_dates,
    "pause_repair": by_dates,
    "resume_proration": by_dates,
    "repair": by_dates,
    "day_count_dst": dst,
    "month_add_clamp": clamp,
}
