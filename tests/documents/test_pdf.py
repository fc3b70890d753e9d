"""The invoice as PDF, read back by another library."""

import io
from datetime import UTC, datetime

import pypdf
import pytest

from billing.money import Money
from documents import pdf
from documents.fonts import MissingGlyphs
from documents.invoice import InvoiceDocument, Party, Status
from documents.voice import Voice
from tests.documents.paper import A_NOTE, a_line, a_share, an_invoice, changed, with_totals

LOCALES = ["en-US", "ru-RU", "ru-KZ", "zh-Hans-CN", "id-ID"]


def pages(document: InvoiceDocument) -> list[str]:
    reader = pypdf.PdfReader(io.BytesIO(pdf.write(document)))
    return [page.extract_text() for page in reader.pages]


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("locale", LOCALES)
def test_prints_every_frozen_amount_in_the_words_of_the_locale(locale: str) -> None:
    document = changed(an_invoice(), locale=locale)
    voice, totals = Voice.of(locale), document.totals

    text = squeezed("".join(pages(document)))

    for amount in (totals.subtotal, totals.tax, totals.total, document.amount_due):
        assert squeezed(voice.money(amount)) in text
    for line in document.lines:
        assert squeezed(voice.amount(line.amount)) in text
        assert squeezed(line.formula) in text
    for name in ("title", "amount_due", "terms", "members"):
        assert squeezed(voice.words[name]) in text
    assert document.digest in text


def test_same_invoice_gives_the_same_bytes() -> None:
    assert pdf.write(an_invoice()) == pdf.write(an_invoice())


def test_file_is_dated_by_the_issue() -> None:
    information = pypdf.PdfReader(io.BytesIO(pdf.write(an_invoice()))).metadata

    assert information is not None
    assert information.creation_date == datetime(2026, 11, 1, 2, tzinfo=UTC)


def test_numbers_every_page_of_a_long_invoice() -> None:
    lines = [a_line(position, "1.00") for position in range(1, 41)]
    shares = tuple(a_share(1, f"Member {number}", "0.00") for number in range(200))

    found = pages(an_invoice(*lines, shares=shares))

    assert len(found) > 3
    for number, text in enumerate(found, start=1):
        assert f"Page {number} of {len(found)}" in text


def test_refers_to_the_table_where_members_are_too_many() -> None:
    shares = tuple(a_share(1, f"Member {number}", "0.00") for number in range(pdf.MEMBERS_MAX + 1))

    text = pages(an_invoice(a_line(1, "1.00"), shares=shares))[0]

    assert "1001 members stand behind this invoice" in text
    assert "Member 7" not in text


def test_prints_what_a_customer_wrote_and_interprets_none_of_it() -> None:
    hostile = '#panic("x") $x$ *b* _i_ @ref `code` <label> \\u{41} /* no */ // no'

    text = squeezed(pages(an_invoice(a_line(1, "1.00", description=hostile), bill_to=Party(hostile)))[0])

    assert text.count(squeezed(hostile)) == 2


def test_names_the_characters_that_no_font_has() -> None:
    document = an_invoice(a_line(1, "1.00", description="Chat 🚀"), bill_to=Party("ꦗꦮ"))

    with pytest.raises(MissingGlyphs, match=r"no font has ꦗ \(U\+A997\), ꦮ \(U\+A9AE\), 🚀 \(U\+1F680\)$") as refused:
        pdf.write(document)

    assert refused.value.characters == ("ꦗ", "ꦮ", "🚀")


def test_sets_latin_cyrillic_greek_and_chinese() -> None:
    names = ("Zoë Ångström-Łukasiewicz", "Әйгерім Құрманғалиева", "Ώριμος Ξένος", "林晓雯", "Nguyễn Ánh", "Zoe\u0308")
    shares = tuple(a_share(1, name, "0.00") for name in names)

    text = squeezed("".join(pages(an_invoice(a_line(1, "1.00"), shares=shares))))

    for name in names[:-1]:
        assert squeezed(name) in text
    assert text.count("Zoë") == 2


def test_a_void_invoice_says_so_and_asks_for_nothing() -> None:
    document = changed(with_totals(an_invoice(), credits=Money.zero("SGD")), status=Status.VOIDED)

    text = pages(document)[0]

    assert "Void" in text
    assert "Nothing is left to pay" in text
    assert "Please pay" not in text


def test_a_credit_note_says_how_much_of_it_is_tax() -> None:
    text = squeezed(pages(changed(an_invoice(), credit_notes=(A_NOTE,)))[0])

    assert "CreditnoteBILLGRAPH-CN-000003" in text
    assert [amount in text.split("CreditnoteBILLGRAPH-CN-000003")[1] for amount in ("111.00", "ofwhichtax")] == [
        True
    ] * 2
    assert "11.00" in text.split("ofwhichtax")[1]
