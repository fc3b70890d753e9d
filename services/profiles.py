"""Change what an organization is called, how it is written to, and who pays.

Currency and time zone are not among it: every amount and every month on the books depends on them. What was issued
keeps the name and the payer it was issued with.
"""

import re
from dataclasses import dataclass
from typing import Any

from babel import Locale, UnknownLocaleError

from billing.contract_terms import BillTo
from billing.roles import Permission
from models import organizations
from services import members
from services.dispatch import verb
from services.outcomes import RefusalCode, Refused
from services.unit import Unit

_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
_COUNTRY = re.compile(r"[A-Z]{2}")
NAME_LENGTH_MAX = 200
TEXT_LENGTH_MAX = 200
ADDRESS_LINES_MAX = 10
HOUR_SECONDS = 3_600
GRACE_HOURS_MAX = 28 * 24  # a month is final before the next one ends


@dataclass(frozen=True, slots=True)
class Update:
    """What should be otherwise; what is None stays as it is. `bill_to` replaces the whole legal entity."""

    organization_id: str
    idempotency_key: str
    name: str | None = None
    locale: str | None = None
    bill_to: BillTo | None = None
    invoice_grace_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Updated:
    """The organization is as asked from now on."""

    organization_id: str


@verb(Permission.ORGANIZATION_WRITE)
async def update(unit: Unit, command: Update) -> Updated | Refused:
    """Change what was given; invoices that are issued stay as they are."""
    refused = _refusal(command)
    if refused is not None:
        return refused
    wanted = _columns(command)
    changed = {name: value for name, value in wanted.items() if getattr(unit.organization, name) != value}
    if changed:
        await organizations.update(unit.client, unit.organization_id, **changed)
        before = {name: getattr(unit.organization, name) for name in changed}
        unit.emit("OrganizationUpdated", {"before": before, "after": changed}, before=before)
    return Updated(unit.organization_id)


def name_refusal(name: str) -> Refused | None:
    """Return why no organization can have this name, or None."""
    return _length_refusal(name, NAME_LENGTH_MAX, "name")


def locale_refusal(locale: str) -> Refused | None:
    """Return why no date and no amount can be written in this locale, or None.

    A language that invoices have no words in is no reason: they are English then, in the locale's own figures.
    """
    if _LOCALE.fullmatch(locale) and _is_known(locale):
        return None
    message = f"{locale[:40]!r} is not a locale of CLDR such as en, ru-RU or zh-Hans-CN"
    return Refused(RefusalCode.INPUT_INVALID, message, ("locale",))


def _is_known(locale: str) -> bool:
    try:
        Locale.parse(locale, sep="-")
    except (UnknownLocaleError, ValueError):
        return False
    return True


def grace_refusal(seconds: int) -> Refused | None:
    """Return why invoices cannot stay drafts for so long, or None."""
    if 0 <= seconds <= GRACE_HOURS_MAX * HOUR_SECONDS:
        return None
    message = f"{seconds // HOUR_SECONDS} hours are outside 0 to {GRACE_HOURS_MAX}"
    return Refused(RefusalCode.INPUT_INVALID, message, ("invoiceGraceHours",))


def bill_to_refusal(bill_to: BillTo) -> Refused | None:
    """Return why invoices cannot be made out to this legal entity, or None."""
    if len(bill_to.address_lines) > ADDRESS_LINES_MAX:
        message = f"{len(bill_to.address_lines)} address lines: give at most {ADDRESS_LINES_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("billTo", "addressLines"))
    if bill_to.country is not None and not _COUNTRY.fullmatch(bill_to.country):
        message = f"{bill_to.country[:40]!r} is not an ISO 3166 code of two letters, such as DE"
        return Refused(RefusalCode.INPUT_INVALID, message, ("billTo", "country"))
    if bill_to.email is not None and not members.is_email(bill_to.email):
        message = f"{bill_to.email[:80]!r} is not an e-mail address"
        return Refused(RefusalCode.INPUT_INVALID, message, ("billTo", "email"))
    texts = [("legalName", bill_to.legal_name)]
    texts += [("taxId", bill_to.tax_id)] if bill_to.tax_id is not None else []
    texts += [("addressLines", line) for line in bill_to.address_lines]
    found = (_length_refusal(text, TEXT_LENGTH_MAX, "billTo", field) for field, text in texts)
    return next((refused for refused in found if refused is not None), None)


def _refusal(command: Update) -> Refused | None:
    given = (command.name, command.locale, command.bill_to, command.invoice_grace_seconds)
    if all(each is None for each in given):
        return Refused(RefusalCode.INPUT_INVALID, "nothing was given that should be otherwise", ())
    return (
        (name_refusal(command.name) if command.name is not None else None)
        or (locale_refusal(command.locale) if command.locale is not None else None)
        or (bill_to_refusal(command.bill_to) if command.bill_to is not None else None)
        or (grace_refusal(command.invoice_grace_seconds) if command.invoice_grace_seconds is not None else None)
    )


def _columns(command: Update) -> dict[str, Any]:
    bill_to = command.bill_to
    columns: dict[str, Any] = {
        "name": command.name.strip() if command.name is not None else None,
        "locale": command.locale,
        "bill_to": bill_to and _document(bill_to),
        "invoice_grace_seconds": command.invoice_grace_seconds,
    }
    return {name: value for name, value in columns.items() if value is not None}


def _document(bill_to: BillTo) -> dict[str, Any]:
    return {
        "legal_name": bill_to.legal_name.strip(),
        "address_lines": list(bill_to.address_lines),
        "tax_id": bill_to.tax_id,
        "country": bill_to.country,
        "email": bill_to.email,
    }


def _length_refusal(text: str, length_max: int, *field: str) -> Refused | None:
    if 1 <= len(text.strip()) <= length_max:
        return None
    message = f"{field[-1]} has {len(text.strip())} characters: give 1 to {length_max}"
    return Refused(RefusalCode.INPUT_INVALID, message, field)
