"""What did both sides sign, and how does use compare with it?"""

from collections.abc import Collection
from datetime import datetime
from functools import partial
from typing import Annotated

import strawberry

from billing import contracts as rules
from billing.contracts import Schedule
from billing.periods import to_microseconds
from billing.roles import Permission
from models import contracts as rows
from models.organizations import Organization
from models.paging import Window
from schema import prices
from schema.access import field
from schema.connections import After, Before, Connection, First, Last, Listing, page_of_loaded
from schema.context import Info
from schema.enums import mirror
from schema.money import Money
from schema.parties import BillTo, Contact
from schema.periods import Period
from schema.plan_items import Discount
from schema.prices import Price

mirror(
    Schedule,
    name="InstalmentSchedule",
    description="When the instalments of a contract are issued.",
    MONTHLY="Every month of the term.",
    QUARTERLY="Every three months of the term.",
    ANNUAL="Every year of the term.",
    CUSTOM="On the dates listed in the contract.",
)


@strawberry.type(description="One payment of a contract's term. Together they are the total, to the last minor unit.")
class Instalment:
    position: int = strawberry.field(description="Its place among the instalments, from 1.")
    amount: Money = strawberry.field(description="How much it is.")
    issue_at: datetime = strawberry.field(description="When its invoice is issued.")
    due_at: datetime = strawberry.field(description="Until when it is to be paid.")
    covers: Period = strawberry.field(description="The part of the term it pays for.")


@strawberry.type(description="Discounts of a contract on one item.")
class NegotiatedDiscounts:
    item_key: str = strawberry.field(description="The key of the plan item.")
    discounts: list[Discount] = strawberry.field(description="What is taken off, in this order.")

    @classmethod
    def of(cls, agreed: rules.NegotiatedDiscounts, locale: str) -> "NegotiatedDiscounts":
        """Return the discounts of an item."""
        return cls(item_key=agreed.item_key, discounts=[Discount.of(each, locale) for each in agreed.discounts])


@strawberry.type(description="A price of a contract.")
class NegotiatedPrice:
    item_key: str = strawberry.field(description="The key of the plan item.")
    price: Price = strawberry.field(description="How it is priced.")
    price_version: str = strawberry.field(description="The version by which invoices name the price.")

    @classmethod
    def of(cls, agreed: rules.NegotiatedPrice) -> "NegotiatedPrice":
        """Return the price of an item."""
        return cls(item_key=agreed.item_key, price=prices.price(agreed.price), price_version=agreed.price_version)


@strawberry.type(description="A reason to talk about a contract.")
class ContractReview:
    reason: str = strawberry.field(
        description="Why: BAND_CROSSED when more seats are in use than the band holds, QUARTERLY, or BEFORE_RENEWAL."
    )
    seats_used: int = strawberry.field(description="How many paid seats were in use.")
    band_up_to: int = strawberry.field(description="How many the band holds.")
    raised_at: datetime = strawberry.field(description="When the reason arose.")


@strawberry.type(description="A signed contract: a band of users for a term, at a fixed total.")
class Contract:
    number: str = strawberry.field(description="The number both sides know it by.")
    version: int = strawberry.field(description="The version; an amendment is the same number with a later one.")
    start: datetime = strawberry.field(description="The first instant of the term.")
    end: datetime = strawberry.field(description="The first instant after the term.")
    term_years: int = strawberry.field(description="How many years it runs before it ends or renews.")
    renewal_at: datetime | None = strawberry.field(description="When it is to be renewed.")
    band: int = strawberry.field(description="How many paid seats cost nothing more.")
    total: Money = strawberry.field(description="What the whole term costs.")
    schedule: Schedule = strawberry.field(description="When its instalments are issued.")
    instalments: list[Instalment] = strawberry.field(description="The payments of the term, in order.")
    net_terms_days: int = strawberry.field(description="How many days after its issue an invoice is due.")
    purchase_order: str | None = strawberry.field(description="The purchase order named on its invoices.")
    bill_to: BillTo | None = strawberry.field(description="The legal entity that pays.")
    tax_id: str | None = strawberry.field(description="The tax number of that entity.")
    account_manager: Contact | None = strawberry.field(description="The person to call.")
    support_response_time: str | None = strawberry.field(description="How fast support is bound to answer.")
    commitment: Money | None = strawberry.field(
        description="The least that is billed for a month, in the place of the plan's; null for what the plan says."
    )
    discounts: list[Discount] = strawberry.field(
        description="What is taken off everything that is billed, in the place of the plan's."
    )
    item_discounts: list[NegotiatedDiscounts] = strawberry.field(
        description="What is taken off single items, in the place of the plan's."
    )
    prices: list[NegotiatedPrice] = strawberry.field(description="The prices that take the place of the plan's.")
    effective_at: datetime = strawberry.field(description="From when this version is in force.")
    recorded_at: datetime = strawberry.field(description="When this version was put on record.")
    owner: strawberry.Private[Organization]

    @field(description="How many paid seats are in use now.", requires=Permission.SEATS_READ)
    async def seats_used(self, info: Info) -> int:
        return await info.context.loaders.paid_seats.load(self.owner.organization_id)

    @field(description="The reasons that arose to talk about it, oldest first.", requires=None)
    async def reviews(self, info: Info) -> list[ContractReview]:
        found = await info.context.loaders.reviews.load((self.owner.organization_id, self.number))
        return [
            ContractReview(
                reason=row.reason,
                seats_used=row.seats_used,
                band_up_to=row.band_up_to,
                raised_at=row.raised_at,
            )
            for row in found or ()
        ]

    @field(
        description="Every version of this term's contract, oldest first: what was signed, and each amendment.",
        requires=None,
    )
    async def versions(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Annotated["Contract", strawberry.lazy("schema.contracts")]]:
        organization_id = self.owner.organization_id
        history = await info.context.loaders.contract_versions.load(organization_id)
        found = [row for row in history if row.starts_at == self.start]
        listing = Listing("contractVersions", f"{organization_id}.{self.start.isoformat()}")
        return _listed(listing, listing.window(first, after, last, before), found, self.owner)

    @classmethod
    def of(cls, owner: Organization, row: rows.Contract) -> "Contract":
        """Return the contract in a row."""
        contract, manager = row.as_rule(), row.as_rule().account_manager
        return cls(
            number=contract.number,
            version=contract.version,
            start=contract.start,
            end=contract.end,
            term_years=contract.term_years,
            renewal_at=contract.renewal_at,
            band=contract.band_up_to,
            total=Money.of(contract.total, owner.locale),
            schedule=contract.schedule,
            instalments=[_instalment(each, owner) for each in rules.instalments(contract, owner.time_zone)],
            net_terms_days=contract.net_terms_days,
            purchase_order=contract.purchase_order,
            bill_to=BillTo.of_contract(contract),
            tax_id=contract.bill_to.tax_id if contract.bill_to else None,
            account_manager=Contact(name=manager.name, email=manager.email) if manager else None,
            support_response_time=contract.support_response_time,
            commitment=Money.of(contract.commitment, owner.locale) if contract.commitment else None,
            discounts=[Discount.of(each, owner.locale) for each in contract.discounts],
            item_discounts=[NegotiatedDiscounts.of(each, owner.locale) for each in contract.item_discounts],
            prices=[NegotiatedPrice.of(each) for each in contract.prices],
            effective_at=row.effective_at,
            recorded_at=row.recorded_at,
            owner=owner,
        )


@strawberry.type
class ContractOfOrganization:
    """The part of an organization that is about its contract."""

    owner: strawberry.Private[Organization]

    @field(
        description="The contract in force, or else the next to begin; null where there is none.",
        requires=Permission.PLAN_READ,
    )
    async def contract(self, info: Info) -> Contract | None:
        row = await info.context.loaders.contract.load(self.owner.organization_id)
        return Contract.of(self.owner, row) if row else None

    @field(
        description="The contracts of all terms as they were last amended, oldest first: past, running and renewed.",
        requires=Permission.PLAN_READ,
    )
    async def contracts(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Contract]:
        organization_id = self.owner.organization_id
        history = await info.context.loaders.contract_versions.load(organization_id)
        newest = {row.starts_at: row for row in history}  # versions of one term rise
        listing = Listing("contracts", organization_id)
        return _listed(listing, listing.window(first, after, last, before), newest.values(), self.owner)


def _listed(
    listing: Listing, window: Window, found: Collection[rows.Contract], owner: Organization
) -> Connection[Contract]:
    async def count() -> int:
        return len(found)

    return listing.connection(
        page_of_loaded(found, window, key=_place), key=_place, node=partial(Contract.of, owner), count=count
    )


def _place(row: rows.Contract) -> str:
    return f"{to_microseconds(row.starts_at):020}.{row.version:06}"


def _instalment(each: rules.Instalment, owner: Organization) -> Instalment:
    return Instalment(
        position=each.position,
        amount=Money.of(each.amount, owner.locale),
        issue_at=each.issue_at,
        due_at=each.due_at,
        covers=Period.of(each.covers, owner.time_zone),
    )
