"""What does a change in the middle of an interval cost? Previewed, made and billed in a sandbox.

What is bought is paid in advance. At the instant at which the given part of the interval is left the change is
previewed, then made, and the invoice at the end of the month must say what the preview said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from billing.money import Money, total
from tests.conformance.adapters import times
from tests.conformance.adapters.given import Adapter, Document, Given, cents, minor, share, text
from tests.conformance.answers import ask, one
from tests.conformance.comparing import Amount
from tests.conformance.house import Sandbox, a_plan

FLAT: Final = {"kind": "FLAT"}
SEATS: Final = {"kind": "SEATS", "tiers": ["seat"]}
TIERS: Final = ({"key": "seat", "name": {"en": "Seat"}, "includes": []},)
INSTANT: Final = timedelta(microseconds=1)
INTERVALS: Final = (
    ("MONTH", "2025-06-01", "2025-07-01"),
    ("MONTH", "2025-07-01", "2025-08-01"),
    ("MONTH", "2025-02-01", "2025-03-01"),
    ("MONTH", "2024-02-01", "2024-03-01"),
    ("QUARTER", "2025-04-01", "2025-07-01"),
    ("QUARTER", "2025-07-01", "2025-10-01"),
    ("YEAR", "2025-01-01", "2026-01-01"),
    ("YEAR", "2024-01-01", "2025-01-01"),
)
"""Intervals of every length in days there is, the shorter ones first."""

LENGTHS: Final = {
    "month": "MONTH",
    "quarter": "QUARTER",
    "half-year": "HALF_YEAR",
    "semiannual": "HALF_YEAR",
    "year": "YEAR",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """An interval and the instant within it at which the change is made."""

    interval: str
    start: datetime
    at: datetime
    end: datetime

    @property
    def month_end(self) -> datetime:
        """When the month of the change ends, and its invoice is drawn."""
        return times.month(self.at.strftime("%Y-%m"))[1]


def plan_change(given: Given) -> Mapping[str, object]:
    if Fraction(str(given.first("tax_pct", default="0"))):
        return _taxed(given)
    moment = _moment(given)
    if "interval_change" in given:
        return _restarted(given, moment)
    credit, debit = _changed(given, moment, _item(given, "new", 1, interval=moment.interval))
    return _figures(credit, debit)


def by_second(given: Given) -> Mapping[str, object]:
    """Write the credit as what it is on an invoice, below zero."""
    found = dict(plan_change(given))
    credit = found["credit"]
    assert isinstance(credit, Amount)
    return {**found, "credit": Amount(-credit.rounded, -credit.exact)}


def _restarted(given: Given, moment: Moment) -> Mapping[str, object]:
    """Change to an interval of another length: a new cycle begins, and its first interval costs what any other does."""
    wanted = str(given["interval_change"]).lower().rpartition(">")[2].strip()
    new = _item(given, "new", 1, interval=LENGTHS.get(wanted, "MONTH"), cycle="WITH_PLAN", first_period="FULL")
    return _figures(*_changed(given, moment, new))


def _changed(given: Given, moment: Moment, new: Document) -> tuple[Amount, Amount]:
    """Return what comes back of the old plan and what is owed of the new one."""
    sandbox = given.house.sandbox(_plan(given, _item(given, "old", 0, interval=moment.interval)), at=moment.start)
    offered = given.house.offer(_plan(given, new))
    sandbox.advance(moment.at, paying=True)
    lines = sandbox.preview("previewPlanChange", planKey=offered)["upcomingInvoice"]["lines"]
    sandbox.do("changePlan", planKey=offered)
    _billed(sandbox, moment, lines)
    gone = [line for line in lines if "/until-" in line["key"]]
    come = [line for line in lines if line["key"].startswith("fee/first")]
    back = _sum(gone, given.currency)
    return Amount(-back.rounded, -back.exact), _sum(come, given.currency)


def _taxed(given: Given) -> Mapping[str, object]:
    """Change between plans in arrears, so that what a preview says before and after is the tax-inclusive difference."""
    moment = _moment(given, "MONTH")
    old, new = (_item(given, name, side, timing="ARREARS") for side, name in enumerate(("old", "new")))
    nothing = _fee("0", given, timing="ARREARS")
    leaving, coming, changing = (
        _difference(given, moment, before, after) for before, after in ((old, nothing), (nothing, new), (old, new))
    )
    return {**_figures(_exactly(-leaving), _exactly(coming)), "net": _exactly(changing), "net_cents": minor(changing)}


def _difference(given: Given, moment: Moment, old: Document, new: Document) -> Money:
    sandbox = given.house.sandbox(_plan(given, old), at=moment.start)
    offered = given.house.offer(_plan(given, new))
    sandbox.advance(moment.at)
    found = sandbox.preview("previewPlanChange", planKey=offered)
    before, after = (Money.parse(found[side]["amount"], given.currency) for side in ("before", "after"))
    sandbox.do("changePlan", planKey=offered)
    _billed(sandbox, moment, found["upcomingInvoice"]["lines"])
    return after - before


def discounted_seats(given: Given) -> Mapping[str, object]:
    """Change the number of seats beside a fixed fee: what is owed is the difference of both sides.

    An amount taken off all of it is shared by its parts, so that each side is asked for what is left of each.
    """
    fixed_off = any(key in given for key in ("discount_fixed", "discount_fixed_cents"))
    if "seats" not in given or (fixed_off and Fraction(given.amount("fixed", default="0"))):
        return allocated(given)
    net = _seats(given)[0]
    return {
        **_figures(_exactly(max(-net.rounded, Money.zero(given.currency))), _positive(net)),
        "net": net,
        "net_cents": minor(net.rounded),
        "proration": net,
        "proration_cents": minor(net.rounded),
    }


def allocated(given: Given) -> Mapping[str, object]:
    """Share a discount on the whole among its parts, before the change and after it, and prorate what is left."""
    part, _ = _remaining(given)
    before, after = (_parts(given, name, side) for side, name in enumerate(("old", "new")))
    gone, come = (
        [_owed(given, net, part) for net in _left(given, amounts, side)] for side, amounts in enumerate((before, after))
    )
    if "seats" in given:
        change = come[-1].rounded - gone[-1].rounded
        nothing = Money.zero(given.currency)
        return {**_figures(_exactly(max(-change, nothing)), _exactly(max(change, nothing))), "net": _exactly(change)}
    return {
        "credit": gone,
        "debit": come,
        "credit_cents": [minor(each.rounded) for each in gone],
        "debit_cents": [minor(each.rounded) for each in come],
        "net": _exactly(_total(given, come) - _total(given, gone)),
    }


def _total(given: Given, amounts: Sequence[Amount]) -> Money:
    return total([each.rounded for each in amounts], given.currency)


def _parts(given: Given, name: str, side: int) -> list[str]:
    """Return what each part of one side costs in a whole interval."""
    if "seats" in given:
        seats = Fraction(given.amount("seat", "unit", "price_per_seat")) * int(given["seats"][side])
        return [given.amount("fixed", default="0"), text(seats)]
    written = given.first(name, f"{name}_cents", f"{name}_prices_cents")
    in_cents = name not in given
    values = list(written.values()) if isinstance(written, dict) else written
    in_cents = in_cents or (isinstance(written, dict) and all(key.endswith("_cents") for key in written))
    return [cents(value) if in_cents else text(value) for value in values]


def _left(given: Given, amounts: Sequence[str], side: int) -> list[Money]:
    """Return what is left of each part after its share of the discounts: all of it is asked for as tax."""
    entries = [
        one({"model": "UNIT", "unit": amount}, quantity=FLAT, measured={"quantity": "1"}, key=f"part-{place}")
        for place, amount in enumerate(amounts)
    ]
    found = ask(entries, currency=given.currency, tax="100", discounts=_discounts(given, side))
    return list(found.line_taxes)


def _owed(given: Given, amount: Money, part: Fraction) -> Amount:
    price = {"model": "UNIT", "unit": amount.amount}
    entry = one(price, quantity=FLAT, measured={"quantity": "1", "share": share(part)})
    return ask([entry], currency=given.currency).amount


def several(given: Given) -> Mapping[str, object]:
    """Change from each plan to the next: what is left of the one comes back, the next is owed for what is left."""
    prices = given.like("prices", "plans", "amounts")
    written = [cents(price) if any(key.endswith("_cents") for key in given.input) else text(price) for price in prices]
    parts = [Fraction(str(each)) for each in given["remaining"]]
    moneys = [Money.parse(price, given.currency) for price in written]
    gone = [_owed(given, price, part) for price, part in zip(moneys, parts, strict=False)]
    come = [_owed(given, price, part) for price, part in zip(moneys[1:], parts, strict=True)]
    return {"credits": gone, "debits": come, "credit": gone, "debit": come}


def scheduled(given: Given) -> Mapping[str, object]:
    """Change the seats at the running price; the price that is scheduled holds from the next cycle on."""
    net, following = _seats(given, given.amount("scheduled_next_price", "next_price"))
    return {
        "proration": net,
        "proration_cents": minor(net.rounded),
        "next_cycle": following,
        "next_cycle_cents": minor(following.rounded),
    }


def _seats(given: Given, next_price: str | None = None) -> tuple[Amount, Amount]:
    """Return what the change costs, and what the seats cost in the next month."""
    moment, counts = _moment(given, "MONTH"), [int(count) for count in given["seats"]]
    unit = given.amount("old_price_per_seat", "seat", "price_per_seat", "unit", "old")
    sandbox = given.house.sandbox(_seat_plan(given, unit), at=moment.start - timedelta(days=1))
    people = sandbox.people([f"p{number}" for number in range(max(counts))], seated=counts[0], tier="seat")
    sandbox.advance(moment.at)
    if next_price is not None:
        offered = given.house.offer(_seat_plan(given, next_price))
        sandbox.do("schedulePlanChange", planKey=offered, effectiveAt=moment.end.isoformat())
    before, moved = counts[0], people[min(counts[0], counts[-1]) : max(counts)]
    tier = "seat" if counts[-1] > before else None
    known = sandbox.upcoming()
    for member in moved:
        given_tier = {"seatTier": tier} if tier else {}
        said = sandbox.preview("previewSeatChange", memberId=member, **given_tier)["upcomingInvoice"]["lines"]
        sandbox.do("changeSeatTier", memberId=member, tier=tier)
        known = sandbox.upcoming()
        assert known == said, f"the preview said {said}, the change made {known}"
    _billed(sandbox, moment, known)
    change = _sum([line for line in known if "/changes" in line["key"]], given.currency)
    begins = [line for line in known if line["itemKey"] == "seat" and "/advance" in line["key"]]
    return change, _sum(begins, given.currency)


def _seat_plan(given: Given, unit: str) -> Document:
    off = _discounts(given, 0)
    seats = _bought(one({"model": "UNIT", "unit": unit}, quantity=SEATS, measured={}, key="seat", discounts=off))
    fixed = given.amount("fixed", default="0")
    fee = [_fee(fixed, given, discounts=off)] if Fraction(fixed) else []
    return a_plan(*fee, seats, currency=given.currency, tiers=list(TIERS))


def credit_cap(given: Given) -> Mapping[str, object]:
    """Bill what was paid, give back what was given back before, and ask for the rest of what is computed."""
    computed, paid, before = (
        given.amount(key, default="0") for key in ("computed_credit", "original_paid", "previous_credits")
    )
    sandbox = given.house.sandbox(a_plan(_fee(paid, given), currency=given.currency), at=times.instant("2026-10-01"))
    sandbox.pay()
    issued = [_credited(sandbox, amount, given.currency) for amount in (before, computed)]
    return {"credit": _exactly(issued[-1]), "credit_cents": minor(issued[-1])}


def _credited(sandbox: Sandbox, amount: str, currency: str) -> Money:
    """Return what a credit note gives back that may not exceed what is left of the invoice."""
    invoices = sandbox.invoices()
    if not Fraction(amount) or not invoices:
        return Money.zero(currency)
    given = {"amount": amount, "currency": currency}
    fields = {"invoiceId": invoices[0]["id"], "amount": given, "reason": "case", "excess": "GIVE_WHAT_IS_LEFT"}
    left = Fraction(invoices[0]["total"]["amount"]) - sum(
        (Fraction(note["amount"]["amount"]) for note in invoices[0]["creditNotes"]), Fraction(0)
    )
    if not left:
        return Money.zero(currency)
    found = sandbox.do("issueCreditNote", "creditNote { amount { amount } }", **fields)["creditNote"]
    return Money.parse(found["amount"]["amount"], currency)


def _item(given: Given, name: str, side: int, **more: Any) -> Document:
    return _fee(given.amount(name), given, discounts=_discounts(given, side), **more)


def _fee(amount: str, given: Given, **more: Any) -> Document:
    del given
    return _bought(one({"model": "UNIT", "unit": amount}, quantity=FLAT, measured={}, key="fee", **more))


def _bought(entry: Document) -> Document:
    item: Document = {"timing": "ADVANCE", **entry["item"]}
    return item


def _plan(given: Given, item: Document) -> Document:
    return a_plan(item, currency=given.currency, tax=text(given.first("tax_pct", default="0")))


def _discounts(given: Given, side: int) -> list[Document]:
    """Return the discount of one side; one that is given alone is on both."""
    found: list[Document] = []
    percent = _of_side(given.first("discount_pct", "discount_percent"), side)
    points = _of_side(given.first("discount_bps", "discount_basis_points"), side)
    percent = Fraction(str(points)) / 100 if percent is None and points is not None else percent
    if percent is not None:
        found.append({"kind": "PERCENTAGE", "percent": text(percent)})
    in_cents = _of_side(given.first("discount_fixed_cents"), side)
    fixed = _of_side(given.first("discount_fixed"), side) if in_cents is None else cents(in_cents)
    if fixed is not None:
        found.append({"kind": "AMOUNT", "amount": text(fixed)})
    return found


def _of_side(value: object, side: int) -> object:
    return value[side] if isinstance(value, list) else value


def _moment(given: Given, *kinds: str) -> Moment:
    """Return the instant of an interval at which exactly the given part is left, or the nearest microsecond to it."""
    left, days = _remaining(given)
    found: list[tuple[bool, bool, Moment]] = []
    for kind, first, last in INTERVALS:
        start, end = times.instant(first), times.instant(last)
        rest = left * ((end - start) // INSTANT)
        at = end - min(max(round(rest), 1), (end - start) // INSTANT - 1) * INSTANT
        found.append(((end - start).days != days, rest.denominator != 1, Moment(kind, start, at, end)))
    known = [each for each in found if not kinds or each[2].interval in kinds]
    return min(known, key=lambda each: (each[1], each[0]))[2]


def _remaining(given: Given) -> tuple[Fraction, int]:
    """Return the part of the interval that is left, and of how many days it is written."""
    if "remaining" in given:
        written = str(given["remaining"])
        whole = written.partition("/")[2]
        return Fraction(written), int(whole) if whole.isdigit() else 0
    if "elapsed" in given:
        return 1 - Fraction(str(given["elapsed"])), 0
    start, _, end = given["cycle"].partition("..")
    first = times.instant(start)
    last = times.instant(end if len(end) > len("07-01") else f"{start[:5]}{end}")
    change = str(given["change"])
    at = times.instant(change if len(change) > len("07-01") else f"{start[:5]}{change}")
    return Fraction((last - at) // INSTANT, (last - first) // INSTANT), (last - first).days


def _billed(sandbox: Sandbox, moment: Moment, lines: Sequence[Document]) -> None:
    """Let the month end, and find on its invoice what was said before."""
    sandbox.advance(moment.month_end)
    invoice = sandbox.invoices()[-1]["lines"] if lines else []
    assert invoice == list(lines), f"the preview said {lines}, the invoice says {invoice}"


def _sum(lines: Sequence[Document], currency: str) -> Amount:
    rounded = sum((Fraction(line["amount"]["amount"]) for line in lines), Fraction(0))
    exact = sum((Fraction(line["explanation"]["rounding"]["exact"]) for line in lines), Fraction(0))
    return Amount(Money.rounded(rounded, currency), exact)


def _exactly(money: Money) -> Amount:
    return Amount(money, money.exact)


def _positive(amount: Amount) -> Amount:
    return amount if amount.rounded.minor > 0 else _exactly(Money.zero(amount.rounded.currency))


def _figures(credit: Amount, debit: Amount) -> dict[str, object]:
    net = Amount(debit.rounded - credit.rounded, debit.exact - credit.exact)
    return {
        "credit": credit,
        "debit": debit,
        "net": net,
        "credit_cents": minor(credit.rounded),
        "debit_cents": minor(debit.rounded),
        "net_cents": minor(net.rounded),
        "credit_incl_tax": credit,
        "debit_incl_tax": debit,
    }


ADAPTERS: Final[Mapping[str, Adapter]] = {
    "plan_change_proration": plan_change,
    "discount_proration": plan_change,
    "tax_proration": plan_change,
    "proration_seconds": by_second,
    "plan_change_multiple": several,
    "multiple_plan_changes": several,
    "discount_allocation": discounted_seats,
    "seat_change": discounted_seats,
    "seat_change_with_scheduled_plan": scheduled,
    "credit_cap": credit_cap,
}
