"""Invoices at the door: who gets them, in which form, and what everybody else is told."""

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial

import httpx2
import pypdf
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection

from api import downloads
from api.downloads import document_of
from api.middleware import RequestId
from auth.principal import Principal
from billing.money import Money
from documents import einvoice, pdf, spreadsheet
from documents.invoice import InvoiceDocument, Party, Seller
from models import organizations
from models.database import Database
from schema import ids
from services import closing, members, payments, statements
from tests.services.books import POOLED, Books, a_use, as_role, books, days_later

NOVEMBER = datetime(2026, 11, 1, 2, tzinfo=UTC)
SELLER = Seller("BILLGRAPH", Party("Billgraph Example Pte. Ltd.", ("1 Example Quay",), "SG", "SG00000000X"))
TAXED = {**POOLED, "key": "taxed", "tax": {"mode": "EXCLUSIVE", "percent": "9"}}


class Desk:
    """An organization with an invoice, and callers known by a one-word token."""

    def __init__(self, ours: Books, invoice_id: str) -> None:
        self.ours = ours
        self.invoice_id = invoice_id
        organization_id = ours.organization_id
        self.callers: dict[str, Principal] = {
            "owner": ours.owner,
            "auditor": as_role(organization_id, "auditor"),
            "member": as_role(organization_id, "member"),
            "stranger": as_role("01kwdfkd00yp6arym8shx0mx4x", "primary_owner"),
        }

    @property
    def path(self) -> str:
        return f"/invoices/{ids.text(ids.Kind.INVOICE, self.ours.organization_id, self.invoice_id)}"

    async def get(self, path: str, token: str | None = "owner", **headers: str) -> httpx2.Response:
        """Ask with a token, or without one."""

        async def authenticate(connection: HTTPConnection, payload: Mapping[str, object]) -> Principal | None:
            shown = connection.headers.get("authorization")
            return self.callers[shown] if shown else None

        app = Starlette(
            routes=downloads.routes(authenticate=authenticate, reader=self.ours.reader, sellers={SELLER.key: SELLER}),
            middleware=[Middleware(RequestId)],
        )
        shown = {"authorization": token, **headers} if token else headers
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://desk") as client:
            return await client.get(path, headers=shown)

    async def document(self) -> InvoiceDocument:
        """Return what the documents are written from."""
        statement = await statements.load(self.ours.reader, self.ours.organization_id, self.invoice_id)
        assert statement is not None
        return document_of(statement, {SELLER.key: SELLER})

    async def pay(self, amount: str) -> None:
        paid = await self.ours.do(
            payments.record_payment,
            payments.RecordPayment,
            invoice_id=self.invoice_id,
            amount=Money.parse(amount, "USD"),
            method=payments.MethodKind.BANK_TRANSFER,
            reference="wire",
            received_at=NOVEMBER,
            at=NOVEMBER,
        )
        assert isinstance(paid, payments.PaymentRecorded), paid


async def a_desk(database: Database, *, name: str = "Bo") -> Desk:
    """Return a desk with the October of a new organization."""
    return await a_desk_of(await books(database, plan=TAXED), name=name)


async def a_desk_of(ours: Books, *, name: str = "Bo") -> Desk:
    """Close an October of two seats, one of them prorated, and 10.00 of usage, with 9 percent of tax on top."""
    bo = await ours.do(
        members.add,
        members.AddMember,
        email="bo@x.example",
        name=name,
        role="member",
        tier="chat",
        add_ons=("hipaa",),
    )
    cy = await ours.add("cy", tier="chat", at=days_later(15))
    for number, (member, cents) in enumerate([(bo.member_id, 333), (cy, 667)]):
        at = days_later(20)
        await ours.use(a_use(str(number), member, cents, at=at), at=at)
    closed = await ours.do(closing.close, closing.Close, period="2026-10", at=NOVEMBER)
    assert isinstance(closed, closing.Closed), closed
    assert closed.invoice_id is not None
    return Desk(ours, closed.invoice_id)


def code(response: httpx2.Response) -> object:
    (error,) = response.json()["errors"]
    assert error["extensions"]["requestId"] == response.headers["x-request-id"]
    return error["extensions"]["code"]


def rows(response: httpx2.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))


async def test_all_forms_say_the_same_money(database: Database) -> None:
    desk = await a_desk(database)
    document = await desk.document()
    table, paper = await desk.get(f"{desk.path}.csv"), await desk.get(f"{desk.path}.pdf")

    amounts = {row["record"]: row["amount"] for row in rows(table)}
    text = pypdf.PdfReader(io.BytesIO(paper.content)).pages[0].extract_text()
    assert document.tax_percent == Fraction(9)
    for record, amount in {
        "SUBTOTAL": document.totals.subtotal,
        "TAX": document.totals.tax,
        "TOTAL": document.totals.total,
        "AMOUNT_DUE": document.amount_due,
    }.items():
        assert amounts[record] == amount.amount
        assert f"${amount.amount}" in text
    assert (table.content, paper.content) == (spreadsheet.write(document), pdf.write(document))


async def test_serves_each_form_under_its_own_name_and_privately(database: Database) -> None:
    desk = await a_desk(database)
    paper = await desk.get(f"{desk.path}.pdf")
    table = await desk.get(f"{desk.path}.csv", "auditor")

    assert paper.headers["content-type"] == "application/pdf"
    assert paper.headers["content-disposition"] == 'attachment; filename="BILLGRAPH-000001.pdf"'
    assert table.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert {each.headers["cache-control"] for each in (paper, table)} == {"private, no-cache"}
    assert paper.content.startswith(b"%PDF-")


async def test_says_why_there_is_no_electronic_invoice(database: Database) -> None:
    desk = await a_desk(database)

    response = await desk.get(f"{desk.path}.xml")

    (error,) = response.json()["errors"]
    assert (response.status_code, code(response)) == (406, "NOT_ACCEPTABLE")
    assert error["message"] == (
        "There is no XML of invoice BILLGRAPH-000001: the country of the payer is not known as an ISO 3166 code."
    )


async def test_serves_an_electronic_invoice_to_a_payer_whose_country_is_known(database: Database) -> None:
    ours = await books(database, plan=TAXED)
    payer = {"legal_name": "Acme Pte. Ltd.", "address_lines": ["2 Example Quay"], "country": "SG"}
    change = partial(organizations.update, organization_id=ours.organization_id, bill_to=payer)
    await database.runner.run(change, lane=ours.organization_id)
    desk = await a_desk_of(ours)

    response = await desk.get(f"{desk.path}.xml")

    document = await desk.document()
    assert response.headers["content-type"] == "application/xml"
    assert response.content == einvoice.write(document)
    assert f">{document.totals.total.amount}</ram:GrandTotalAmount>" in response.text


async def test_knows_what_was_downloaded_until_something_is_settled(database: Database) -> None:
    desk = await a_desk(database)
    first = await desk.get(f"{desk.path}.csv")
    etag = first.headers["etag"]
    again = await desk.get(f"{desk.path}.csv", **{"if-none-match": f'"x", {etag}'})
    other = await desk.get(f"{desk.path}.pdf", **{"if-none-match": etag})
    await desk.pay("5.00")
    paid = await desk.get(f"{desk.path}.csv", **{"if-none-match": etag})
    document = await desk.document()

    assert document.digest[:32] in etag
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert [other.status_code, paid.status_code] == [200, 200]
    assert [row["amount"] for row in rows(paid) if row["record"] == "PAYMENT"] == ["5.00"]


@pytest.mark.parametrize("form", ["pdf", "csv", "xml"])
async def test_a_stranger_is_told_what_is_told_of_no_invoice_at_all(database: Database, form: str) -> None:
    desk = await a_desk(database)
    foreign = await desk.get(f"{desk.path}.{form}", "stranger")
    absent = await desk.get(f"/invoices/inv_{desk.ours.organization_id}_01kwdfkd00yp6arym8shx0mx4y.{form}")

    assert (foreign.status_code, absent.status_code) == (404, 404)
    assert code(foreign) == code(absent) == "NOT_FOUND"
    assert foreign.json()["errors"][0]["message"] == absent.json()["errors"][0]["message"]
    assert foreign.headers["cache-control"] == "no-store"


async def test_a_member_without_the_permission_is_refused(database: Database) -> None:
    desk = await a_desk(database)
    response = await desk.get(f"{desk.path}.pdf", "member")

    assert (response.status_code, code(response)) == (403, "FORBIDDEN")


async def test_nobody_in_particular_is_asked_to_sign_in(database: Database) -> None:
    desk = await a_desk(database)
    response = await desk.get(f"{desk.path}.pdf", None)

    assert (response.status_code, code(response)) == (401, "UNAUTHENTICATED")
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("expected", "name"),
    [
        ("ID_INVALID", "inv_1.pdf"),
        ("ID_INVALID", "mem_01kwdfkd00yp6arym8shx0mx4x_01kwdfkd00yp6arym8shx0mx4y.pdf"),
        ("ID_INVALID", "%2e%2e.pdf"),
        ("NOT_FOUND", "inv_1.docx"),
        ("NOT_FOUND", "inv_1"),
    ],
)
async def test_a_name_that_is_no_invoice_is_not_found(database: Database, expected: str, name: str) -> None:
    ours = await books(database)

    response = await Desk(ours, "").get(f"/invoices/{name}")

    assert (response.status_code, code(response)) == (404, expected)


async def test_a_draft_has_no_document_yet(database: Database) -> None:
    ours = await books(database, invoice_grace_seconds=86_400)
    await ours.add("bo", tier="chat")
    drafted = await ours.do(closing.close, closing.Close, period="2026-10", at=NOVEMBER)
    desk = Desk(ours, drafted.invoice_id)

    before = await desk.get(f"{desk.path}.csv")
    await ours.do(closing.finalize, closing.Finalize, invoice_id=drafted.invoice_id, at=days_later(32))

    assert (before.status_code, code(before)) == (404, "NOT_FOUND")


async def test_says_that_it_makes_no_pdf_where_the_typesetter_is_absent(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "is_available", lambda: False)
    desk = await a_desk(database)

    response = await desk.get(f"{desk.path}.pdf")

    assert (response.status_code, code(response)) == (406, "NOT_ACCEPTABLE")
    assert "without the extra `pdf`" in response.json()["errors"][0]["message"]


async def test_names_the_characters_it_cannot_print(database: Database) -> None:
    desk = await a_desk(database, name="Bo 🚀")

    response = await desk.get(f"{desk.path}.pdf")

    assert (response.status_code, code(response)) == (406, "NOT_ACCEPTABLE")
    assert "no font has 🚀 (U+1F680)" in response.json()["errors"][0]["message"]
    assert (await desk.get(f"{desk.path}.csv")).status_code == 200
