"""What are the terms that a contract is made of?

Who pays, who answers the phone, which prices were negotiated, and on which dates which part of the total is issued:
each a value of its own, read from a document and written back.

>>> terms = Reader({"issue_at": "2026-03-01T00:00:00+00:00", "share": "40"}, "custom.0", InvalidContract)
>>> read_custom(terms).part
Fraction(40, 1)
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

from billing import plan_item_documents, price_documents
from billing.discounts import Discount
from billing.money import InvalidAmount, Money, decimal_text
from billing.prices import Price
from billing.reading import InvalidDocument, Reader


class InvalidContract(InvalidDocument):
    """A contract breaks a rule at `field`, a dotted path."""


class Schedule(StrEnum):
    """When the instalments are issued."""

    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    ANNUAL = "ANNUAL"
    CUSTOM = "CUSTOM"


STEP_MONTHS: Final = {Schedule.MONTHLY: 1, Schedule.QUARTERLY: 3, Schedule.ANNUAL: 12}


@dataclass(frozen=True, slots=True)
class CustomInstalment:
    """An agreed date and what is issued on it: an amount, or a share of what the fixed amounts leave."""

    issue_at: datetime
    part: Money | Fraction


@dataclass(frozen=True, slots=True)
class BillTo:
    """The legal entity that pays."""

    legal_name: str
    address_lines: tuple[str, ...] = ()
    tax_id: str | None = None
    country: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class AccountManager:
    """The person to call."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class NegotiatedPrice:
    """A price of this contract that takes the place of the plan's."""

    item_key: str
    price: Price
    price_version: str


@dataclass(frozen=True, slots=True)
class NegotiatedDiscounts:
    """Discounts of this contract on one item, which take the place of the plan's."""

    item_key: str
    discounts: tuple[Discount, ...]


def read_custom(reader: Reader) -> CustomInstalment:
    reader.only("issue_at", "amount", "share")
    if reader.has("amount") == reader.has("share"):
        raise reader.error(reader.path, "give either an amount or a share")
    part = read_money(reader, "amount") if reader.has("amount") else reader.amount("share")
    return CustomInstalment(reader.instant("issue_at"), part)


def read_bill_to(reader: Reader) -> BillTo:
    reader.only("legal_name", "address_lines", "tax_id", "country", "email")
    return BillTo(
        reader.text("legal_name"),
        reader.names("address_lines"),
        *(optional_text(reader, key) for key in ("tax_id", "country", "email")),
    )


def read_manager(reader: Reader) -> AccountManager:
    reader.only("name", "email")
    return AccountManager(reader.text("name"), reader.text("email"))


def read_price(reader: Reader) -> NegotiatedPrice:
    reader.only("item_key", "price", "price_version")
    return NegotiatedPrice(
        reader.text("item_key"), price_documents.read(reader.child("price")), reader.text("price_version")
    )


def read_item_discounts(reader: Reader, currency: str) -> NegotiatedDiscounts:
    reader.only("item_key", "discounts")
    return NegotiatedDiscounts(reader.text("item_key"), plan_item_documents.read_discounts(reader, currency))


def optional_text(reader: Reader, key: str) -> str | None:
    return reader.text(key) if reader.has(key) else None


def read_money(reader: Reader, key: str) -> Money:
    money = reader.child(key)
    money.only("amount", "currency")
    amount, currency = money.text("amount"), money.text("currency")
    try:
        return Money.parse(amount, currency)
    except InvalidAmount as refused:
        raise reader.error(money.at("amount"), str(refused)) from refused
    except ValueError as unknown:
        raise reader.error(money.at("currency"), str(unknown)) from unknown


def write_money(money: Money) -> dict[str, str]:
    return {"amount": money.amount, "currency": money.currency}


def write_custom(part: CustomInstalment) -> dict[str, Any]:
    if isinstance(part.part, Money):
        return {"issue_at": part.issue_at.isoformat(), "amount": write_money(part.part)}
    return {"issue_at": part.issue_at.isoformat(), "share": decimal_text(part.part)}
