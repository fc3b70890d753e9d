"""How does a client write down a contract?

Term by term, as it is signed. The rules read it whole, and what breaks one is answered with the path of the term.
"""

from datetime import datetime
from typing import Any

import strawberry
from strawberry.types.unset import UNSET

from billing.contracts import Schedule
from schema.estimate_inputs import DiscountInput
from schema.input_documents import document, path
from schema.money import MoneyInput
from schema.price_inputs import PriceInput
from schema.scalars import DecimalText
from services.outcomes import RefusalCode, Refused


@strawberry.input(description="An agreed date and what is issued on it: give either an amount or a share.")
class CustomInstalmentInput:
    issue_at: datetime = strawberry.field(description="When its invoice is issued, within the term.")
    amount: MoneyInput | None = strawberry.field(default=None, description="A fixed amount.")
    share: DecimalText | None = strawberry.field(
        default=None, description="A share of what the fixed amounts leave, in proportion to the other shares."
    )


@strawberry.input(description="The legal entity that pays.")
class BillToInput:
    legal_name: str = strawberry.field(description="The registered name.")
    address_lines: list[str] = strawberry.field(default_factory=list, description="The postal address, line by line.")
    tax_id: str | None = strawberry.field(default=None, description="The tax number.")
    country: str | None = strawberry.field(default=None, description="The country, as an ISO 3166 code.")
    email: str | None = strawberry.field(default=None, description="Where invoices are sent.")


@strawberry.input(description="The person to call.")
class ContactInput:
    name: str = strawberry.field(description="The person's name.")
    email: str = strawberry.field(description="The person's e-mail address.")


@strawberry.input(description="A price of this contract that takes the place of the plan's.")
class NegotiatedPriceInput:
    item_key: str = strawberry.field(description="The key of the plan item.")
    price: PriceInput = strawberry.field(description="What was agreed in place of the list.")
    price_version: str = strawberry.field(description="The version by which invoices name the price.")


@strawberry.input(description="Discounts of this contract on one item, which take the place of the plan's.")
class NegotiatedDiscountsInput:
    item_key: str = strawberry.field(description="The key of the plan item.")
    discounts: list[DiscountInput] = strawberry.field(description="What is taken off, in this order.")


@strawberry.input(description="A signed contract: a band of users for a term, at a fixed total.")
class ContractInput:
    number: str = strawberry.field(description="The number both sides know it by.")
    start: datetime = strawberry.field(description="The first instant of the term.")
    end: datetime = strawberry.field(description="The first instant after the term.")
    term_years: int = strawberry.field(description="How many years it runs before it ends or renews.")
    band_up_to: int = strawberry.field(description="How many paid seats cost nothing more.")
    total: MoneyInput = strawberry.field(description="What the whole term costs.")
    schedule: Schedule = strawberry.field(description="When the instalments are issued.")
    custom: list[CustomInstalmentInput] = strawberry.field(
        default_factory=list, description="The instalments of a CUSTOM schedule, in order of their dates."
    )
    net_terms_days: int = strawberry.field(default=30, description="How many days after its issue an invoice is due.")
    purchase_order: str | None = strawberry.field(default=None, description="The purchase order invoices must name.")
    bill_to: BillToInput | None = strawberry.field(default=None, description="The legal entity that pays.")
    account_manager: ContactInput | None = strawberry.field(default=None, description="The person to call.")
    support_response_time: str | None = strawberry.field(
        default=None, description="How fast support is bound to answer, such as PT1H or '1 business hour'."
    )
    renewal_at: datetime | None = strawberry.field(default=None, description="When it is to be renewed.")
    prices: list[NegotiatedPriceInput] = strawberry.field(
        default_factory=list, description="Prices that take the place of the plan's."
    )
    commitment: MoneyInput | None = strawberry.field(
        default=None, description="The least that is billed for a month, in the place of the plan's."
    )
    discounts: list[DiscountInput] = strawberry.field(
        default_factory=list, description="What is taken off everything that is billed, in the place of the plan's."
    )
    item_discounts: list[NegotiatedDiscountsInput] = strawberry.field(
        default_factory=list, description="What is taken off single items, in the place of what the plan takes off."
    )

    def document(self) -> dict[str, Any]:
        """Return the contract as the rules read it."""
        found: dict[str, Any] = document(self)
        return found


CLEARABLE = frozenset(
    {"purchase_order", "bill_to", "account_manager", "support_response_time", "renewal_at", "commitment"}
)


@strawberry.input(description="What is agreed anew; what is left out stays as it is. Null takes an optional term away.")
class ContractChangesInput:
    band_up_to: int | None = strawberry.field(default=UNSET, description="How many paid seats cost nothing more.")
    total: MoneyInput | None = strawberry.field(
        default=UNSET,
        description="What the whole term costs. What is invoiced by then stays, the rest is spread over the "
        "instalments to come.",
    )
    net_terms_days: int | None = strawberry.field(
        default=UNSET, description="How many days after its issue an invoice is due."
    )
    purchase_order: str | None = strawberry.field(
        default=UNSET, description="The purchase order invoices must name; null for none."
    )
    bill_to: BillToInput | None = strawberry.field(
        default=UNSET, description="The legal entity that pays; null for the organization's own."
    )
    account_manager: ContactInput | None = strawberry.field(
        default=UNSET, description="The person to call; null for nobody."
    )
    support_response_time: str | None = strawberry.field(
        default=UNSET, description="How fast support is bound to answer; null where it is not."
    )
    renewal_at: datetime | None = strawberry.field(
        default=UNSET, description="When it is to be renewed; null where it is not renewed by itself."
    )
    prices: list[NegotiatedPriceInput] | None = strawberry.field(
        default=UNSET, description="All prices that take the place of the plan's, in the place of those agreed before."
    )
    commitment: MoneyInput | None = strawberry.field(
        default=UNSET, description="The least that is billed for a month; null for what the plan says."
    )
    discounts: list[DiscountInput] | None = strawberry.field(
        default=UNSET, description="All that is taken off the whole, in the place of what was agreed before."
    )
    item_discounts: list[NegotiatedDiscountsInput] | None = strawberry.field(
        default=UNSET, description="All that is taken off single items, in the place of what was agreed before."
    )

    def document(self) -> dict[str, Any]:
        """Return the changes as the rules read them; null stands only where it takes something away."""
        cleared = {name: None for name in sorted(CLEARABLE) if getattr(self, name) is None}
        return {**document(self), **cleared}


@strawberry.input(
    description="What the next term has otherwise; what is left out stays as it is. Null takes an optional term away."
)
class ContractRenewalInput(ContractChangesInput):
    number: str | None = strawberry.field(
        default=UNSET, description="The number of the next term; left out, the old one with -R behind it."
    )
    term_years: int | None = strawberry.field(default=UNSET, description="The next term in years.")
    schedule: Schedule | None = strawberry.field(default=UNSET, description="When the instalments are issued.")
    custom: list[CustomInstalmentInput] | None = strawberry.field(
        default=UNSET, description="The instalments of a CUSTOM schedule, in order of their dates."
    )


def placed(refused: Refused, given: Any) -> Refused:
    """Return a refusal of a contract's terms with its path as the client wrote them in `given`."""
    if refused.code not in (RefusalCode.CONTRACT_INVALID, RefusalCode.CURRENCY_MISMATCH):
        return refused
    return Refused(refused.code, refused.message, path(given, ".".join(refused.field)))
