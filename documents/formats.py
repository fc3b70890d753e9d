"""In which forms can an invoice be had?

A form is offered only where it can really be made: PDF with the extra `pdf` installed, an electronic invoice where
the standard can express the amounts. Whoever asks for another one is told why not.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from billing.money import Money
from documents import einvoice, pdf, spreadsheet
from documents.invoice import InvoiceDocument, Status


class Format(StrEnum):
    """A form; the value is the ending of the file's name."""

    PDF = "pdf"
    CSV = "csv"
    XML = "xml"


MEDIA_TYPES: Final[Mapping[Format, str]] = MappingProxyType(
    {
        Format.PDF: "application/pdf",
        Format.CSV: "text/csv; charset=utf-8; header=present",
        Format.XML: "application/xml",
    }
)
_WRITERS: Final[Mapping[Format, Callable[[InvoiceDocument], bytes]]] = MappingProxyType(
    {Format.PDF: pdf.write, Format.CSV: spreadsheet.write, Format.XML: einvoice.write}
)


def offered(status: str, included_tax: Money, *, country: str | None) -> tuple[Format, ...]:
    """Return the forms worth offering for an invoice in this status; none for a draft.

    >>> offered("FINALIZED", Money.parse("20.00", "EUR"), country="DE")[-1]
    <Format.CSV: 'csv'>
    """
    if status not in set(Status):
        return ()
    possible = {
        Format.PDF: pdf.is_available(),
        Format.CSV: True,
        Format.XML: status != Status.VOIDED and einvoice.can_express(included_tax, country=country),
    }
    return tuple(form for form in Format if possible[form])


def write(document: InvoiceDocument, form: Format) -> bytes:
    """Return the document in a form.

    Raise `pdf.PdfUnavailable`, `fonts.MissingGlyphs` or `einvoice.NotExpressible` where it cannot be made.
    """
    return _WRITERS[form](document)
