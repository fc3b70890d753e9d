"""How much is taxed, taken off or given back? Asked of the calculator, and of credit notes."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from billing.money import Money, round_half_away
from tests.conformance.adapters import times
from tests.conformance.adapters.given import Adapter, Document, Given, cents, minor, text
from tests.conformance.answers import answer, ask, one
from tests.conformance.comparing import Amount
from tests.conformance.house import Sandbox, a_plan

FLAT: Final = {"kind": "FLAT"}


def after_coupon(given: Given) -> Mapping[str, object]:
    fees, rates = given["fees_cents"], given.first("tax_pct", default=0)
    rates = rates if isinstance(rates, list) else [rates] * len(fees)
    items = [
        one(
            {"model": "UNIT", "unit": cents(fee)},
            quantity=FLAT,
            measured={"quantity": "1"},
            key=f"fee-{index}",
            tax_percent=text(rate),
        )
        for index, (fee, rate) in enumerate(zip(fees, rates, strict=True))
    ]
    coupon = given.first("coupon_cents", default=0)
    discounts = [{"kind": "AMOUNT", "amount": cents(coupon)}] if coupon else []
    if "coupon_pct" in given:
        discounts = [{"kind": "PERCENTAGE", "percent": text(given["coupon_pct"])}]
    found = ask(items, tax="0", discounts=discounts)
    off = Money(sum(-line.amount.rounded.minor for line in found.lines if line.key.startswith("discount")), "USD")
    split = off.allocate([int(fee) for fee in fees])
    return {
        "coupon_split_cents": [minor(part) for part in split],
        "tax_cents": [minor(tax) for tax in found.line_taxes],
        "tax_total_cents": minor(found.tax),
        "total_cents": minor(found.total),
    }


def sub_cent(given: Given) -> Mapping[str, object]:
    items = [
        one({"model": "UNIT", "unit": cents(fee)}, quantity=FLAT, measured={"quantity": "1"}, key=f"fee-{index}")
        for index, fee in enumerate(given["fees_cents"])
    ]
    prepaid = given.first("credits_cents", "credit_cents", "prepaid_cents", "wallet_cents")
    credit = {} if prepaid is None else {"credit": cents(prepaid)}
    found = ask(items, tax=text(given.first("tax_pct", default="0")), **credit)
    return {
        "fees_cents": minor(found.subtotal),
        "taxes_cents": minor(found.tax),
        "total_cents": minor(found.due),
        "credits_cents": minor(found.credit),
    }


def notes(given: Given) -> Mapping[str, object]:
    fees = given.first("invoice_fee_cents", "invoice_fees_cents", "plan_cents", "fee_cents", "fees_cents")
    fee = sum(fees) if isinstance(fees, list) else int(fees)
    entry = one({"model": "UNIT", "unit": cents(fee)}, quantity=FLAT, measured={}, timing="ADVANCE")
    plan = a_plan(entry["item"], tax=text(given["tax_pct"]))
    sandbox = given.house.sandbox(plan, at=times.instant("2026-10-01"))
    (invoice,) = sandbox.invoices()
    wanted = given.first("credit_sub_total_cents", "credit_subtotal_cents", "credit_fee_cents", "credits_cents")
    if wanted is None:  # what is left of the time that was paid for
        part = Fraction(str(given.first("unused", "fraction", "remaining")))
        wanted = round_half_away(fee * part)
    several = isinstance(wanted, list)
    made = [_note(sandbox, invoice, cents(subtotal)) for subtotal in (wanted if several else [wanted])]
    figures = {
        "credit_sub_total_cents": [_cents(note["net"]) for note in made],
        "credit_tax_cents": [_cents(note["tax"]) for note in made],
        "credit_total_cents": [_cents(note["amount"]) for note in made],
    }
    return {
        "invoice_tax_cents": _cents(invoice["tax"]),
        "invoice_total_cents": _cents(invoice["total"]),
        **(figures if several else {key: found for key, (found,) in figures.items()}),
    }


def _note(sandbox: Sandbox, invoice: Document, net: str) -> Document:
    fields = {"invoiceId": invoice["id"], "net": {"amount": net, "currency": invoice["currency"]}, "reason": "case"}
    sums = "creditNote { net { amount } tax { amount } amount { amount } }"
    made: Document = sandbox.do("issueCreditNote", sums, **fields)["creditNote"]
    return made


def _cents(money: Document) -> int:
    return int(Fraction(money["amount"]) * 100)


def discount(given: Given) -> Mapping[str, object]:
    if "discount_pct" in given:
        off = {"kind": "PERCENTAGE", "percent": text(given["discount_pct"])}
    else:
        off = {"kind": "AMOUNT", "amount": given.amount("discount_fixed", "discount")}
    price = {"model": "UNIT", "unit": given.amount("amount")}
    entry = one(price, quantity=FLAT, measured={"quantity": "1"}, discounts=[off])
    found = ask([entry], currency=given.currency)
    taken = sum((line.amount.exact for line in found.ending("discount-1")), Fraction(0))
    return {"discount": -taken, "net": Amount(found.total, found.total.exact)}


def tax(given: Given) -> Mapping[str, object]:
    """Tax an amount, on top of it or inside it."""
    mode = "INCLUSIVE" if given.first("inclusive", default=given.says("inclusive")) else "EXCLUSIVE"
    price = {"model": "UNIT", "unit": given.amount("amount", "price", "fee")}
    entry = one(price, quantity=FLAT, measured={"quantity": "1"})
    terms = {"mode": mode, "percent": text(given.first("tax_pct", "tax_percent", "rate_pct"))}
    estimated = answer({"currency": given.currency, "items": [entry], "tax": terms})
    owed = Fraction(str(estimated["tax"])) + Fraction(str(estimated["includedTax"]))
    whole = Fraction(str(estimated["total"]))
    return {"tax": owed, "net": whole - owed, "subtotal": whole - owed, "total": whole, "gross": whole}


ADAPTERS: Final[Mapping[str, Adapter]] = {
    "tax": tax,
    "inclusive_tax": tax,
    "coupon": after_coupon,
    "tax_after_coupon": after_coupon,
    "sub_cent_fees": sub_cent,
    "credit_note_tax_rounding": notes,
    "discount_rounding": discount,
    "discount_floor": discount,
    "discount": discount,
}
