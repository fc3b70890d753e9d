"""Which tier does a unit belong to, by each named policy?"""

from fractions import Fraction

import pytest

from billing import price_documents, prices
from billing.plan_items import InvalidPlan
from billing.prices import (
    BeyondLast,
    BeyondLastTier,
    CapacityBand,
    CapacityPrice,
    GraduatedPrice,
    InvalidPrice,
    Tier,
    TierBound,
    TierMeasure,
    VolumePrice,
    charge,
    charge_capacity,
    tier,
)
from billing.reading import Reader

FLATS = (tier(5, "0", "100"), tier(10, "0", "50"), tier(None, "1", "20"))
LAGO = (tier(100, "2", "10"), tier(200, "1"), tier(None, "0.5", "50"))
HALF = (Tier(Fraction(1, 2), Fraction(9)), Tier(Fraction(3, 2), Fraction(5)), Tier(None, Fraction(1)))
BLOCKS = (
    Tier(1_000, Fraction(1), block=100),
    Tier(100_000, Fraction(1), block=1_000),
    Tier(100_000, Fraction(1, 2), block=1_000),
)
BANDS = (
    CapacityBand({"cores": 4, "disks": 10}, Fraction(10)),
    CapacityBand({"cores": 8, "disks": 20}, Fraction(20)),
)


@pytest.mark.parametrize(
    ("bound", "quantity", "amount"),
    [
        (TierBound.INCLUSIVE, "5", "100"),
        (TierBound.INCLUSIVE, "5.001", "150"),
        (TierBound.EXCLUSIVE, "4.999", "100"),
        (TierBound.EXCLUSIVE, "5", "150"),  # the next tier is entered, and only the next
        (TierBound.EXCLUSIVE, "10", "170"),
        (TierBound.ROUNDED_UP, "5", "100"),
        (TierBound.ROUNDED_UP, "5.001", "150"),
    ],
)
def test_the_bound_decides_which_flat_fees_are_owed(bound, quantity, amount):
    assert charge(GraduatedPrice(FLATS, bound), Fraction(quantity)).exact == Fraction(amount)


@pytest.mark.parametrize(
    ("price", "quantity", "amount"),
    [
        (VolumePrice(LAGO, TierBound.ROUNDED_UP), "100.5", "100.5"),
        (VolumePrice(LAGO, TierBound.ROUNDED_UP), "200.5", "150.25"),
        (VolumePrice(HALF, TierBound.INCLUSIVE), "0.4", "3.6"),
        (VolumePrice(HALF, TierBound.ROUNDED_UP), "0.4", "2"),  # the first unit is in the tier that holds 1
        (GraduatedPrice(HALF, TierBound.INCLUSIVE), "2", "10"),
        (GraduatedPrice(HALF, TierBound.ROUNDED_UP), "2", "6"),
    ],
)
def test_a_started_unit_is_in_the_tier_of_its_number(price, quantity, amount):
    assert charge(price, Fraction(quantity)).exact == Fraction(amount)


@pytest.mark.parametrize(
    ("price", "quantity", "amount"),
    [
        # polarsource/polar server/tests/product/test_tiers.py: past a bounded last tier the covered units are billed
        (GraduatedPrice((tier(10, "5"),), beyond=BeyondLast.UNBILLED), 15, 50),
        (VolumePrice((tier(5, "6"), tier(10, "5", "1")), beyond=BeyondLast.UNBILLED), 15, 51),
        (VolumePrice((tier(10, "5"),), TierBound.EXCLUSIVE, beyond=BeyondLast.UNBILLED), 10, 50),
        (GraduatedPrice(BLOCKS, measure=TierMeasure.BY_WIDTH, beyond=BeyondLast.UNBILLED), 300_000, 160),
    ],
)
def test_what_is_above_the_last_bound_may_be_left_out(price, quantity, amount):
    assert charge(price, quantity).exact == amount


@pytest.mark.parametrize("table", ["from_units 0", "from_units 1"])
def test_tables_may_say_where_a_tier_begins_in_both_ways(table):
    starts = {"from_units 0": ("0", "10", "20"), "from_units 1": ("1", "11", "21")}[table]
    rows = [{"from_units": start, "up_to": top, "unit": "1"} for start, top in zip(starts, (10, 20, None), strict=True)]

    found = price_documents.read(Reader({"model": "GRADUATED", "tiers": rows}, "", InvalidPlan))

    assert found == GraduatedPrice((tier(10, "1"), tier(20, "1"), tier(None, "1")))


@pytest.mark.parametrize(
    ("units", "top_tier", "all_tiers"),
    [(199, "2", "2"), (1_000, "10", "10"), (101_000, "101", "110"), (300_000, "150", "209.5")],
)
def test_blocks_are_whole_and_tiers_may_be_given_by_width(units, top_tier, all_tiers):
    volume, graduated = (kind(BLOCKS, measure=TierMeasure.BY_WIDTH) for kind in (VolumePrice, GraduatedPrice))

    assert charge(volume, units).exact == Fraction(top_tier)
    assert charge(graduated, units).exact == Fraction(all_tiers)


@pytest.mark.parametrize("bound", list(TierBound))
def test_beyond_the_last_bound_is_refused_where_the_price_says_so(bound):
    price = VolumePrice((tier(10, "5"),), bound, beyond=BeyondLast.ERROR)

    with pytest.raises(BeyondLastTier, match="quantity 11 is above the last tier, which ends at 10"):
        charge(price, 11)


@pytest.mark.parametrize(
    ("peaks", "amount"),
    [({"cores": 4, "disks": 10}, 10), ({"cores": 5}, 20), ({"cores": 1, "disks": 20}, 20), ({}, 10)],
)
def test_the_lowest_band_that_holds_every_peak_prices_all(peaks, amount):
    assert charge_capacity(CapacityPrice(BANDS), peaks).exact == amount


@pytest.mark.parametrize("peaks", [{"cores": 9}, {"lamps": 1}])
def test_a_peak_above_every_band_is_refused_or_stays_in_the_last(peaks):
    assert charge_capacity(CapacityPrice(BANDS, BeyondLast.STAY), peaks).exact == 20
    with pytest.raises(BeyondLastTier, match="above the last tier"):
        charge_capacity(CapacityPrice(BANDS), peaks)


def test_an_open_band_holds_everything():
    assert charge_capacity(CapacityPrice((*BANDS, CapacityBand(None, Fraction(30)))), {"lamps": 1}).exact == 30


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ((), "bands: 0 is outside 1 to 100"),
        ((CapacityBand(None, Fraction(1)), BANDS[0]), "bands.0.up_to: only the last band may be open"),
        ((BANDS[1], BANDS[0]), "bands.1.up_to.cores: 4 must be at least 8"),
        ((CapacityBand({"cores": -1}, Fraction(1)),), "bands.0.up_to.cores: -1 must be at least 0"),
        ((CapacityBand({"cores": 1}, Fraction(-1)),), "bands.0.amount: -1 is outside 0 to 1000000000000000000"),
    ],
)
def test_refuses_bands_that_make_no_sense(bands, message):
    with pytest.raises(InvalidPrice) as refused:
        CapacityPrice(bands)

    assert str(refused.value) == message


def test_refuses_blocks_of_nothing():
    with pytest.raises(InvalidPrice, match=r"tiers\.0\.block: 0 must be at least 1"):
        prices.GraduatedPrice((Tier(None, Fraction(1), block=0),))
