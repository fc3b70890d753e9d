"""A price that is worked out once for many events prices each of them as the rules do."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.conversions import Conversion
from billing.plan_items import PlanItem
from billing.plans import Usage
from billing.prices import RateCardPrice, UnitPrice
from billing.rating import QUANTITY_MAX, Direction, Rate, RateCard
from models.database import Database
from services import seats
from services.event_prices import Cost, Price, cost_of, unit_nanos
from services.usage import EventRecorded
from services.usage_facts import UsageFact
from tests.services.books import START, a_use, books

AMOUNTS = st.decimals(0, 1_000, places=9).map(Fraction)
QUANTITIES = st.integers(0, 10**9) | st.integers(0, QUANTITY_MAX)
FACTORS = st.decimals(1, 1_000, places=3).map(Fraction)
LINEAR = st.none() | st.builds(Conversion, FACTORS, FACTORS)


def a_card(amount: Fraction, per: int) -> RateCardPrice:
    rates = {("atlas", Direction.INPUT): Rate(amount, per)}
    return RateCardPrice((RateCard("v", datetime(2026, 1, 1, tzinfo=UTC), rates),))


@st.composite
def items(draw: st.DrawFn) -> PlanItem:
    if draw(st.booleans()):
        return PlanItem("u", {"en": "U"}, Usage("tokens"), a_card(draw(AMOUNTS), draw(st.integers(1, 10**6))))
    return PlanItem("u", {"en": "U"}, Usage("tokens", conversion=draw(LINEAR)), UnitPrice(draw(AMOUNTS)))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(items(), QUANTITIES)
def test_many_events_cost_what_each_would(item: PlanItem, quantity: int) -> None:
    fact = UsageFact("1", "bo", "tokens", "atlas", Direction.INPUT, quantity, START)
    exact = unit_nanos(item, fact)
    price = Price("s", "tokens", "atlas", "INPUT", "v", exact.numerator, exact.denominator)

    expected = cost_of(item, fact, "USD")

    assert not isinstance(expected, Cost) or price.nanos(quantity) == expected.nanos


async def test_each_event_is_priced_counted_and_placed_by_its_own_instant(database: Database) -> None:
    """One batch over the turn of a month and of a seat tier: each event where it belongs."""
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    november = datetime(2026, 11, 1, tzinfo=UTC)
    moments = [START + timedelta(hours=1), november - timedelta(microseconds=1), november]

    outcomes = await ours.use(*(a_use(str(at), bo, 1, at=at) for at in moments), at=november)

    assert all(isinstance(each, EventRecorded) for each in outcomes)
    assert (await ours.spent(bo, at=START))[bo] == 20_000
    assert (await ours.spent(bo, at=november))[bo] == 10_000


async def test_events_of_one_day_count_for_the_tier_of_their_instant_in_any_order(database: Database) -> None:
    ours = await books(database)
    bo = await ours.add("bo", tier="chat")
    noon, hour = START + timedelta(hours=12), timedelta(hours=1)
    await ours.do(seats.change_tier, seats.ChangeTier, at=noon, member_id=bo, tier="chat_code")
    moments = [noon + hour, noon - hour, noon, noon - 2 * hour, noon + 2 * hour]

    await ours.use(*(a_use(str(at), bo, 1, at=at) for at in moments), at=noon + 3 * hour)

    assert await ours.spent(tiers=("chat", "chat_code"), at=START) == {
        "organization": 50_000,
        "chat": 20_000,
        "chat_code": 30_000,
    }
