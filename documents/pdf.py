"""How does an invoice look on paper?

Everything is worded here and laid out in `invoice.typ`, which receives one JSON text: what a customer wrote can be
printed but never be markup. The same document gives the same bytes, for the clock in the file is the instant of issue.
"""

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from billing.money import Money, total
from billing.periods import Period, local_date
from documents import fonts
from documents.invoice import InvoiceDocument, Line, Party
from documents.voice import Voice

TEMPLATE: Final = Path(__file__).with_name("invoice.typ")
MEMBERS_MAX: Final = 1_000
_INSTANT: Final = timedelta(microseconds=1)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")


class PdfUnavailable(Exception):
    """The typesetter is not installed."""

    def __init__(self) -> None:
        super().__init__("this server makes no PDF: it is installed without the extra `pdf`")


def is_available() -> bool:
    """Return whether PDFs can be made here."""
    return find_spec("typst") is not None and fonts.are_installed()


def write(document: InvoiceDocument) -> bytes:
    """Return the invoice as PDF; raise `PdfUnavailable`, or `fonts.MissingGlyphs` for a text no font can set."""
    if not is_available():
        raise PdfUnavailable
    import typst

    sheet, book = _plain(worded(document)), fonts.book()
    book.require(_texts(sheet))
    made = typst.compile(
        _template(),
        format="pdf",
        font_paths=book.fonts,
        ignore_system_fonts=True,
        sys_inputs={"sheet": json.dumps(sheet), "families": json.dumps(book.families)},
        timestamp=int(document.issued_at.timestamp()),
    )
    assert isinstance(made, bytes), "a PDF without an output path is one value"
    return made


def worded(document: InvoiceDocument) -> dict[str, Any]:
    """Return every text of the sheet, in the order of reading."""
    voice = Voice.of(document.locale)
    words = voice.words
    return {
        "language": voice.language,
        "region": voice.locale.territory,
        "title": words["title"],
        "number": document.number,
        "status": {"text": words[document.status], "kind": document.status.value},
        "parties": [
            _party(words["from"], document.seller.party, voice),
            _party(words["bill_to"], document.bill_to, voice),
        ],
        "facts": [[words[name], text] for name, text in _facts(document, voice) if text],
        "headings": [
            words["description"],
            words["quantity"],
            words["amount"].format(currency=document.currency),
        ],
        "lines": [_line(line, document, voice) for line in document.lines],
        "totals": [{"label": label, "text": text, "kind": kind} for label, text, kind in _totals(document, voice)],
        "terms": {"title": words["terms"], "texts": list(_terms(document, voice))},
        "members": _members(document, voice),
        "digest": words["digest"].format(digest=document.digest),
        "page": words["page"],
    }


def _facts(document: InvoiceDocument, voice: Voice) -> Iterator[tuple[str, str | None]]:
    yield "number", document.number
    yield "issued", voice.day(local_date(document.issued_at, document.time_zone))
    yield "due", voice.day(local_date(document.due_at, document.time_zone))
    yield "period", _span(document.period, document, voice)
    yield "contract", document.contract
    yield "purchase_order", document.purchase_order
    yield "currency", document.currency


def _party(label: str, party: Party, voice: Voice) -> dict[str, Any]:
    named = voice.locale.territories.get(party.country or "", party.country)
    tax_id = voice.words["tax_id"].format(number=party.tax_id) if party.tax_id else None
    lines = [*party.address_lines, named, tax_id, party.email]
    return {"label": label, "name": party.name, "lines": [line for line in lines if line]}


def _line(line: Line, document: InvoiceDocument, voice: Voice) -> dict[str, str]:
    return {
        "description": line.description,
        "period": _span(line.period, document, voice),
        "formula": line.formula,
        "quantity": voice.quantity(line.quantity),
        "unit": voice.unit(line.unit),
        "amount": voice.amount(line.amount),
    }


def _totals(document: InvoiceDocument, voice: Voice) -> Iterator[tuple[str, str, str]]:
    words, totals = voice.words, document.totals
    percent = voice.percent(document.tax_percent) if document.tax_percent is not None else None

    def taxed(name: str) -> str:
        return words[name] if percent is None else words[f"{name}_percent"].format(percent=percent)

    yield words["subtotal"], voice.money(totals.subtotal), "plain"
    if totals.tax.minor:
        yield taxed("tax"), voice.money(totals.tax), "plain"
    yield words["total"], voice.money(totals.total), "strong"
    if totals.included_tax.minor:
        yield taxed("included_tax"), voice.money(totals.included_tax), "note"
    if totals.credits.minor:
        yield words["credits"], voice.money(-totals.credits), "plain"
    for payment in document.payments:
        day = voice.day(local_date(payment.received_at, document.time_zone))
        yield words["payment"].format(date=day), voice.money(-payment.amount), "plain"
    for note in document.credit_notes:
        yield words["credit_note"].format(number=note.number), voice.money(-note.amount), "plain"
        if note.tax.minor:
            yield words["credit_note_tax"], voice.money(-note.tax), "note"
    yield words["amount_due"], voice.money(document.amount_due), "due"


def _terms(document: InvoiceDocument, voice: Voice) -> Iterator[str]:
    words, due, before = voice.words, document.amount_due, document.totals.balance_before
    if due.minor > 0:
        day = voice.day(local_date(document.due_at, document.time_zone))
        yield words["pay_by"].format(amount=voice.money(due), date=day, number=document.number)
        yield from document.seller.payment_lines
    else:
        yield words["nothing_due"]
    if before.minor > 0:
        yield words["balance_before"].format(amount=voice.money(before))
    if before.minor < 0:
        yield words["balance_before_credit"].format(amount=voice.money(-before))


def _members(document: InvoiceDocument, voice: Voice) -> dict[str, Any] | None:
    """Return what each member stands for in all, most first; a reference to the table where they are too many."""
    if not document.shares:
        return None
    names: dict[str, str] = {}
    parts: defaultdict[str, list[Money]] = defaultdict(list)
    for share in document.shares:
        names[share.member_id] = share.member_name
        parts[share.member_id].append(share.amount)
    sums = {member_id: total(amounts, document.currency) for member_id, amounts in parts.items()}
    order = sorted(sums, key=lambda member_id: (-sums[member_id].minor, names[member_id], member_id))
    words, listed = voice.words, len(order) <= MEMBERS_MAX
    return {
        "title": words["members"],
        "headings": [words["member"], words["amount"].format(currency=document.currency)],
        "rows": [[names[each], voice.amount(sums[each])] for each in order] if listed else [],
        "sum": [words["members_sum"], voice.amount(total(list(sums.values()), document.currency))],
        "elsewhere": None if listed else words["members_elsewhere"].format(count=len(order)),
    }


def _span(period: Period, document: InvoiceDocument, voice: Voice) -> str:
    first, last = (local_date(at, document.time_zone) for at in (period.start, period.end - _INSTANT))
    return voice.day(first) if first == last else voice.days(first, last)


def _plain(value: Any) -> Any:
    """Return the sheet with each text in one line, composed where Unicode can compose it."""
    match value:
        case str():
            return _CONTROL.sub(_one_space, unicodedata.normalize("NFC", value)).strip()
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case _:
            return value


def _one_space(found: re.Match[str]) -> str:
    """Return a space that breaks no figure apart: non-breaking ones stay."""
    return found[0] if len(found[0]) == 1 and found[0] in "\u00a0\u202f" else " "


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)
        case _:
            return


@cache
def _template() -> bytes:
    return TEMPLATE.read_bytes()
