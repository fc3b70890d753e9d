"""Which laws hold for every price?"""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from billing import lines, plans, prices, rating
from billing.charges import Counted, charged
from billing.money import Money, allocate
from billing.plans import Usage
from billing.prices import GraduatedPrice, PackagePrice, Tier, TierBound, UnitPrice, VolumePrice, charge
from billing.rating import Direction, Rate, RateCard
from tests.billing.builders import an_item, at

cents = st.integers(0, 10**6).map(lambda value: Fraction(value, 100))
quantities = st.integers(0, 2_000).map(lambda value: Fraction(value, 4))


@st.composite
def tier_tables(draw, *, flats=False):
    """One to five tiers, the last of them open."""
    bounds = sorted(draw(st.sets(st.integers(1, 400), max_size=4)))
    flat = cents if flats else st.just(Fraction(0))
    return tuple(Tier(bound, draw(cents), draw(flat)) for bound in (*bounds, None))


@given(tiers=tier_tables(flats=True), quantity=quantities, more=quantities, bound=st.sampled_from(TierBound))
def test_one_more_unit_never_lowers_a_graduated_bill(tiers, quantity, more, bound):
    price = GraduatedPrice(tiers, bound)

    assert charge(price, quantity + more).exact >= charge(price, quantity).exact


@given(tiers=tier_tables(), bound=st.sampled_from((TierBound.INCLUSIVE, TierBound.EXCLUSIVE)))
def test_a_graduated_price_without_flat_fees_has_no_jump_at_a_bound(tiers, bound):
    price, step = GraduatedPrice(tiers, bound), Fraction(1, 10**9)

    for row, following in pairwise(tiers):
        below, on, above = (charge(price, row.up_to + shift).exact for shift in (-step, 0, step))
        assert (on - below, above - on) == (row.unit * step, following.unit * step)


@given(tiers=tier_tables(flats=True), quantity=quantities)
def test_the_steps_of_a_price_are_its_amount_and_its_quantity(tiers, quantity):
    for price in (GraduatedPrice(tiers), VolumePrice(tiers)):
        found = charge(price, quantity)

        assert sum(step.amount for step in found.steps) == found.exact
        assert sum(step.quantity for step in found.steps) == quantity
        assert all(step.quantity * step.unit_amount + step.flat_amount == step.amount for step in found.steps)


@given(
    price=st.one_of(
        tier_tables(flats=True).map(GraduatedPrice),
        tier_tables().map(VolumePrice),
        cents.map(UnitPrice),
        st.builds(PackagePrice, st.integers(1, 50), cents, st.integers(0, 20)),
    ),
    parts=st.lists(st.integers(1, 300), min_size=1, max_size=6),
)
def test_an_interval_billed_in_parts_is_the_bill_of_the_whole(price, parts):
    item = an_item(Usage("calls"), price, minimum=Money(1_00, "USD"), maximum=Money(9_000_00, "USD"))
    before, billed = Fraction(0), 0
    for part in parts:
        counted = Counted(Fraction(part), "call", (), before=before)
        made = lines.priced(item, counted, key="calls", currency="USD", locale="en")
        billed += sum(line.amount.minor for line in made)
        before += part

    whole = lines.priced(item, Counted(before, "call", ()), key="calls", currency="USD", locale="en")

    # each part is rounded once
    assert abs(billed - sum(line.amount.minor for line in whole)) <= len(parts)


@given(
    price=st.one_of(tier_tables().map(VolumePrice), cents.map(UnitPrice)),
    quantity=quantities,
    version=st.text("0v", min_size=1),
)
def test_rating_again_from_the_stored_version_gives_the_same_amount(price, quantity, version):
    item = an_item(Usage("calls"), price, key="calls", price_version=version)
    plan = plans.Plan("p", 1, {"en": "P"}, "USD", plans.Tax(plans.TaxMode.EXCLUSIVE, Fraction(0)), (), (item,))
    stored = plans.to_document(plan)

    again = plans.from_document(stored).item("calls")

    first, second = (charged(each, Counted(quantity, "call", ()), "USD") for each in (item, again))
    assert (first.amount, first.charge.steps, again.price_version) == (second.amount, second.charge.steps, version)


@given(
    amounts=st.lists(st.integers(0, 10**6), min_size=1, max_size=5),
    quantity=st.integers(0, 10**9),
    chosen=st.integers(0, 4),
)
def test_an_event_is_rated_again_by_the_card_of_its_day(amounts, quantity, chosen):
    cards = tuple(
        RateCard(f"v{month}", at(f"2026-{month:02}-01"), {("m", Direction.INPUT): Rate(Fraction(amount, 100), 10**6)})
        for month, amount in enumerate(amounts, 1)
    )
    card = cards[chosen % len(cards)]

    first = rating.rate(cards, "m", Direction.INPUT, quantity, card.effective_from, "USD")
    later = (*cards, replace(card, version="later", effective_from=at("2027-01-01")))

    assert rating.rate(later, "m", Direction.INPUT, quantity, card.effective_from, "USD") == first
    assert first.version == card.version


@given(total=st.integers(-(10**9), 10**9), weights=st.lists(st.integers(0, 1_000), min_size=1, max_size=30))
def test_allocation_is_exact_and_no_share_is_off_by_a_unit(total, weights):
    whole = sum(weights)
    if not whole:
        return

    parts = allocate(total, weights)

    assert sum(parts) == total
    assert all(abs(part - Fraction(total * weight, whole)) < 1 for part, weight in zip(parts, weights, strict=True))


@given(total=st.integers(-(10**6), 10**6), names=st.permutations(("a", "b", "c", "d", "e")))
def test_with_keys_the_order_given_has_no_say(total, names):
    parts = dict(zip(names, allocate(total, (1,) * 5, keys=names), strict=True))

    assert parts == dict(zip("abcde", allocate(total, (1,) * 5), strict=True))


def test_a_quote_is_required_for_what_comes_on_top_too():
    item = an_item(Usage("calls"), UnitPrice(Fraction(1)), quote_above=10)

    assert isinstance(charged(item, Counted(Fraction(6), "call", (), before=Fraction(5)), "USD"), prices.QuoteRequired)
