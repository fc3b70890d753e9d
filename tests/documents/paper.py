"""Invoices to write on paper: a whole one by hand, and ways to change it."""

import dataclasses
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from billing.money import Money
from billing.periods import parse_label
from documents.invoice import CreditNote, InvoiceDocument, Line, Party, Payment, Seller, Share, Status, Totals

DIGEST = "0123456789abcdef" * 4
OCTOBER = parse_label("2026-10", "Asia/Jakarta")
SELLER = Seller(
    "BILLGRAPH",
    Party("Billgraph Example Pte. Ltd.", ("1 Example Quay", "Singapore 000000"), "SG", "SG00000000X"),
    ("Example Bank, account 000-000",),
)
PAYER = Party(
    "PT Cakrawala Rekaan Nusantara",
    ("Jalan Contoh No. 1", "Jakarta 00000"),
    "ID",
    "00.000.000.0-000.000",
    "keuangan@contract.example",
)


def a_line(position: int, amount: str, currency: str = "SGD", **changes: Any) -> Line:
    """Return a line of seats."""
    fields = {
        "key": f"item-{position}",
        "description": "Chat seats",
        "period": OCTOBER,
        "quantity": "17",
        "unit": "seat-month",
        "formula": f"17 × … = {amount} {currency}",
    }
    return Line(position=position, amount=Money.parse(amount, currency), **(fields | changes))


A_NOTE = CreditNote(
    "BILLGRAPH-CN-000003",
    datetime(2026, 11, 12, tzinfo=UTC),
    "goodwill",
    Money.parse("111.00", "SGD"),
    Money.parse("11.00", "SGD"),
)
"""A tenth of the usual invoice is given back."""


def a_share(position: int, name: str, amount: str, currency: str = "SGD", **changes: Any) -> Share:
    """Return one member's part of a line."""
    fields = {"member_id": f"id-{name}", "model": "", "direction": "", "quantity": "1"}
    return Share(position=position, member_name=name, amount=Money.parse(amount, currency), **(fields | changes))


def an_invoice(*lines: Line, currency: str = "SGD", tax: str = "0.00", **changes: Any) -> InvoiceDocument:
    """Return an invoice of these lines, or of 1000.01 and −0.01 with 11 percent of tax, on which 500.50 was paid."""
    if not lines:
        lines, tax = (a_line(1, "1000.01"), a_line(2, "-0.01", quantity="-1/3")), "110.00"
        shares = a_share(1, "Ann", "600.01"), a_share(1, "Bo", "400.00"), a_share(2, "Ann", "-0.01")
        paid = Payment(datetime(2026, 11, 9, tzinfo=UTC), "TRF-1", Money.parse("500.50", currency))
        changes = {"shares": shares, "payments": (paid,), "tax_percent": Fraction(11), **changes}
    zero, on_top = Money.zero(currency), Money.parse(tax, currency)
    subtotal = Money(sum(line.amount.minor for line in lines), currency)
    fields: dict[str, Any] = {
        "seller": SELLER,
        "number": "BILLGRAPH-000007",
        "status": Status.FINALIZED,
        "issued_at": datetime(2026, 11, 1, 2, tzinfo=UTC),
        "due_at": datetime(2026, 12, 1, 2, tzinfo=UTC),
        "period": OCTOBER,
        "time_zone": "Asia/Jakarta",
        "locale": "en",
        "bill_to": PAYER,
        "purchase_order": "PO-2026-4471",
        "contract": "K-2026-017",
        "lines": lines,
        "shares": (),
        "totals": Totals(subtotal, on_top, zero, subtotal + on_top, zero, zero),
        "tax_percent": None,
        "payments": (),
        "credit_notes": (),
        "digest": DIGEST,
    }
    return InvoiceDocument(**(fields | changes))


def with_totals(document: InvoiceDocument, **changes: Money) -> InvoiceDocument:
    """Return the invoice with other totals."""
    return dataclasses.replace(document, totals=dataclasses.replace(document.totals, **changes))


def changed(document: InvoiceDocument, **changes: Any) -> InvoiceDocument:
    """Return the invoice with other fields."""
    return dataclasses.replace(document, **changes)
