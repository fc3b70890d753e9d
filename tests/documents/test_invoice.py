"""The value that documents are written from."""

import doctest
import re

import pytest

from billing.money import Money
from documents import einvoice, fonts, formats, invoice, pdf, spreadsheet, voice, wording
from documents.formats import Format
from documents.invoice import InconsistentInvoice, Status
from documents.wording import LANGUAGES
from tests.documents.paper import a_line, an_invoice, changed, with_totals


def sgd(text: str) -> Money:
    return Money.parse(text, "SGD")


@pytest.mark.parametrize("module", [einvoice, fonts, formats, invoice, pdf, spreadsheet, voice, wording])
def test_examples_in_the_modules_are_true(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]  # a module is what it wants


def test_what_is_due_is_the_total_less_everything_settled() -> None:
    document = an_invoice()

    assert document.totals.total == sgd("1110.00")
    assert document.amount_due == sgd("609.50")
    assert with_totals(document, credits=sgd("9.50")).amount_due == sgd("600.00")
    assert changed(document, status=Status.VOIDED).amount_due == sgd("0.00")


def test_refuses_to_exist_where_lines_miss_the_subtotal() -> None:
    document = an_invoice()

    with pytest.raises(InconsistentInvoice, match=r"the lines of invoice BILLGRAPH-000007 come to 1\.00 SGD, not 1000"):
        changed(document, lines=(a_line(1, "1.00"),))


def test_refuses_to_exist_where_tax_misses_the_total() -> None:
    with pytest.raises(InconsistentInvoice, match=r"subtotal and tax .* come to 1000\.00 SGD, not 1110\.00"):
        with_totals(an_invoice(), tax=sgd("0.00"))


def test_version_changes_with_what_moves_and_only_then() -> None:
    document = an_invoice()

    assert an_invoice().version == document.version
    assert changed(document, status=Status.PAID).version != document.version
    assert changed(document, payments=()).version != document.version


@pytest.mark.parametrize(
    ("expected", "status", "included"),
    [
        ((Format.PDF, Format.CSV, Format.XML), "FINALIZED", sgd("0.00")),
        ((Format.PDF, Format.CSV), "PAID", sgd("9.00")),
        ((Format.PDF, Format.CSV), "VOIDED", sgd("0.00")),
        ((Format.PDF, Format.CSV), "FINALIZED", Money.zero("KWD")),
        ((), "DRAFT", sgd("0.00")),
    ],
)
def test_offers_the_forms_that_can_be_made(expected: tuple[Format, ...], status: str, included: Money) -> None:
    assert formats.offered(status, included, country="DE") == expected


def test_offers_no_pdf_where_the_typesetter_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "is_available", lambda: False)

    assert formats.offered("PAID", sgd("0.00"), country="SG") == (Format.CSV, Format.XML)
    with pytest.raises(pdf.PdfUnavailable, match="without the extra `pdf`"):
        formats.write(an_invoice(), Format.PDF)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_word_with_the_same_blanks(language: str) -> None:
    blanks = {name: sorted(re.findall(r"{\w+}", text)) for name, text in LANGUAGES[language].items()}

    assert blanks == {name: sorted(re.findall(r"{\w+}", text)) for name, text in LANGUAGES["en"].items()}
