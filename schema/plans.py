"""What does an organization buy, and at which prices?"""

from datetime import datetime

import strawberry

from billing import plans as rules
from billing.money import decimal_text
from billing.prices import QuoteRequired
from billing.roles import Permission
from billing.taxes import Tax, TaxBase, TaxMode, TaxRounding
from models import exemptions
from models import plans as rows
from models.organizations import Organization
from schema import prices
from schema.access import field
from schema.context import Info
from schema.money import Money
from schema.plan_items import Discount, PlanItem
from schema.prices import Price
from schema.scalars import DecimalText, ExactText, Long
from schema.seats import SeatTier
from services.terms import Terms

LIST_PRICES_MAX = 50


@strawberry.type(description="The tax on everything a plan bills.")
class TaxTerms:
    mode: TaxMode = strawberry.field(description="Whether prices contain the tax.")
    percent: DecimalText = strawberry.field(description="The rate in percent; an item may have one of its own.")
    base: TaxBase = strawberry.field(description="What the tax is worked out on.")
    rounding: TaxRounding = strawberry.field(description="Where the tax is rounded.")
    exemption: str | None = strawberry.field(description="Why this customer owes no tax; null for one that does.")

    @classmethod
    def of(cls, tax: Tax) -> "TaxTerms":
        """Return the tax of a plan."""
        return cls(
            mode=tax.mode,
            percent=DecimalText(decimal_text(tax.percent)),
            base=tax.base,
            rounding=tax.rounding,
            exemption=tax.exemption,
        )


@strawberry.type(description="A certificate by which an organization owes no tax. The seller accepts it, nobody else.")
class TaxExemption:
    certificate: str = strawberry.field(description="The number of the certificate.")
    jurisdiction: str = strawberry.field(description="Where it counts, such as a country.")
    reason: str = strawberry.field(description="Why no tax is owed, as invoices state it.")
    valid_from: datetime = strawberry.field(description="The first instant at which it is valid.")
    valid_until: datetime | None = strawberry.field(
        description="The first instant at which it is not; null without end."
    )
    recorded_at: datetime = strawberry.field(description="When the seller put it on record.")
    in_force: bool = strawberry.field(description="Whether it is valid now.")


@strawberry.type(description="The version of a plan that an organization is on.")
class Plan:
    key: str = strawberry.field(description="The stable name of the plan.")
    version: int = strawberry.field(description="The version; one that was ever sold is never edited.")
    name: str = strawberry.field(description="The name in the organization's language.")
    currency: str = strawberry.field(description="The ISO 4217 code of the currency it is priced in.")
    tax: TaxTerms = strawberry.field(description="The tax on everything it bills.")
    tiers: list[SeatTier] = strawberry.field(description="The kinds of seats on offer.")
    items: list[PlanItem] = strawberry.field(description="What it charges for.")
    discounts: list[Discount] = strawberry.field(
        description="What is taken off everything it bills, in this order; those of the contract, where it has any."
    )
    commitment: Money | None = strawberry.field(
        description="The least it bills for a month; the contract's, where it has one. Null for nothing."
    )

    @classmethod
    def of(cls, plan: rules.Plan, locale: str) -> "Plan":
        """Return a plan as clients see it."""
        return cls(
            key=plan.key,
            version=plan.version,
            name=rules.text(plan.name, locale),
            currency=plan.currency,
            tax=TaxTerms.of(plan.tax),
            tiers=[SeatTier.of(tier, locale) for tier in plan.tiers],
            items=[PlanItem.of(item, locale) for item in plan.items],
            discounts=[Discount.of(each, locale) for each in plan.discounts],
            commitment=Money.of(plan.commitment, locale) if plan.commitment else None,
        )


@strawberry.type(description="A plan that takes over at an instant to come.")
class ScheduledPlan:
    plan: Plan = strawberry.field(description="The plan, at the prices in force then.")
    effective_at: datetime = strawberry.field(description="From when it is in force.")


@strawberry.type(description="A version of a plan's list prices in one currency.")
class ListPrices:
    version: int = strawberry.field(description="The version of the plan that has these prices.")
    effective_at: datetime = strawberry.field(description="From when who subscribes or changes plan gets them.")
    published_at: datetime = strawberry.field(description="When they were put on the list.")
    on_offer: bool = strawberry.field(description="Whether they are what a new subscription gets now.")
    subscribed: bool = strawberry.field(description="Whether they are what this organization pays by now.")
    plan: Plan = strawberry.field(description="The plan at these prices.")


@strawberry.type(description="The price of one item.")
class ItemPrice:
    item_key: str = strawberry.field(description="The key of the plan item.")
    item_name: str = strawberry.field(description="The name of the item in the organization's language.")
    price: Price = strawberry.field(description="How it is priced.")
    price_version: str = strawberry.field(
        description="Under which version the price is listed; it never changes once published."
    )
    negotiated: bool = strawberry.field(description="Whether the contract put this price in the place of the plan's.")


@strawberry.type(description="Every price an organization pays, in its currency, negotiated ones included.")
class PriceBook:
    currency: str = strawberry.field(description="The ISO 4217 code of the currency.")
    tax: TaxTerms = strawberry.field(description="The tax on these prices, or in them.")
    prices: list[ItemPrice] = strawberry.field(description="The prices, item by item.")

    @classmethod
    def of(cls, terms: Terms, locale: str) -> "PriceBook":
        """Return the prices in force."""
        negotiated = {each.item_key for each in terms.contract.prices} if terms.contract else set()
        return cls(
            currency=terms.plan.currency,
            tax=TaxTerms.of(terms.plan.tax),
            prices=[
                ItemPrice(
                    item_key=item.key,
                    item_name=rules.text(item.name, locale),
                    price=prices.price(item.price),
                    price_version=item.price_version,
                    negotiated=item.key in negotiated,
                )
                for item in terms.plan.items
            ],
        )


@strawberry.type(description="A quantity above the price list: the terms are individual.")
class ItemQuote:
    item_key: str = strawberry.field(description="Which item of the plan it is, by key.")
    quantity: ExactText = strawberry.field(description="The quantity asked for or counted.")
    above: Long = strawberry.field(description="The highest quantity that has a list price.")

    @classmethod
    def of(cls, item_key: str, required: QuoteRequired) -> "ItemQuote":
        """Return what needs a quote."""
        return cls(item_key=item_key, quantity=ExactText(decimal_text(required.quantity)), above=Long(required.above))


@strawberry.type
class PlanOfOrganization:
    """The part of an organization that is about what it buys."""

    owner: strawberry.Private[Organization]

    @field(description="The plan in force, null before there is one.", requires=Permission.PLAN_READ)
    async def plan(self, info: Info) -> Plan | None:
        terms = await info.context.loaders.in_force.load(self.owner.organization_id)
        return Plan.of(terms.plan, self.owner.locale) if terms else None

    @field(description="The certificates by which no tax is owed, the earliest first.", requires=Permission.PLAN_READ)
    async def tax_exemptions(self, info: Info) -> list[TaxExemption]:
        at = info.context.at(self.owner)
        return [
            TaxExemption(
                certificate=row.certificate,
                jurisdiction=row.jurisdiction,
                reason=row.reason,
                valid_from=row.valid_from,
                valid_until=row.valid_until,
                recorded_at=row.recorded_at,
                in_force=row.holds(at),
            )
            for row in await exemptions.of_organization(info.context.reader, self.owner.organization_id)
        ]

    @field(description="The next plan, where a change is scheduled; null where none is.", requires=Permission.PLAN_READ)
    async def scheduled_plan(self, info: Info) -> ScheduledPlan | None:
        timeline = await info.context.loaders.timeline.load(self.owner.organization_id)
        terms = timeline.next_after(info.context.at(self.owner))
        if terms is None:
            return None
        return ScheduledPlan(plan=Plan.of(terms.plan, self.owner.locale), effective_at=terms.since)

    @field(
        description=f"The list prices of the plan in force, in the organization's currency, newest first, at most "
        f"{LIST_PRICES_MAX}. A later version changes nothing until the organization moves to it: changePlan with the "
        "key of its own plan does that.",
        requires=Permission.PLAN_READ,
    )
    async def list_prices(self, info: Info) -> list[ListPrices]:
        terms = await info.context.loaders.in_force.load(self.owner.organization_id)
        if terms is None:
            return []
        key, currency, reader = terms.plan.key, self.owner.currency, info.context.reader
        offered = await rows.on_offer(reader, key, currency, at=info.context.at(self.owner))
        return [
            ListPrices(
                version=row.version,
                effective_at=row.effective_at,
                published_at=row.published_at,
                on_offer=offered is not None and row.version == offered.version,
                subscribed=row.version == terms.plan.version,
                plan=Plan.of(row.as_rule(), self.owner.locale),
            )
            for row in await rows.versions(reader, key, currency, limit=LIST_PRICES_MAX)
        ]

    @field(description="Every price in force, null before there is a plan.", requires=Permission.PLAN_READ)
    async def price_book(self, info: Info) -> PriceBook | None:
        terms = await info.context.loaders.in_force.load(self.owner.organization_id)
        return PriceBook.of(terms, self.owner.locale) if terms else None
