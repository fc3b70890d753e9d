"""Is a case that nobody can ask said to be one, rather than passed or crashed?"""

from dataclasses import replace
from typing import Any

import pytest

from tests.conformance import adapters
from tests.conformance.adapters import UNREAD
from tests.conformance.answers import Unsupported
from tests.conformance.cases_file import Case
from tests.conformance.comparing import REFUSED
from tests.conformance.house import House


def a_case(model: str, **given: Any) -> Case:
    return Case("own-1", "nobody", model, given, {"amount": "1"}, "")


@pytest.mark.parametrize(
    ("case", "says"),
    [
        (a_case("astrology", sign="virgo"), "'astrology' is known to no adapter"),
        (a_case("package", units=3), "'package_size' is not given"),
        (a_case("largest_remainder", amount="1", weights=7), "written in another way"),
        (a_case("credit_history", events=[["T1", "borrow", 5]]), "no event 'borrow'"),
        (a_case("reservation", limit="1", operations=[["steal", "r1"]]), "no operation"),
        (a_case("month_add_clamp", anchor="2026-01-31", interval="fortnight"), "written in another way"),
    ],
)
def test_says_what_it_cannot_ask(case: Case, says: str, house: House) -> None:
    with pytest.raises(Unsupported) as unsupported:
        adapters.run(case, house)

    assert says in str(unsupported.value)


def test_a_refusal_of_the_product_is_a_figure(house: House) -> None:
    got = adapters.run(a_case("unit", unit="-1", units="1"), house)

    assert "unit" in str(got[REFUSED])


def test_names_the_fields_that_had_no_say(house: House) -> None:
    case = replace(a_case("unit", unit="1", units="1", moon="full"), beside=("op",))

    assert adapters.run(case, house)[UNREAD] == ("moon", "op")


def test_a_case_that_expects_nothing_is_not_passed(house: House) -> None:
    with pytest.raises(Unsupported, match="nothing is expected"):
        adapters.run(replace(a_case("unit", unit="1", units="1"), expected={}), house)


@pytest.mark.parametrize(
    ("case", "says"),
    [
        (a_case("graduated", units="1", tiers=[{"up_to": 5, "price_of_gold": "1"}]), "a tier has price_of_gold"),
        (a_case("credit_burn_down", grants=[{"amount": 1, "rollover": 5}], usage=1), "a grant has rollover"),
        (a_case("credit_burn_down", grants=[{"amount": 1, "recurrence": "lunar"}], usage=1), "recurs 'lunar'"),
    ],
)
def test_says_which_part_of_a_row_it_cannot_ask(case: Case, says: str, house: House) -> None:
    with pytest.raises(Unsupported, match=says):
        adapters.run(case, house)
