"""Does the product compute what the field computes?"""

from pathlib import Path

import pytest

from tests.conformance import adapters, cases_file
from tests.conformance.cases_file import PUBLIC, Case, load
from tests.conformance.comparing import difference

REFUSED = cases_file.refused()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        path = Path(metafunc.config.getoption("--cases", default=str(PUBLIC)))
        metafunc.parametrize("case", load(path), ids=lambda case: case.id)


def test_the_case_comes_out_as_expected(case: Case) -> None:
    if case.id in REFUSED:
        pytest.skip(f"{case.id}: refused on purpose: {REFUSED[case.id]}")

    got = adapters.run(case)

    wrong = difference(case.expected, got)
    assert not wrong, f"{case.id}: {wrong}"
