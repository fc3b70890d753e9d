"""What did both sides sign, and when is it paid?

A contract sells a band of users for a term at a fixed total. Its instalments add up to that total to the last minor
unit, whatever the schedule. Inside the band nobody costs anything; crossing it is a fact to talk about, never a
reason to block a person or to bill on the quiet.

>>> from datetime import UTC
>>> start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
>>> contract = Contract("C-1", start, end, 1, 500, Money(100_000_00, "USD"), Schedule.QUARTERLY, net_terms_days=30)
>>> [str(part.amount) for part in instalments(contract, "UTC")]
['25000.00 USD', '25000.00 USD', '25000.00 USD', '25000.00 USD']
>>> position(contract, 501)
Crossed(used=501, band=500)
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final, assert_never

from billing import discounts as discounting
from billing import plan_item_documents, price_documents
from billing.contract_terms import (
    STEP_MONTHS,
    AccountManager,
    BillTo,
    CustomInstalment,
    InvalidContract,
    NegotiatedDiscounts,
    NegotiatedPrice,
    Schedule,
    optional_text,
    read_bill_to,
    read_custom,
    read_item_discounts,
    read_manager,
    read_money,
    read_price,
    write_custom,
    write_money,
)
from billing.discounts import Discount, UsageDiscount
from billing.money import Money, total
from billing.periods import InvalidPeriod, Period, add_days, add_months
from billing.plans import Plan, with_discounts, with_prices
from billing.reading import Reader

__all__ = [
    "AccountManager",
    "BandPosition",
    "BillTo",
    "Contract",
    "Crossed",
    "CustomInstalment",
    "Inside",
    "Instalment",
    "InvalidContract",
    "NegotiatedDiscounts",
    "NegotiatedPrice",
    "Schedule",
    "apply_prices",
    "from_document",
    "instalments",
    "position",
    "to_document",
]

NET_TERMS_MAX: Final = 365
TERM_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Contract:
    """A signed contract. An amendment is another contract with the same number and a later version.

    What is negotiated takes the place of what the plan says: prices and discounts item by item, `discounts` of the
    whole, and `commitment`, the least that is billed for a month.
    """

    number: str
    start: datetime
    end: datetime
    term_years: int
    band_up_to: int
    total: Money
    schedule: Schedule
    custom: tuple[CustomInstalment, ...] = ()
    net_terms_days: int = 30
    purchase_order: str | None = None
    bill_to: BillTo | None = None
    account_manager: AccountManager | None = None
    support_response_time: str | None = None
    renewal_at: datetime | None = None
    prices: tuple[NegotiatedPrice, ...] = ()
    version: int = 1
    commitment: Money | None = None
    discounts: tuple[Discount, ...] = ()
    item_discounts: tuple[NegotiatedDiscounts, ...] = ()

    def __post_init__(self) -> None:
        try:
            Period(self.start, self.end)
        except InvalidPeriod as broken:
            raise InvalidContract("end", str(broken)) from broken
        _bounded("term_years", self.term_years, 1, TERM_MAX)
        _bounded("band_up_to", self.band_up_to, 1, 10**9)
        _bounded("net_terms_days", self.net_terms_days, 0, NET_TERMS_MAX)
        if self.total.minor < 0:
            raise InvalidContract("total", f"{self.total} is below 0")
        if self.commitment is not None and self.commitment.minor < 0:
            raise InvalidContract("commitment", f"{self.commitment} is below 0")
        if self.commitment is not None and self.commitment.currency != self.total.currency:
            raise InvalidContract("commitment", f"{self.commitment} is not in {self.total.currency}")
        for index, discount in enumerate(self.discounts):
            if isinstance(discount, UsageDiscount):
                raise InvalidContract(f"discounts.{index}.kind", "units are taken off an item, not off the whole")
        keys = [each.item_key for each in self.item_discounts]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                raise InvalidContract(f"item_discounts.{index}.item_key", f"{key!r} is given twice")
        if (self.schedule is Schedule.CUSTOM) != bool(self.custom):
            raise InvalidContract("custom", f"{len(self.custom)} instalments listed on a {self.schedule} schedule")
        self._check_custom()

    @property
    def period(self) -> Period:
        """The term."""
        return Period(self.start, self.end)

    def _check_custom(self) -> None:
        dates = [part.issue_at for part in self.custom]
        if dates != sorted(set(dates)):
            raise InvalidContract("custom", "the dates must rise, each once")
        if any(not self.period.contains(at) for at in dates):
            raise InvalidContract("custom", f"every date must be within the term, {self.start} to {self.end}")
        fixed = [part.part for part in self.custom if isinstance(part.part, Money)]
        if any(amount.currency != self.total.currency for amount in fixed):
            raise InvalidContract("custom", f"every amount must be in {self.total.currency}")
        left = self.total - total(fixed, self.total.currency)
        shares = [part.part for part in self.custom if isinstance(part.part, Fraction)]
        if any(share <= 0 for share in shares):
            raise InvalidContract("custom", "every share must be above 0")
        if left.minor < 0 or (self.custom and not shares and left.minor):
            raise InvalidContract("custom", f"the amounts add up to {self.total - left}, the total is {self.total}")


@dataclass(frozen=True, slots=True)
class Instalment:
    """One payment of the term."""

    position: int
    issue_at: datetime
    due_at: datetime
    covers: Period
    amount: Money


@dataclass(frozen=True, slots=True)
class Inside:
    """The seats in use fit the band."""

    used: int
    band: int


@dataclass(frozen=True, slots=True)
class Crossed:
    """More seats are in use than the band holds: time for a contract review."""

    used: int
    band: int


BandPosition = Inside | Crossed


def position(contract: Contract, seats: int) -> BandPosition:
    """Return where `seats` stand in the band; its last seat is inside."""
    return (Inside if seats <= contract.band_up_to else Crossed)(seats, contract.band_up_to)


def instalments(contract: Contract, time_zone: str) -> tuple[Instalment, ...]:
    """Return the payments of the term in order; their amounts add up to the contract's total exactly.

    Each covers the time up to the next one, and the first also whatever lies before it.
    """
    issued, amounts = _issue_dates(contract, time_zone), _amounts(contract, time_zone)
    bounds = (contract.start, *issued[1:], contract.end)
    return tuple(
        Instalment(index + 1, at, add_days(at, contract.net_terms_days, time_zone), Period(*cover), amount)
        for index, (at, cover, amount) in enumerate(zip(issued, pairwise(bounds), amounts, strict=True))
    )


def apply_prices(plan: Plan, contract: Contract | None) -> Plan:
    """Return `plan` with what the contract negotiated: prices, discounts and commitment.

    A discount without a name is called by the contract's number.
    """
    if contract is None:
        return plan
    priced = with_prices(plan, {each.item_key: (each.price, each.price_version) for each in contract.prices})

    def named(discounts: tuple[Discount, ...]) -> tuple[Discount, ...]:
        return tuple(replace(each, name=each.name or contract.number) for each in discounts)

    return with_discounts(
        priced,
        whole=named(contract.discounts),
        by_item={each.item_key: named(each.discounts) for each in contract.item_discounts},
        commitment=contract.commitment,
    )


def _issue_dates(contract: Contract, time_zone: str) -> tuple[datetime, ...]:
    match contract.schedule:
        case Schedule.CUSTOM:
            return tuple(part.issue_at for part in contract.custom)
        case Schedule.MONTHLY | Schedule.QUARTERLY | Schedule.ANNUAL:
            step, dates = STEP_MONTHS[contract.schedule], [contract.start]
            while (at := add_months(contract.start, step * len(dates), time_zone)) < contract.end:
                dates.append(at)
            return tuple(dates)
        case _:
            assert_never(contract.schedule)


def _amounts(contract: Contract, time_zone: str) -> tuple[Money, ...]:
    if contract.schedule is not Schedule.CUSTOM:
        return contract.total.allocate((1,) * len(_issue_dates(contract, time_zone)))
    parts = [part.part for part in contract.custom]
    fixed = total([part for part in parts if isinstance(part, Money)], contract.total.currency)
    shares = iter((contract.total - fixed).allocate([part for part in parts if isinstance(part, Fraction)]))
    return tuple(part if isinstance(part, Money) else next(shares) for part in parts)


def from_document(document: Mapping[str, Any]) -> Contract:
    """Return the contract written in `document`; raise InvalidContract with the dotted path of what is wrong."""
    reader = Reader(document, "", InvalidContract)
    reader.only(*Contract.__dataclass_fields__)
    agreed = read_money(reader, "total")
    fields = (
        reader.text("number"),
        reader.instant("start"),
        reader.instant("end"),
        reader.whole("term_years"),
        reader.whole("band_up_to"),
        agreed,
        reader.choice("schedule", Schedule),
        tuple(read_custom(part) for part in reader.children("custom")) if reader.has("custom") else (),
        reader.whole("net_terms_days", 30),
        optional_text(reader, "purchase_order"),
        read_bill_to(reader.child("bill_to")) if reader.has("bill_to") else None,
        read_manager(reader.child("account_manager")) if reader.has("account_manager") else None,
        optional_text(reader, "support_response_time"),
        reader.instant("renewal_at") if reader.has("renewal_at") else None,
        tuple(read_price(price) for price in reader.children("prices")) if reader.has("prices") else (),
        reader.whole("version", 1),
        read_money(reader, "commitment") if reader.has("commitment") else None,
        plan_item_documents.read_discounts(reader, agreed.currency),
        tuple(read_item_discounts(each, agreed.currency) for each in reader.children("item_discounts"))
        if reader.has("item_discounts")
        else (),
    )
    return Contract(*fields)


def to_document(contract: Contract) -> dict[str, Any]:
    """Return the document that `from_document` reads back: texts, integers, lists and objects only."""
    bill_to, manager = contract.bill_to, contract.account_manager
    return {
        "number": contract.number,
        "start": contract.start.isoformat(),
        "end": contract.end.isoformat(),
        "term_years": contract.term_years,
        "band_up_to": contract.band_up_to,
        "total": write_money(contract.total),
        "schedule": contract.schedule.value,
        "custom": [write_custom(part) for part in contract.custom],
        "net_terms_days": contract.net_terms_days,
        "purchase_order": contract.purchase_order,
        "bill_to": bill_to
        and {
            "legal_name": bill_to.legal_name,
            "address_lines": list(bill_to.address_lines),
            "tax_id": bill_to.tax_id,
            "country": bill_to.country,
            "email": bill_to.email,
        },
        "account_manager": manager and {"name": manager.name, "email": manager.email},
        "support_response_time": contract.support_response_time,
        "renewal_at": contract.renewal_at and contract.renewal_at.isoformat(),
        "prices": [
            {
                "item_key": each.item_key,
                "price": price_documents.write(each.price),
                "price_version": each.price_version,
            }
            for each in contract.prices
        ],
        "version": contract.version,
        "commitment": contract.commitment and write_money(contract.commitment),
        "discounts": [discounting.write(each) for each in contract.discounts],
        "item_discounts": [
            {"item_key": each.item_key, "discounts": [discounting.write(discount) for discount in each.discounts]}
            for each in contract.item_discounts
        ],
    }


def _bounded(field: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InvalidContract(field, f"{value} is outside {low} to {high}")
