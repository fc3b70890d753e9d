"""Which part of an interval is owed, and what does it cost? Asked of the calculator, by dates or by days.

The dates on which an interval recurs are those of a contract's instalments, in a sandbox.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from billing.money import Money
from tests.conformance.adapters import times
from tests.conformance.adapters.given import Adapter, Document, Given, cents, minor, share, text
from tests.conformance.answers import ask, one
from tests.conformance.comparing import Amount, Endless
from tests.conformance.house import a_plan

OLD: Final = ("old", "old_total", "old_amount", "remove_total", "removed")
NEW: Final = ("new", "new_total", "new_amount", "add_total", "added")
FEE: Final = ("amount", "price", "plan", "fee", "unit", *OLD, *NEW)
BAND: Final = {"kind": "CONTRACT_BAND"}
STEPS: Final = 48
MONTHS_MAX: Final = 20 * 12


def by_days(given: Given) -> Mapping[str, object]:
    """Bill a fee for a share of days; without proration it is owed in full."""
    part = Fraction(1) if given.first("proration", default="") == "disabled" else _part(given)
    if "amounts_cents" in given:
        return {"amount_cents": [minor(_fee(given, cents(each), part).rounded) for each in given["amounts_cents"]]}
    if sides := _sides(given):
        return _change(*(_fee(given, side, part) for side in sides))
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


def _sides(given: Given) -> tuple[str, str] | None:
    """Return what is left and what comes instead, where the case has both."""
    counts = next(
        (given[key] for key in ("quantity", "quantities", "seats", "units") if isinstance(given.input.get(key), list)),
        None,
    )
    if counts is not None:
        unit = Fraction(given.amount("unit", "price", "old", "amount"))
        return text(unit * counts[0]), text(unit * counts[-1])
    has = [any(f"{name}{ending}" in given.input for name in names for ending in ("", "_cents")) for names in (OLD, NEW)]
    return (given.amount(*OLD), given.amount(*NEW)) if all(has) else None


def _change(gone: Amount, come: Amount) -> Mapping[str, object]:
    """Return both sides of a change as an invoice has them: what is left is below zero."""
    net = Amount(come.rounded - gone.rounded, come.exact - gone.exact)
    return {
        "credit": Amount(-gone.rounded, -gone.exact),
        "debit": come,
        "net": net,
        "amount": net,
        "credit_cents": minor(gone.rounded),
        "debit_cents": minor(come.rounded),
        "net_cents": minor(net.rounded),
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
    start, end = times.day(given["start"]), times.day(given.first("next_cycle", "end"))
    days = times.days_between(start, end)
    step = times.step(times.instant(end.isoformat()), given.first("interval", default="MONTHLY"), -1)
    whole = times.days_between(step.date(), end)
    return {"days": days, "period_days": whole, "fraction": days / whole}


def fixed_days(given: Given) -> Mapping[str, object]:
    """Return the share of days when every month has the same number of them, and the fee for it.

    Asked by the year: a fee for a whole year is twelve fees for a month.
    """
    policy = f"FIXED_{given['fixed_days']}"
    first, last = times.day(given["start"]), times.day(given["end"])
    within = times.instant(f"{first.year}-01-01"), times.instant(f"{last.year + 1}-01-01")
    months = 12 * (last.year + 1 - first.year)
    starts, ends = times.instant(first.isoformat()), times.instant(last.isoformat())
    results: dict[str, object] = {
        "days": times.days_between(first, last, policy),
        "fraction": times.part_of(starts, ends, within, policy) * months,
    }
    if "price" in given or "price_cents" in given:
        price = text(Fraction(given.amount("price")) * months)
        found = times.fee_of(price, starts, ends, within, policy, currency=given.currency)
        results |= {"amount": found, "amount_cents": minor(found.rounded)}
    return results


def dst(given: Given) -> Mapping[str, object]:
    """Count the local days of each span."""
    zone = given.first("timezone", "time_zone", default="UTC")
    written = given["spans"] if "spans" in given else [[given["start"], given["end"]]]
    spans = [(times.day(first), times.day(last)) for first, last in written]
    days = [times.days_between(first, last, zone=zone) for first, last in spans]
    return {"days": days if "spans" in given else days[0]}


def clamp(given: Given) -> Mapping[str, object]:
    """Sign a contract that is paid every month, and look at its dates; what is shorter needs no calendar."""
    anchor, interval = times.instant(given["anchor"]), str(given.first("interval", default="month")).lower()
    if interval in times.DAYS:
        every = int(given.first("count", "interval_count", default=1))
        days = [times.step(anchor, interval, every * count) for count in range(1, STEPS + 1)]
    else:
        months, zone = times.MONTHS[interval], str(given.first("timezone", "time_zone", default="UTC"))
        months *= int(given.first("count", "interval_count", default=1))
        days = _instalments(given, anchor, min(STEPS * months, MONTHS_MAX), zone)[months - 1 :: months]
    return {"next": Endless(tuple(day.date().isoformat() for day in days))}


def _instalments(given: Given, anchor: datetime, months: int, zone: str) -> list[datetime]:
    """Return the dates at which the instalments of a contract are issued that begins at `anchor`."""
    local = times.local_midnight(anchor.date(), zone)
    plan = a_plan(one({"model": "BAND", "bands": [{"up_to": "1", "amount": "0"}]}, quantity=BAND, measured={})["item"])
    opened = local - timedelta(days=1)
    sandbox = given.house.sandbox(plan, at=opened, time_zone=zone, evaluation_ends_at=local + timedelta(days=30))
    contract = {
        "number": "C-1",
        "start": local.isoformat(),
        "end": (local + timedelta(days=31 * months + 31)).isoformat(),
        "termYears": min(20, 1 + months // 12),
        "bandUpTo": 1,
        "total": {"amount": "0", "currency": plan["currency"]},
        "schedule": "MONTHLY",
    }
    found = sandbox.do(
        "convertEvaluation", "contract { instalments { issueAt } }", contract=contract, planKey=sandbox.plan
    )
    issued = [datetime.fromisoformat(each["issueAt"]) for each in found["contract"]["instalments"]]
    return [at.astimezone(ZoneInfo(zone)) for at in issued[1:]]


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


def instalments(given: Given) -> Mapping[str, object]:
    """Sign a contract over an amount, and look at what each of its instalments bills."""
    total = given.amount("total", "amount", "contract_total")
    count = given.first("instalments", "installments", "count", "payments")
    schedule = str(given.first("schedule", "frequency", "interval", default="")).upper()
    years = int(given.first("years", "term_years", default=0))
    months = next((each for name, each in times.MONTHS.items() if name.upper() == schedule), None)
    if months is None:
        known = {12: 1, 4: 3, 1: 12}
        found = next((length for per_year, length in known.items() if count and int(count) % per_year == 0), 12)
        months, years = found, years or int(count or 1) * found // 12
    years = years or (int(count) * months // 12 if count else 1)
    made = _contract(given, total, {1: "MONTHLY", 3: "QUARTERLY", 12: "ANNUAL"}[months], years)
    amounts = [Fraction(each["amount"]["amount"]) for each in made]
    return {"instalments": amounts, "installments": amounts, "amounts": amounts, "total": sum(amounts, Fraction(0))}


def _contract(given: Given, total: str, schedule: str, years: int) -> list[Document]:
    start = times.instant("2026-10-01")
    band = one({"model": "BAND", "bands": [{"up_to": "1", "amount": "0"}]}, quantity=BAND, measured={})["item"]
    plan = a_plan(band, currency=given.currency)
    sandbox = given.house.sandbox(plan, at=start - timedelta(days=1), evaluation_ends_at=start + timedelta(days=30))
    contract = {
        "number": "C-1",
        "start": start.isoformat(),
        "end": start.replace(year=start.year + years).isoformat(),
        "termYears": years,
        "bandUpTo": 1,
        "total": {"amount": total, "currency": given.currency},
        "schedule": schedule,
    }
    selection = "contract { instalments { amount { amount } } }"
    found = sandbox.do("convertEvaluation", selection, contract=contract, planKey=sandbox.plan)
    made: list[Document] = found["contract"]["instalments"]
    return made


ADAPTERS: Final[Mapping[str, Adapter]] = {
    "instalments": instalments,
    "installments": instalments,
    "instalment": instalments,
    "payment_schedule": instalments,
    "proration": by_days,
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
