"""Does a quantity cost what its price says?"""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import prices, rating
from billing.prices import (
    Band,
    BandPrice,
    BeyondLast,
    BeyondLastTier,
    FlatAtZero,
    GraduatedPercentagePrice,
    GraduatedPrice,
    InvalidPrice,
    PackagePrice,
    PackageRounding,
    PercentagePrice,
    PercentTier,
    QuoteRequired,
    RateCardPrice,
    Tier,
    TierBound,
    TierMeasure,
    UnitPrice,
    VolumePrice,
    charge,
    charge_events,
    tier,
)
from tests.billing.builders import KZT_TIERS, RUB_TIERS, a_card, at, graduated

LAGO_VOLUME = VolumePrice((tier(100, "2", "10"), tier(200, "1"), tier(None, "0.5", "50")))
OPENMETER = (tier(5, "0", "100"), tier(10, "0", "50"), tier(15, "10"), tier(None, "5"))


@pytest.mark.parametrize(
    ("price", "quantity", "amount"),
    [
        # the tracker's published table
        (RUB_TIERS, 6, "2640"),
        (RUB_TIERS, 100, "44000"),
        (RUB_TIERS, 101, "44400"),
        (RUB_TIERS, 250, "104000"),
        (RUB_TIERS, 251, "104360"),
        (RUB_TIERS, 270, "111200"),
        (RUB_TIERS, 500, "194000"),
        (KZT_TIERS, 270, "556000"),
        # Stripe's graduated example
        (graduated((5, "7"), (10, "6.50"), (None, "6")), 6, "41.50"),
        (graduated((5, "7"), (10, "6.50"), (None, "6")), 25, "157.50"),
        # Flexprice, Autumn, Polar
        (graduated((10, "50"), (20, "40"), (None, "30")), 15, "700"),
        (graduated((1000, "0.01"), (10000, "0.008"), (None, "0.005")), 15000, "107"),
        (graduated((50, "0"), (100, "20"), (200, "17.50"), (None, "15")), 143, "1752.50"),
        # OpenMeter: flat fees are owed when a tier is entered
        (GraduatedPrice(OPENMETER, flat_at_zero=FlatAtZero.CHARGED), 0, "100"),
        (GraduatedPrice(OPENMETER), 0, "0"),
        (GraduatedPrice(OPENMETER), 3, "100"),
        (GraduatedPrice(OPENMETER), 22, "235"),
        (VolumePrice(OPENMETER, flat_at_zero=FlatAtZero.CHARGED), 0, "100"),
        (VolumePrice(OPENMETER), 15, "150"),
        (VolumePrice(OPENMETER), 16, "80"),
        # Lago
        (LAGO_VOLUME, 1, "12"),
        (LAGO_VOLUME, 100, "210"),
        (LAGO_VOLUME, Fraction("100.5"), "100.5"),
        (LAGO_VOLUME, 200, "200"),
        (LAGO_VOLUME, 210, "155"),
        (UnitPrice(Fraction("5.12345")), 10, "51.2345"),
        (PackagePrice(10, Fraction(100)), 121, "1300"),
        (PackagePrice(100, Fraction(1)), 0, "0"),
        (PackagePrice(100, Fraction(1)), 100, "1"),
        (PackagePrice(100, Fraction(1), 100), 101, "1"),
        (PackagePrice(100, Fraction(1), rounding=PackageRounding.DOWN), 250, "2"),
        # bands
        (BandPrice((Band(100, Fraction(900)), Band(500, Fraction(3000)))), 101, "3000"),
        (BandPrice((Band(100, Fraction(900)), Band(None, Fraction(3000)))), 10**6, "3000"),
        (BandPrice((Band(100, Fraction(900)),), BeyondLast.STAY), 101, "900"),
        # percentages
        (PercentagePrice(Fraction("1.3"), Fraction(2)), 100, "3.3"),
        (PercentagePrice(Fraction("1.3"), Fraction(2)), 0, "0"),
    ],
)
def test_costs_what_the_table_says(price, quantity, amount):
    assert charge(price, quantity).exact == Fraction(amount)


def test_shows_the_step_of_each_tier():
    steps = charge(RUB_TIERS, 270).steps

    assert [step.amount for step in steps] == [44_000, 60_000, 7_200]
    assert [(step.quantity, step.unit_amount) for step in steps] == [(100, 440), (150, 400), (20, 360)]


@pytest.mark.parametrize(("quantity", "amount"), [(1, "200.01"), (11, "500.12")])
def test_takes_each_tier_s_percentage_of_what_is_inside_it(quantity, amount):
    rows = (("1", "200", 10), ("2", "300", 20), ("3", "400", None))
    price = GraduatedPercentagePrice(
        tuple(PercentTier(up_to, Fraction(percent), Fraction(flat)) for percent, flat, up_to in rows)
    )

    assert charge(price, quantity).exact == Fraction(amount)


@pytest.mark.parametrize(
    ("free_events", "free_units", "amount"),
    [(3, "250", "11.15"), (3, None, "7.2"), (None, "250", "11.15"), (0, None, "18.4"), (None, "800", "0")],
)
def test_whichever_free_allowance_ends_first_ends_both(free_events, free_units, amount):
    price = PercentagePrice(
        Fraction("1.3"), Fraction(2), free_events, None if free_units is None else Fraction(free_units)
    )

    found = charge_events(price, [Fraction(each) for each in (50, 100, 250, 400)])

    assert found.exact == Fraction(amount)


def test_keeps_the_fee_of_each_event_within_its_bounds():
    price = PercentagePrice(Fraction("2.99"), minimum=Fraction("1.75"), maximum=Fraction(12))

    found = charge_events(price, [Fraction(10), Fraction(80), Fraction(10_000)])

    assert found.exact == Fraction("16.142")
    assert sum(step.amount for step in found.steps) == found.exact


def test_the_bound_policy_decides_the_tier_on_the_bound():
    rows = (tier(100, "2"), tier(None, "1", "5"))

    assert charge(VolumePrice(rows), 100).exact == 200
    assert charge(VolumePrice(rows, TierBound.EXCLUSIVE), 100).exact == 105
    assert charge(GraduatedPrice(rows), 100).exact == 200
    assert charge(GraduatedPrice(rows, TierBound.EXCLUSIVE), 100).exact == 205


def test_tiers_are_measured_by_upper_bound_or_by_width():
    rows = (tier(100, "2"), tier(100, "1"), tier(None, "0"))

    assert charge(GraduatedPrice(rows, measure=TierMeasure.BY_WIDTH), 250).exact == 300
    with pytest.raises(InvalidPrice, match=r"tiers.1.up_to: 100 must be above 100"):
        GraduatedPrice(rows)


def test_above_a_closed_last_tier_it_stays_or_refuses():
    rows = (tier(10, "5"),)

    assert charge(GraduatedPrice(rows), 11).exact == 55
    assert charge(VolumePrice(rows), 11).exact == 55
    assert charge(GraduatedPrice(rows, beyond=BeyondLast.ERROR), 10).exact == 50
    assert charge(VolumePrice(rows, beyond=BeyondLast.ERROR), 10).exact == 50
    with pytest.raises(BeyondLastTier, match="quantity 11 is above the last tier, which ends at 10"):
        charge(VolumePrice(rows, beyond=BeyondLast.ERROR), 11)
    with pytest.raises(BeyondLastTier):
        charge(BandPrice((Band(10, Fraction(5)),)), 11)
    with pytest.raises(BeyondLastTier):
        charge(VolumePrice(rows, TierBound.EXCLUSIVE, beyond=BeyondLast.ERROR), 10)


def test_asks_for_a_quote_above_the_price_list():
    assert prices.quote(RUB_TIERS, Fraction(501), above=500) == QuoteRequired(Fraction(501), 500)
    assert prices.quote(RUB_TIERS, Fraction(500), above=500) == charge(RUB_TIERS, 500)
    assert prices.quote(RUB_TIERS, Fraction(501), above=None) == charge(RUB_TIERS, 501)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: UnitPrice(Fraction(-1)), "unit"),
        (lambda: UnitPrice(1.5), "unit"),
        (lambda: UnitPrice(Fraction(1, 3)), "unit"),
        (lambda: UnitPrice(Fraction(10**18)), "unit"),
        (lambda: GraduatedPrice(()), "tiers"),
        (lambda: VolumePrice((tier(1, "1"),) * 101), "tiers"),
        (lambda: GraduatedPrice((tier(None, "1"), tier(5, "1"))), "tiers.0.up_to"),
        (lambda: GraduatedPrice((tier(5, "1"), tier(4, "1"))), "tiers.1.up_to"),
        (lambda: GraduatedPrice((tier(0, "1"),)), "tiers.0.up_to"),
        (lambda: GraduatedPrice((Tier(1.5, Fraction(1)),)), "tiers.0.up_to"),
        (lambda: VolumePrice((tier(5, "1"), tier(None, "-1"))), "tiers.1.unit"),
        (lambda: VolumePrice((tier(5, "1", "-1"),)), "tiers.0.flat"),
        (lambda: PackagePrice(0, Fraction(1)), "size"),
        (lambda: PackagePrice(1, Fraction(-1)), "amount"),
        (lambda: PackagePrice(1, Fraction(1), -1), "free_units"),
        (lambda: BandPrice((Band(1, Fraction(-1)),)), "bands.0.amount"),
        (lambda: BandPrice((Band(5, Fraction(1)), Band(5, Fraction(1)))), "bands.1.up_to"),
        (lambda: PercentagePrice(Fraction(-1)), "percent"),
        (lambda: PercentagePrice(Fraction(1), free_events=-1), "free_events"),
        (lambda: PercentagePrice(Fraction(1), free_units=Fraction(-1)), "free_units"),
        (lambda: PercentagePrice(Fraction(1), minimum=Fraction(2), maximum=Fraction(1)), "maximum"),
        (lambda: GraduatedPercentagePrice((PercentTier(1, Fraction(-1)),)), "tiers.0.percent"),
        (lambda: RateCardPrice(()), "cards"),
        (lambda: RateCardPrice((a_card("v2"), a_card("v1"))), "cards"),
        (lambda: charge(UnitPrice(Fraction(1)), -1), "quantity"),
    ],
)
def test_names_the_field_that_makes_no_price(make, field):
    with pytest.raises(InvalidPrice) as refused:
        make()

    assert refused.value.field == field
    assert str(refused.value) == f"{field}: {refused.value.message}"


def test_rates_by_the_card_in_force():
    cards = (
        a_card("old", "2026-01-01"),
        rating.RateCard(
            "new",
            at("2026-06-01"),
            {
                ("sonnet", rating.Direction.INPUT): rating.Rate(Fraction(6), 1_000_000),
            },
        ),
    )

    def cost(day):
        return rating.rate(cards, "sonnet", rating.Direction.INPUT, 1_000_000, at(day), "USD")

    assert cost("2026-05-31 23:59:59") == rating.Rated(3 * 10**9, "old", Fraction(3_000))
    assert cost("2026-06-01") == rating.Rated(6 * 10**9, "new", Fraction(6_000))


@pytest.mark.parametrize(
    ("model", "direction", "day", "error", "message"),
    [
        ("haiku", "INPUT", "2026-05-01", rating.UnknownModel, r"'haiku' \(INPUT\).*2026-05-01"),
        ("sonnet", "INPUT", "2025-05-01", rating.UnknownModel, r"'sonnet'.*2025-05-01"),
        ("sonnet", "CACHE_READ", "2026-05-01", rating.NoRate, "'sonnet' has no CACHE_READ rate.*2026-05-01"),
    ],
)
def test_names_the_rate_that_is_missing(model, direction, day, error, message):
    with pytest.raises(error, match=message):
        rating.rate((a_card(),), model, rating.Direction(direction), 1, at(day), "USD")


@pytest.mark.parametrize(
    ("models", "known"), [(("b", "a"), "has a, b$"), (tuple("gfedcba"), "has a, b, c, d, e and 2 more$")]
)
def test_names_some_of_the_models_that_are_priced(models, known):
    rates = {(model, direction): rating.Rate(Fraction(1), 1) for model in models for direction in rating.Direction}
    card = rating.RateCard("v1", at("2026-01-01"), rates)

    with pytest.raises(rating.UnknownModel, match=f"; the one in force {known}"):
        rating.rate((card,), "h", rating.Direction.INPUT, 1, at("2026-01-01"), "USD")


def test_rounds_each_event_once_half_away_from_zero():
    card = rating.RateCard("v1", at("2026-01-01"), {("m", rating.Direction.INPUT): rating.Rate(Fraction("0.5"), 10**9)})

    costs = [
        rating.rate((card,), "m", rating.Direction.INPUT, quantity, at("2026-01-01"), "USD").cost_nanos
        for quantity in (0, 1, 2, 3)
    ]

    assert costs == [0, 1, 1, 2]


def test_refuses_rates_out_of_bounds():
    key = ("m", rating.Direction.INPUT)
    dear = rating.RateCard("v1", at("2026-01-01"), {key: rating.Rate(Fraction(10**6), 1)})

    for make in (
        lambda: rating.Rate(Fraction(-1), 1),
        lambda: rating.Rate(1.5, 1),
        lambda: rating.Rate(Fraction(1), 0),
        lambda: rating.RateCard("", at("2026-01-01"), {}),
        lambda: rating.rate((dear,), *key, -1, at("2026-01-01"), "USD"),
        lambda: rating.rate((dear,), *key, 10**15 + 1, at("2026-01-01"), "USD"),
        lambda: rating.rate((dear,), *key, 10**15, at("2026-01-01"), "USD"),
    ):
        with pytest.raises(rating.InvalidRate):
            make()


@st.composite
def tier_tables(draw):
    bounds = sorted(draw(st.sets(st.integers(1, 500), min_size=1, max_size=5)))
    units = draw(st.lists(st.integers(0, 10_000), min_size=len(bounds) + 1, max_size=len(bounds) + 1))
    return GraduatedPrice(
        tuple(Tier(up_to, Fraction(unit, 100)) for up_to, unit in zip((*bounds, None), units, strict=True))
    )


@given(price=tier_tables(), quantity=st.integers(0, 600))
def test_one_more_unit_never_lowers_a_graduated_bill(price, quantity):
    assert charge(price, quantity + 1).exact >= charge(price, quantity).exact


@given(price=tier_tables(), nudge=st.integers(1, 10**6))
def test_a_graduated_bill_does_not_jump_at_a_bound(price, nudge):
    dearest = max(row.unit for row in price.tiers)
    step = Fraction(1, nudge)

    for row in price.tiers[:-1]:
        rise = charge(price, row.up_to + step).exact - charge(price, row.up_to).exact
        assert 0 <= rise <= dearest * step


@given(price=tier_tables(), quantity=st.integers(0, 600))
def test_the_steps_add_up_to_quantity_and_charge(price, quantity):
    found = charge(price, quantity)

    assert sum(step.quantity for step in found.steps) == quantity
    assert sum(step.amount for step in found.steps) == found.exact


@given(quantities=st.lists(st.integers(0, 10**6), min_size=1, max_size=8))
def test_one_rate_costs_the_sum_of_its_events_within_half_a_nano_each(quantities):
    card, launch = a_card(), datetime(2026, 1, 1, tzinfo=UTC)
    apart = [rating.rate((card,), "opus", rating.Direction.INPUT, each, launch, "USD") for each in quantities]

    exact = apart[0].unit_nanos * sum(quantities)

    assert abs(sum(each.cost_nanos for each in apart) - exact) <= Fraction(len(quantities), 2)
