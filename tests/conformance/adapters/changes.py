"""What does a change in the middle of an interval cost? By the preview of a plan change, explained by two estimates."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from billing import credit_notes, estimate_documents, plan_changes
from billing.asks import Ask
from billing.discounts import AmountDiscount, Discount, PercentageDiscount
from billing.money import Money
from billing.plan_changes import Cycle, Preview, Side
from billing.plan_items import InvalidPlan
from billing.reading import Reader
from billing.taxes import Tax, TaxMode
from tests.conformance.adapters import times
from tests.conformance.adapters.given import Adapter, Document, Given, cents, minor, text
from tests.conformance.answers import one
from tests.conformance.comparing import Amount

FLAT: Final = {"kind": "FLAT"}


def plan_change(given: Given) -> Mapping[str, object]:
    old, new = (_fee(given.amount(name)) for name in ("old", "new"))
    cycle = Cycle.RESTARTED if "interval_change" in given else Cycle.KEPT
    return _figures(_preview(given, [old], [new], cycle))


def by_second(given: Given) -> Mapping[str, object]:
    """Write the credit as what it is on an invoice, below zero."""
    found = _preview(given, [_fee(given.amount("old"))], [_fee(given.amount("new"))], Cycle.KEPT)
    return {**_figures(found), "credit": _amount(-found.credit)}


def discounted_seats(given: Given) -> Mapping[str, object]:
    """Change the number of seats beside a fixed fee: what is owed is the difference of both sides."""
    found = _seats(given, Cycle.KEPT)
    net = found.net
    return {
        **_figures(found),
        "debit_cents": max(0, minor(net)),
        "credit_cents": max(0, -minor(net)),
        "proration_cents": minor(net),
    }


def scheduled(given: Given) -> Mapping[str, object]:
    """Change the seats at the running price; the price that is scheduled holds from the next cycle on."""
    found = _seats(given, Cycle.KEPT)
    following = Fraction(given.amount("scheduled_next_price", "next_price")) * int(given["seats"][-1])
    return {"proration_cents": minor(found.net), "next_cycle_cents": int(following * 100)}


def _seats(given: Given, cycle: Cycle) -> Preview:
    unit = given.amount("old_price_per_seat", "seat", "price_per_seat", "unit")
    fixed = _fee(given.amount("fixed", default="0"))
    sides = [[fixed, _seat_entry(given, unit, int(count))] for count in given["seats"]]
    return _preview(given, sides[0], sides[-1], cycle)


def _seat_entry(given: Given, unit: str, count: int) -> Document:
    return one(
        {"model": "UNIT", "unit": unit}, quantity={"kind": "SEATS"}, measured={"quantity": str(count)}, key="seat"
    )


def credit_cap(given: Given) -> Mapping[str, object]:
    computed, paid, before = (
        Money.parse(text(given.first(key, default=0)), given.currency)
        for key in ("computed_credit", "original_paid", "previous_credits")
    )
    return {"credit": _amount(credit_notes.capped(computed, paid=paid, credited=before))}


def _fee(amount: str) -> Document:
    return one({"model": "UNIT", "unit": amount}, quantity=FLAT, measured={"quantity": "1"}, key="fee")


def _preview(given: Given, old: list[Document], new: list[Document], cycle: Cycle) -> Preview:
    tax = Tax(TaxMode.EXCLUSIVE, Fraction(str(given.first("tax_pct", default="0"))))
    sides = [
        Side(tuple(_ask(entry, given.currency) for entry in entries), tax, _discounts(given, index))
        for index, entries in enumerate((old, new))
    ]
    found = plan_changes.preview(*sides, currency=given.currency, remaining=_remaining(given), cycle=cycle)
    assert isinstance(found, Preview), "no case is above a price list"
    return found


def _ask(entry: Document, currency: str) -> Ask:
    return estimate_documents.read_ask(Reader(entry, "", InvalidPlan), currency)


def _discounts(given: Given, side: int) -> tuple[Discount, ...]:
    """Return the discount of one side; one that is given alone is on both."""
    found: list[Discount] = []
    percent = _of_side(given.first("discount_pct", "discount_percent"), side)
    if percent is not None:
        found.append(PercentageDiscount(Fraction(str(percent))))
    in_cents = _of_side(given.first("discount_fixed_cents"), side)
    fixed = _of_side(given.first("discount_fixed"), side) if in_cents is None else cents(in_cents)
    if fixed is not None:
        found.append(AmountDiscount(Money.parse(text(fixed), given.currency)))
    return tuple(found)


def _of_side(value: object, side: int) -> object:
    return value[side] if isinstance(value, list) else value


def _remaining(given: Given) -> Fraction:
    if "remaining" in given:
        return Fraction(str(given["remaining"]))
    if "elapsed" in given:
        return 1 - Fraction(str(given["elapsed"]))
    start, _, end = given["cycle"].partition("..")
    first = times.instant(start)
    last = times.instant(end if len(end) > 5 else f"{start[:5]}{end}")
    change = str(given["change"])
    at = times.instant(change if len(change) > 5 else f"{start[:5]}{change}")
    return Fraction((last - at).days, (last - first).days)


def _figures(found: Preview) -> dict[str, object]:
    return {
        "credit": _amount(found.credit),
        "debit": _amount(found.debit),
        "net": _amount(found.net),
        "credit_cents": minor(found.credit),
        "debit_cents": minor(found.debit),
        "net_cents": minor(found.net),
        "credit_incl_tax": _amount(found.credit),
        "debit_incl_tax": _amount(found.debit),
    }


def _amount(money: Money) -> Amount:
    return Amount(money, money.exact)


ADAPTERS: Final[Mapping[str, Adapter]] = {
    "plan_change_proration": plan_change,
    "discount_proration": plan_change,
    "tax_proration": plan_change,
    "proration_seconds": by_second,
    "discount_allocation": discounted_seats,
    "seat_change": discounted_seats,
    "seat_change_with_scheduled_plan": scheduled,
    "credit_cap": credit_cap,
}
