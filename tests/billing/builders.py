"""What do the plans, seats and facts of the tests look like when nothing about them matters?"""

from datetime import UTC, datetime
from fractions import Fraction

from billing import contracts, plans, prices
from billing.invoices import Draft, Facts
from billing.limits import Counter, Gate, Limit, SpendLevel, TierScope
from billing.money import Money
from billing.periods import Period, first_months
from billing.plan_items import PlanItem, Texts
from billing.quantities import Quantity
from billing.rating import Direction, Rate, RateCard
from billing.seats import SeatInterval
from billing.usage import UsageTotal

UTC_ZONE = "UTC"
MAJOR = 10**9


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def a_month(text: str = "2026-10", time_zone: str = UTC_ZONE) -> Period:
    return first_months(at(f"{text}-15"), 1, time_zone)[0]


OCTOBER = a_month("2026-10")
NOVEMBER = a_month("2026-11")


def a_seat(
    member_id: str = "ann",
    start: str = "2026-10-01",
    end: str | None = None,
    *,
    tier: str | None = "chat",
    role: str = "member",
    billable: bool = True,
    add_ons: tuple[str, ...] = (),
) -> SeatInterval:
    return SeatInterval(member_id, role, billable, tier, add_ons, at(start), at(end) if end else None)


def some_seats(count: int, start: str = "2026-10-01", end: str | None = None, prefix: str = "m") -> list[SeatInterval]:
    return [a_seat(f"{prefix}{index:04}", start, end) for index in range(count)]


def tracker_month() -> tuple[SeatInterval, ...]:
    """245 users for 14 days, 270 for 7, 260 for 10: October 2026."""
    return (
        *some_seats(245),
        *some_seats(15, "2026-10-15", None, "b"),
        *some_seats(10, "2026-10-15", "2026-10-22", "c"),
    )


def graduated(*tiers: tuple[int | None, str]) -> prices.GraduatedPrice:
    return prices.GraduatedPrice(tuple(prices.tier(up_to, unit) for up_to, unit in tiers))


RUB_TIERS = graduated((100, "440"), (250, "400"), (None, "360"))
KZT_TIERS = graduated((100, "2200"), (250, "2000"), (None, "1800"))


def an_item(
    quantity: Quantity | None = None, price: prices.Price | None = None, *, key: str = "item", **policies: object
) -> PlanItem:
    name: Texts = {"en": key.capitalize(), "ru": f"{key} по-русски"}
    unit = prices.UnitPrice(Fraction(40))
    return PlanItem(key, name, quantity or plans.Seats(), price or unit, **policies)  # type: ignore[arg-type]


def a_plan(
    *items: PlanItem, currency: str = "USD", tax: str = "0", mode: plans.TaxMode = plans.TaxMode.EXCLUSIVE
) -> plans.Plan:
    tiers = (plans.SeatTier("chat", {"en": "Chat"}), plans.SeatTier("chat_code", {"en": "Chat + Code"}, ("chat",)))
    return plans.Plan("plan", 1, {"en": "Plan"}, currency, plans.Tax(mode, Fraction(tax)), tiers, items)


def tracker(price: prices.Price = RUB_TIERS, currency: str = "RUB") -> plans.Plan:
    item = an_item(
        plans.PeakSeats(),
        price,
        key="users",
        allowance=plans.Allowance(5, plans.AllowanceRule.CLIFF),
        quote_above=500,
        price_version="2026-1",
    )
    return a_plan(item, currency=currency, tax="20", mode=plans.TaxMode.INCLUSIVE)


def facts(plan: plans.Plan, **changes: object) -> Facts:
    known: dict[str, object] = {
        "plan": plan,
        "period": OCTOBER,
        "following": NOVEMBER,
        "time_zone": UTC_ZONE,
        "locale": "en",
        "seats": (),
        "usage": (),
        "contract": None,
        "service_start": at("2026-01-01"),
    }
    return Facts(**(known | changes))  # type: ignore[arg-type]


def a_card(version: str = "v1", effective_from: str = "2026-01-01") -> RateCard:
    rates = {
        ("sonnet", Direction.INPUT): Rate(Fraction(3), 1_000_000),
        ("sonnet", Direction.OUTPUT): Rate(Fraction(15), 1_000_000),
        ("opus", Direction.INPUT): Rate(Fraction(5), 1_000_000),
        ("opus", Direction.OUTPUT): Rate(Fraction(25), 1_000_000),
    }
    return RateCard(version, at(effective_from), rates)


def tokens(**policies: object) -> PlanItem:
    return an_item(plans.Usage("tokens"), prices.RateCardPrice((a_card(),)), key="tokens", **policies)


def a_total(
    member_id: str = "ann",
    model: str = "sonnet",
    direction: str = "INPUT",
    *,
    quantity: int = 1000,
    cost_nanos: int = 3_000_000,
    events: int = 1,
    version: str = "v1",
    meter: str = "tokens",
    tier: str = "chat",
) -> UsageTotal:
    return UsageTotal(member_id, tier, meter, model, direction, version, quantity, cost_nanos, events)


def a_limit(
    level: SpendLevel = SpendLevel.MEMBER,
    subject: str = "ann",
    cap: int = 200,
    *,
    scope: TierScope = TierScope.PER_MEMBER,
    version: int = 1,
) -> Limit:
    return Limit(f"limit-{level.lower()}-{subject}", level, subject, scope, cap * MAJOR, version)


def a_gate(level: SpendLevel, cap: int, spent: int, held: int = 0) -> Gate:
    limit = a_limit(level, "subject", cap)
    return Gate(level, "subject", limit, Counter(level, "subject", spent * MAJOR, held * MAJOR))


def a_contract(**changes: object) -> contracts.Contract:
    known: dict[str, object] = {
        "number": "C-7",
        "start": at("2026-01-01"),
        "end": at("2027-01-01"),
        "term_years": 1,
        "band_up_to": 500,
        "total": Money.parse("100000.00", "USD"),
        "schedule": contracts.Schedule.QUARTERLY,
    }
    return contracts.Contract(**(known | changes))  # type: ignore[arg-type]


def amounts(bill: Draft) -> list[tuple[str, str]]:
    return [(line.key, line.amount.amount) for line in bill.lines]


def a_fee(**policies: object) -> PlanItem:
    return an_item(plans.Flat(), prices.UnitPrice(Fraction(310)), key="fee", **policies)


def in_advance(**policies: object) -> PlanItem:
    known: dict[str, object] = {"proration": plans.DayCount.ACTUAL_EXCLUSIVE, "timing": plans.Timing.ADVANCE}
    return an_item(plans.Seats(), key="seats", **(known | policies))
