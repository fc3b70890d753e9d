"""How is an invoice downloaded?

`/invoices/{id}.pdf`, `.csv` and `.xml`, for whoever may read the organization's invoices. An invoice of a stranger's
organization is answered exactly like one that does not exist. What was downloaded once is recognized by its ETag,
which comes from the invoice's digest and from what was settled since.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.callers import Authenticate
from api.middleware import request_id
from api.settings import SellerDetails
from auth import policy
from auth.principal import Principal
from billing.money import Money
from billing.periods import Period
from billing.roles import Permission
from documents import formats
from documents.einvoice import NotExpressible
from documents.fonts import MissingGlyphs
from documents.formats import MEDIA_TYPES, Format
from documents.invoice import CreditNote, InvoiceDocument, Line, Party, Payment, Seller, Share, Status, Totals, ZeroTax
from documents.pdf import PdfUnavailable
from models import invoices as rows
from models import tenancy
from models.sql import Client
from schema import ids
from schema.errors import ErrorCode, GraphError, as_graphql, first_code, first_facts, present
from services import statements

WRITERS_MAX: Final = 2
RETRY_AFTER_SECONDS: Final = 2
_NAME = re.compile(r"(?P<id>.+)\.(?P<format>[a-z]+)", re.ASCII)
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
_STATUS: Final[Mapping[ErrorCode, int]] = MappingProxyType(
    {
        ErrorCode.ID_INVALID: 404,
        ErrorCode.UNAUTHENTICATED: 401,
        ErrorCode.FORBIDDEN: 403,
        ErrorCode.ORIGIN_FORBIDDEN: 403,
        ErrorCode.NOT_FOUND: 404,
        ErrorCode.NOT_ACCEPTABLE: 406,
        ErrorCode.BODY_TOO_LARGE: 413,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
        ErrorCode.TOO_MANY_FAILURES: 429,
        ErrorCode.RATE_LIMITED: 429,
        ErrorCode.OVERLOADED: 503,
        ErrorCode.TIMEOUT: 504,
        ErrorCode.INTERNAL: 500,
    }
)

Sellers = Mapping[str, Seller]


@dataclass(frozen=True, slots=True)
class Downloads:
    """What the route needs: who is calling, how to read, and how each seller is printed."""

    authenticate: Authenticate
    reader: Client
    sellers: Sellers
    writers: CapacityLimiter

    async def __call__(self, request: Request) -> Response:
        """Answer one request; every fault is a coded error."""
        try:
            return await self._answer(request)
        except Exception as error:  # presented as the graph presents it: ours as they are, the unexpected masked
            return failure(error, request_id(request.scope))

    async def _answer(self, request: Request) -> Response:
        caller = await self.authenticate(request, {})
        assert caller is None or isinstance(caller, Principal)
        principal = policy.authenticated(caller)
        named, form = _asked(request.path_params["name"])
        document = document_of(await self._statement(principal, named), self.sellers)
        headers = _headers(document, form)
        if _is_known(request.headers.get("if-none-match", ""), headers["etag"]):
            return Response(status_code=304, headers=headers)
        body = await self._written(document, form)
        return Response(body, headers=headers, media_type=MEDIA_TYPES[form])

    async def _statement(self, principal: Principal, named: ids.GlobalId) -> statements.Statement:
        """Return the invoice, or tell a stranger what anybody is told of an invoice that does not exist."""
        absent = GraphError(ErrorCode.NOT_FOUND, "there is no such invoice, or it is not issued yet")
        try:
            policy.require(principal, named.organization_id, Permission.INVOICES_READ)
        except policy.NotVisible as stranger:
            raise absent from stranger
        statement = await statements.load(
            tenancy.confined(self.reader, principal.memberships), named.organization_id, named.key
        )
        if statement is None:
            raise absent
        return statement

    async def _written(self, document: InvoiceDocument, form: Format) -> bytes:
        """Return the document in a form, made beside the loop: setting a long invoice takes a moment."""
        write: Callable[[], bytes] = partial(formats.write, document, form)
        try:
            return await to_thread.run_sync(write, limiter=self.writers)
        except (PdfUnavailable, MissingGlyphs, NotExpressible) as error:
            message = f"There is no {form.name} of invoice {document.number}: {error}."
            raise GraphError(ErrorCode.NOT_ACCEPTABLE, message, format=form.name) from error


def routes(*, authenticate: Authenticate, reader: Client, sellers: Sellers) -> list[Route]:
    """Return the route of all downloads; a seller without details is printed by its key."""
    endpoint = Downloads(authenticate, reader, sellers, CapacityLimiter(WRITERS_MAX))

    async def download(request: Request) -> Response:
        return await endpoint(request)

    return [Route("/invoices/{name}", download, methods=["GET"])]


def document_of(statement: statements.Statement, sellers: Sellers) -> InvoiceDocument:
    """Return what was loaded as the value that documents are written from."""
    invoice, organization = statement.invoice, statement.organization
    assert invoice.number is not None, "an issued invoice has a number"
    assert invoice.digest is not None, "an issued invoice has a digest"
    assert invoice.issued_at is not None, "an issued invoice has a date"
    assert invoice.due_at is not None, "an issued invoice has a date to be paid by"
    money = partial(Money, currency=invoice.currency)
    return InvoiceDocument(
        seller=_seller(organization.seller, invoice.frozen or {}, sellers),
        number=invoice.number,
        status=Status(invoice.status),
        issued_at=invoice.issued_at,
        due_at=invoice.due_at,
        period=Period(invoice.period_start, invoice.period_end),
        time_zone=organization.time_zone,
        locale=invoice.locale,
        bill_to=_party(invoice.bill_to),
        purchase_order=invoice.bill_to.get("purchase_order"),
        contract=invoice.bill_to.get("contract"),
        lines=tuple(_line(row, invoice.currency) for row in statement.lines),
        shares=tuple(_share(row, invoice.currency, statement.member_names) for row in statement.shares),
        totals=Totals(
            subtotal=money(invoice.subtotal_minor),
            tax=money(invoice.tax_minor),
            included_tax=money(invoice.included_tax_minor),
            total=money(invoice.total_minor),
            credits=money(invoice.credits_minor),
            balance_before=money(invoice.balance_before_minor),
        ),
        tax_percent=statement.tax_percent,
        payments=tuple(Payment(row.received_at, row.reference, money(row.amount_minor)) for row in statement.payments),
        credit_notes=tuple(
            CreditNote(row.number, row.issued_at, row.reason, money(row.amount_minor), money(row.tax_minor))
            for row in statement.credit_notes
        ),
        digest=invoice.digest,
    )


def _seller(key: str, frozen: Mapping[str, Any], sellers: Sellers) -> Seller:
    """Return the seller as it was when the invoice was issued; one that is exempt says so to accounting systems."""
    kept = frozen.get("seller")
    seller = SellerDetails.model_validate(kept).printed(key) if kept else sellers.get(key) or Seller(key, Party(key))
    return replace(seller, zero_tax=ZeroTax.EXEMPT) if frozen.get("tax_exemption") else seller


def _party(entity: Mapping[str, object]) -> Party:
    def text(name: str) -> str | None:
        return str(entity[name]) if entity.get(name) else None

    lines = entity.get("address_lines")
    return Party(
        name=text("legal_name") or "",
        address_lines=tuple(str(line) for line in lines) if isinstance(lines, list | tuple) else (),
        country=text("country"),
        tax_id=text("tax_id"),
        email=text("email"),
    )


def _line(row: rows.InvoiceLine, currency: str) -> Line:
    return Line(
        position=row.position,
        key=row.key,
        description=row.description,
        period=Period(row.period_start, row.period_end),
        quantity=row.quantity,
        unit=row.unit,
        amount=Money(row.amount_minor, currency),
        formula=str(row.explanation.get("formula", "")),
    )


def _share(row: rows.InvoiceShare, currency: str, names: Mapping[str, str]) -> Share:
    return Share(
        position=row.line_position,
        member_id=row.member_id,
        member_name=names.get(row.member_id, row.member_id),
        model=row.model,
        direction=row.direction,
        quantity=row.quantity,
        amount=Money(row.amount_minor, currency),
    )


def _asked(name: str) -> tuple[ids.GlobalId, Format]:
    """Return which invoice is asked for, in which form."""
    found = _NAME.fullmatch(name)
    if found is None or found["format"] not in set(Format):
        raise GraphError(ErrorCode.NOT_FOUND, f"an invoice is downloaded as one of {', '.join(Format)}")
    return ids.parse(found["id"], ids.Kind.INVOICE), Format(found["format"])


def _headers(document: InvoiceDocument, form: Format) -> dict[str, str]:
    filename = f"{_UNSAFE.sub('_', document.number)}.{form}"
    return {
        "etag": f'W/"{document.version}-{form}"',
        "cache-control": "private, no-cache",
        "content-disposition": f'attachment; filename="{filename}"',
        "vary": "authorization, cookie",
    }


def _is_known(shown: str, etag: str) -> bool:
    """Return whether the client already has this version; a weak comparison, as for every conditional GET."""
    return "*" in shown or etag.removeprefix("W/") in {each.strip().removeprefix("W/") for each in shown.split(",")}


def failure(fault: Exception, request: str) -> Response:
    """Return the coded error of a download or an export that cannot be."""
    error = as_graphql(fault)
    code = first_code([error])
    headers = {"cache-control": "no-store"}
    if code is ErrorCode.UNAUTHENTICATED:
        headers["www-authenticate"] = "Bearer"
    if code is ErrorCode.RATE_LIMITED:
        headers["retry-after"] = str(first_facts([error])["retry_after_seconds"])
    if code is ErrorCode.OVERLOADED:
        headers["retry-after"] = str(RETRY_AFTER_SECONDS)
    return JSONResponse({"errors": [present(error, request)]}, _STATUS.get(code, 400), headers)
