"""The invoice as CSV."""

import csv
import io
from collections.abc import Sequence

import pytest

from billing.money import Money, total
from documents import spreadsheet
from documents.invoice import InvoiceDocument, Party
from tests.documents.paper import A_NOTE, a_line, a_share, an_invoice, changed


def records(document: InvoiceDocument, kind: str) -> Sequence[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(spreadsheet.write(document).decode("utf-8-sig"), newline=""), strict=True)
    return [row for row in rows if row["record"] == kind]


def test_every_sum_is_the_frozen_amount() -> None:
    document = an_invoice()

    (subtotal,), (tax,), (whole,), (due,) = (
        records(document, kind) for kind in ("SUBTOTAL", "TAX", "TOTAL", "AMOUNT_DUE")
    )

    assert [row["amount"] for row in (subtotal, tax, whole, due)] == ["1000.00", "110.00", "1110.00", "609.50"]
    assert due["date"] == "2026-12-01"


@pytest.mark.parametrize("kind", ["LINE", "SHARE"])
def test_lines_and_shares_each_add_up_to_the_subtotal(kind: str) -> None:
    document = an_invoice()

    amounts = [Money.parse(row["amount"], row["currency"]) for row in records(document, kind)]

    assert total(amounts, "SGD") == document.totals.subtotal


def test_a_credit_note_says_how_much_of_it_is_tax() -> None:
    (note,), (tax,) = (
        records(changed(an_invoice(), credit_notes=(A_NOTE,)), kind) for kind in ("CREDIT_NOTE", "CREDIT_NOTE_TAX")
    )

    assert (note["amount"], tax["amount"]) == ("111.00", "11.00")
    assert note["description"] == tax["description"] == "BILLGRAPH-CN-000003: goodwill"


def test_keeps_exact_quantities_and_the_formula() -> None:
    _, second = records(an_invoice(), "LINE")

    assert (second["quantity"], second["unit"], second["amount"]) == ("-1/3", "seat-month", "-0.01")
    assert second["formula"] == "17 × … = -0.01 SGD"


def test_is_one_rectangular_table_with_line_ends_of_the_standard() -> None:
    text = spreadsheet.write(an_invoice(a_line(1, "1.00", description='Seats, "large"\nand small'))).decode("utf-8-sig")

    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))

    assert {len(row) for row in rows} == {len(spreadsheet.COLUMNS)}
    assert text.count("\r\n") == len(rows)
    assert rows[1][4] == 'Seats, "large"\nand small'


@pytest.mark.parametrize("hostile", ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "  =1", "＝1", "\r=1"])
def test_no_text_becomes_a_formula(hostile: str) -> None:
    line = a_line(1, "-1.00", description=hostile, key=hostile, unit=hostile, formula=hostile)
    share = a_share(1, hostile, "-1.00", member_id=hostile, model=hostile, direction=hostile)
    document = an_invoice(line, shares=(share,), bill_to=Party(hostile))

    written = [*records(document, "LINE"), *records(document, "SHARE")]

    texts = [value for row in written for name, value in row.items() if hostile in value and name != "amount"]
    assert len(texts) == 4 + 4 + 1  # the key of the line also stands beside the share
    assert all(text.startswith("'") for text in texts)
    assert {row["amount"] for row in written} == {"-1.00"}
