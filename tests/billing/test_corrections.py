"""What becomes of usage that is corrected after its month was billed?"""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from billing import corrections
from billing.corrections import Adjustment, Reason
from billing.invoices import draft
from billing.money import NANOS_PER_MAJOR
from tests.billing.builders import a_fee, a_plan, a_total, amounts, facts, tokens


def an_adjustment(
    member="ann", *, reason=Reason.CORRECTED, quantity=1_000, cost=3_000_000, origin="2026-09", invoice="INV-7"
):
    return Adjustment(reason, member, "tokens", "sonnet", "INPUT", "v1", quantity, cost, 1, origin, invoice)


def test_a_correction_is_a_line_of_the_next_invoice_that_names_the_original():
    wrong = (an_adjustment(cost=-(10**9)), an_adjustment("bob", cost=2 * 10**9))

    bill = draft(facts(a_plan(tokens(), a_fee()), adjustments=wrong, usage=(a_total(cost_nanos=10**9),)))

    line = bill.lines[-1]
    assert amounts(bill) == [
        ("tokens/sonnet/INPUT/v1", "1.00"),
        ("fee", "310.00"),
        ("tokens/corrected/2026-09/sonnet/INPUT/v1", "1.00"),
    ]
    assert line.description == "Tokens: sonnet, input, correction of 2026-09 (invoice INV-7)"
    assert dict(line.explanation.sources[0].facts)["invoice"] == "INV-7"
    assert [(share.member_id, share.amount.amount) for share in line.shares] == [("ann", "-1.00"), ("bob", "2.00")]


def test_late_usage_is_told_from_corrected_usage():
    late = an_adjustment(reason=Reason.LATE, cost=10**9, invoice=None)

    bill = draft(facts(a_plan(tokens()), adjustments=(late, an_adjustment(quantity=0, cost=10**9)), locale="id"))

    assert [line.description for line in bill.lines] == [
        "Tokens: sonnet, masukan, pemakaian terlambat 2026-09 (faktur —)",
        "Tokens: sonnet, masukan, koreksi 2026-09 (faktur INV-7)",
    ]


@given(values=st.lists(st.integers(0, 10**10), min_size=2, max_size=8), seed=st.randoms(use_true_random=False))
def test_corrections_in_any_order_add_up_to_the_last_value(values, seed):
    steps = [an_adjustment(quantity=after - before, cost=after - before) for before, after in pairwise(values)]
    seed.shuffle(steps)

    lines = corrections.priced(tokens(), steps, currency="USD", locale="en")

    exact = Fraction(values[-1] - values[0], NANOS_PER_MAJOR)
    assert sum(line.exact for line in lines) == exact
    assert abs(sum(line.amount.exact for line in lines) - exact) <= Fraction(1, 200)
