"""How does an invoice look as a table?

One table for everything, RFC 4180 in UTF-8, so that a program reads it with one header: the column `record` tells
lines (LINE) from members' parts (SHARE), sums (SUBTOTAL to AMOUNT_DUE) and what was settled (PAYMENT, CREDIT_NOTE, and
CREDIT_NOTE_TAX for the part of a note that is tax).
Amounts are exact decimals in the invoice's currency. The file begins with a byte order mark, without which a
spreadsheet takes UTF-8 for something else.

A text that a spreadsheet would take for a formula is led by an apostrophe:

>>> harmless("=HYPERLINK(A1)"), harmless("Chat seats")
("'=HYPERLINK(A1)", 'Chat seats')
"""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from billing.money import Money
from billing.periods import local_date
from documents.invoice import InvoiceDocument, Line, Share

COLUMNS: Final = (
    "record",
    "invoice",
    "line",
    "item",
    "description",
    "period_start",
    "period_end",
    "date",
    "member_id",
    "member",
    "model",
    "direction",
    "quantity",
    "unit",
    "amount",
    "currency",
    "formula",
)
_NUMBERS: Final = frozenset({"line", "quantity", "amount"})
_FORMULA_STARTS: Final = tuple("=+-@＝＋－＠\t\r\n|")

Record = Mapping[str, str]


def write(document: InvoiceDocument) -> bytes:
    """Return the invoice as CSV."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for record in _records(document):
        fixed = {"invoice": document.number, "currency": document.currency, **record}
        writer.writerow({name: value if name in _NUMBERS else harmless(value) for name, value in fixed.items()})
    return text.getvalue().encode("utf-8-sig")


def harmless(text: str) -> str:
    """Return the text so that no spreadsheet calculates with it."""
    return f"'{text}" if text.lstrip(" \u00a0").startswith(_FORMULA_STARTS) else text


def _records(document: InvoiceDocument) -> Iterator[Record]:
    keys = {line.position: line.key for line in document.lines}
    for line in document.lines:
        yield _line(line)
    for share in document.shares:
        yield _share(share, keys[share.position])
    totals = document.totals
    yield _sum("SUBTOTAL", totals.subtotal)
    yield _sum("TAX", totals.tax)
    yield _sum("INCLUDED_TAX", totals.included_tax)
    yield _sum("TOTAL", totals.total)
    yield _sum("CREDITS", totals.credits)
    for payment in document.payments:
        on = _date(payment.received_at, document)
        yield {**_sum("PAYMENT", payment.amount), "date": on, "description": payment.reference}
    for note in document.credit_notes:
        said = {"date": _date(note.issued_at, document), "description": f"{note.number}: {note.reason}"}
        yield {**_sum("CREDIT_NOTE", note.amount), **said}
        yield {**_sum("CREDIT_NOTE_TAX", note.tax), **said}
    yield {**_sum("AMOUNT_DUE", document.amount_due), "date": _date(document.due_at, document)}


def _line(line: Line) -> Record:
    return {
        "record": "LINE",
        "line": str(line.position),
        "item": line.key,
        "description": line.description,
        "period_start": line.period.start.isoformat(),
        "period_end": line.period.end.isoformat(),
        "quantity": line.quantity,
        "unit": line.unit,
        "amount": line.amount.amount,
        "formula": line.formula,
    }


def _share(share: Share, item: str) -> Record:
    return {
        "record": "SHARE",
        "line": str(share.position),
        "item": item,
        "member_id": share.member_id,
        "member": share.member_name,
        "model": share.model,
        "direction": share.direction,
        "quantity": share.quantity,
        "amount": share.amount.amount,
    }


def _sum(record: str, amount: Money) -> Record:
    return {"record": record, "amount": amount.amount}


def _date(at: datetime, document: InvoiceDocument) -> str:
    return local_date(at, document.time_zone).isoformat()
