"""Does the product compute what the rules of the sources say of other numbers?"""

from collections import Counter

import pytest

from tests.conformance import adapters, variations
from tests.conformance.answers import Unsupported
from tests.conformance.cases_file import Case
from tests.conformance.comparing import difference
from tests.conformance.house import House


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        every = bool(metafunc.config.getoption("--every-variation", default=False))
        metafunc.parametrize("case", tuple(variations.cases(every=every)), ids=lambda case: case.id)


def test_the_variation_comes_out_as_worked_out(case: Case, house: House) -> None:
    try:
        got = adapters.run(case, house)
    except Unsupported as unsupported:
        wrong = f"unsupported: {unsupported}"
    else:
        wrong = difference(case.expected, got)

    assert not wrong, f"{case.id}: {wrong}: {case.input}"


def test_every_kind_has_enough_of_them() -> None:
    counts = Counter(case.model for case in variations.cases(every=True))

    assert len(counts) >= 60
    assert sum(counts.values()) >= 1000
    assert min(counts.values()) >= 5
