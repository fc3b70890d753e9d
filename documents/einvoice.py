"""How does an invoice look to an accounting system?

As EN 16931 says it, in the syntax of UN/CEFACT (Cross Industry Invoice). The standard's lines are net of tax, its
amounts have at most two decimals, it must know both countries and why a tax is or is not charged. An invoice that
cannot be told so is refused by name rather than bent until it fits.

The price of a line is its amount per its quantity (`BasisQuantity`), because most lines are priced in tiers and have
no unit price; so quantity times price is exactly the amount.
"""

import re
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final
from xml.etree import ElementTree as ET

from billing.currencies import exponent
from billing.money import Money, decimal_text
from billing.periods import Period, local_date
from documents.invoice import InvoiceDocument, Line, Party, Status, ZeroTax

GUIDELINE: Final = "urn:cen.eu:en16931:2017"
DECIMALS_MAX: Final = 2
STANDARD_RATE: Final = "S"
_COMMERCIAL_INVOICE: Final = "380"
_PIECES: Final = "C62"
_REASONS: Final = {ZeroTax.EXEMPT: "Exempt from tax", ZeroTax.NOT_SUBJECT: "Not subject to tax"}
_PREFIXES: Final = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
_ILLEGAL: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_INSTANT: Final = timedelta(microseconds=1)

for _prefix, _namespace in _PREFIXES.items():
    ET.register_namespace(_prefix, _namespace)


class NotExpressible(Exception):
    """EN 16931 has no way to say what this invoice says; the message tells what is in the way."""


def can_express(included_tax: Money, *, country: str | None) -> bool:
    """Return whether the standard can express such an invoice.

    That takes net prices, a currency of at most two decimals, and the country of whoever pays.
    """
    return bool(country) and not included_tax.minor and exponent(included_tax.currency) <= DECIMALS_MAX


def write(document: InvoiceDocument) -> bytes:
    """Return the invoice as XML, or raise `NotExpressible`."""
    category, percent = _tax(document)
    root = ET.Element(_name("rsm:CrossIndustryInvoice"))
    _add(root, "rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID", GUIDELINE)
    _head(_add(root, "rsm:ExchangedDocument"), document)
    trade = _add(root, "rsm:SupplyChainTradeTransaction")
    for line in document.lines:
        _line(_add(trade, "ram:IncludedSupplyChainTradeLineItem"), line, document, category, percent)
    _agreement(_add(trade, "ram:ApplicableHeaderTradeAgreement"), document, category)
    _add(trade, "ram:ApplicableHeaderTradeDelivery")
    _settlement(_add(trade, "ram:ApplicableHeaderTradeSettlement"), document, category, percent)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _tax(document: InvoiceDocument) -> tuple[str, Fraction]:
    """Return the category and the rate of the tax; every reason to refuse is found here, before a line is written."""
    totals, seller, percent = document.totals, document.seller, document.tax_percent
    if document.status is Status.VOIDED:
        raise NotExpressible(f"invoice {document.number} is void")
    if exponent(document.currency) > DECIMALS_MAX:
        raise NotExpressible(f"amounts of {document.currency} have more than {DECIMALS_MAX} decimals")
    if totals.included_tax.minor:
        raise NotExpressible(f"the prices include {totals.included_tax} of tax, and the standard's lines are net of it")
    for who, party in (("seller", seller.party), ("payer", document.bill_to)):
        if not party.country or not _COUNTRY.fullmatch(party.country):
            raise NotExpressible(f"the country of the {who} is not known as an ISO 3166 code")
    if percent is None:
        raise NotExpressible("the rate of the tax is not known")
    if Money.rounded(totals.subtotal.exact * percent / 100, document.currency) != totals.tax:
        raise NotExpressible(f"{totals.tax} is not {decimal_text(percent)} percent of {totals.subtotal}")
    category = STANDARD_RATE if percent else seller.zero_tax
    if category is None:
        raise NotExpressible("no tax is charged, and the seller does not say why")
    if category is not ZeroTax.NOT_SUBJECT and not seller.party.tax_id:
        raise NotExpressible("the seller has no tax number")
    return category, percent


def _head(head: ET.Element, document: InvoiceDocument) -> None:
    _add(head, "ram:ID", document.number)
    _add(head, "ram:TypeCode", _COMMERCIAL_INVOICE)
    _date(head, "ram:IssueDateTime", document.issued_at, document)
    _add(head, "ram:IncludedNote/ram:Content", f"SHA-256: {document.digest}")


def _line(item: ET.Element, line: Line, document: InvoiceDocument, category: str, percent: Fraction) -> None:
    quantity = abs(Fraction(line.quantity))
    if not quantity or "/" in decimal_text(quantity):
        quantity = Fraction(1)
    price, billed = (-line.amount, -quantity) if line.amount.minor < 0 else (line.amount, quantity)
    _add(item, "ram:AssociatedDocumentLineDocument/ram:LineID", str(line.position))
    product = _add(item, "ram:SpecifiedTradeProduct")
    _add(product, "ram:Name", line.description)
    _add(product, "ram:Description", line.formula)
    net = _add(item, "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice")
    _add(net, "ram:ChargeAmount", price.amount)
    _add(net, "ram:BasisQuantity", decimal_text(quantity), unitCode=_PIECES)
    _add(item, "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity", decimal_text(billed), unitCode=_PIECES)
    settlement = _add(item, "ram:SpecifiedLineTradeSettlement")
    _rate(_add(settlement, "ram:ApplicableTradeTax"), category, percent)
    _period(settlement, line.period, document)
    summation = _add(settlement, "ram:SpecifiedTradeSettlementLineMonetarySummation")
    _add(summation, "ram:LineTotalAmount", line.amount.amount)


def _agreement(agreement: ET.Element, document: InvoiceDocument, category: str) -> None:
    seller = _add(agreement, "ram:SellerTradeParty")
    _add(seller, "ram:ID", document.seller.key)
    _party(seller, document.seller.party)
    buyer = _add(agreement, "ram:BuyerTradeParty")
    number, is_vat_id = document.bill_to.tax_id, _is_vat_id(document.bill_to)
    if number and (not is_vat_id or category == ZeroTax.NOT_SUBJECT):
        _add(buyer, "ram:ID", number)
    _party(buyer, document.bill_to)
    if category != ZeroTax.NOT_SUBJECT:
        scheme = "VA" if _is_vat_id(document.seller.party) else "FC"
        _add(seller, "ram:SpecifiedTaxRegistration/ram:ID", document.seller.party.tax_id, schemeID=scheme)
        if is_vat_id:
            _add(buyer, "ram:SpecifiedTaxRegistration/ram:ID", number, schemeID="VA")
    if document.purchase_order:
        _add(agreement, "ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID", document.purchase_order)
    if document.contract:
        _add(agreement, "ram:ContractReferencedDocument/ram:IssuerAssignedID", document.contract)


def _party(element: ET.Element, party: Party) -> None:
    _add(element, "ram:Name", party.name)
    address = _add(element, "ram:PostalTradeAddress")
    first, second, *more = (*party.address_lines, "", "")
    for place, text in (("One", first), ("Two", second), ("Three", ", ".join(each for each in more if each))):
        if text:
            _add(address, f"ram:Line{place}", text)
    _add(address, "ram:CountryID", party.country)


def _settlement(settlement: ET.Element, document: InvoiceDocument, category: str, percent: Fraction) -> None:
    totals = document.totals
    _add(settlement, "ram:InvoiceCurrencyCode", document.currency)
    tax = _add(settlement, "ram:ApplicableTradeTax")
    _add(tax, "ram:CalculatedAmount", totals.tax.amount)
    _rate(tax, category, percent, basis=totals.subtotal)
    _period(settlement, document.period, document)
    terms = _add(settlement, "ram:SpecifiedTradePaymentTerms")
    _date(terms, "ram:DueDateDateTime", document.due_at, document)
    sums = _add(settlement, "ram:SpecifiedTradeSettlementHeaderMonetarySummation")
    _add(sums, "ram:LineTotalAmount", totals.subtotal.amount)
    _add(sums, "ram:TaxBasisTotalAmount", totals.subtotal.amount)
    _add(sums, "ram:TaxTotalAmount", totals.tax.amount, currencyID=document.currency)
    _add(sums, "ram:GrandTotalAmount", totals.total.amount)
    _add(sums, "ram:TotalPrepaidAmount", document.settled.amount)
    _add(sums, "ram:DuePayableAmount", document.amount_due.amount)


def _rate(tax: ET.Element, category: str, percent: Fraction, basis: Money | None = None) -> None:
    """Add what a line and the breakdown say alike; the breakdown also has its basis, and why a tax is not charged."""
    _add(tax, "ram:TypeCode", "VAT")
    if basis is not None:
        reason = next((text for each, text in _REASONS.items() if each == category), None)
        if reason is not None:
            _add(tax, "ram:ExemptionReason", reason)
        _add(tax, "ram:BasisAmount", basis.amount)
    _add(tax, "ram:CategoryCode", category)
    if category != ZeroTax.NOT_SUBJECT:
        _add(tax, "ram:RateApplicablePercent", decimal_text(percent))


def _period(parent: ET.Element, period: Period, document: InvoiceDocument) -> None:
    span = _add(parent, "ram:BillingSpecifiedPeriod")
    _date(span, "ram:StartDateTime", period.start, document)
    _date(span, "ram:EndDateTime", period.end - _INSTANT, document)


def _date(parent: ET.Element, tag: str, at: datetime, document: InvoiceDocument) -> None:
    day = local_date(at, document.time_zone)
    _add(parent, f"{tag}/udt:DateTimeString", day.strftime("%Y%m%d"), format="102")


def _is_vat_id(party: Party) -> bool:
    """Return whether the number is one of the kind that names its country, as the standard wants it."""
    prefixes = {party.country, "EL"} if party.country == "GR" else {party.country}
    return (party.tax_id or "")[:2] in prefixes


def _add(parent: ET.Element, path: str, text: str | None = None, **attributes: str) -> ET.Element:
    """Add the elements of `path`, each inside the one before, and return the last one."""
    for tag in path.split("/"):
        parent = ET.SubElement(parent, _name(tag))
    parent.text = None if text is None else _ILLEGAL.sub("", text)
    parent.attrib.update(attributes)
    return parent


def _name(tag: str) -> str:
    prefix, _, local = tag.partition(":")
    return f"{{{_PREFIXES[prefix]}}}{local}"
