"""Does the product compute what the field computes?"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conformance import adapters, cases_file
from tests.conformance.adapters import UNREAD
from tests.conformance.answers import Unsupported
from tests.conformance.cases_file import PUBLIC, Case, load
from tests.conformance.comparing import difference
from tests.conformance.conftest import CASE
from tests.conformance.house import House

REFUSED = cases_file.refused()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        path = Path(metafunc.config.getoption("--cases", default=str(PUBLIC)))
        metafunc.parametrize("case", load(path), ids=lambda case: case.id)


def test_the_case_comes_out_as_expected(
    case: Case, house: House, record_property: Callable[[str, object], None]
) -> None:
    def came_out(outcome: str) -> None:
        record_property(CASE, (case.system, case.model, outcome))

    if case.id in REFUSED:
        came_out("listed")
        pytest.skip(f"{case.id}: refused on purpose: {REFUSED[case.id]}")

    try:
        got = adapters.run(case, house)
    except Unsupported as unsupported:
        came_out("unsupported")
        pytest.fail(f"{case.id}: unsupported: {unsupported}", pytrace=False)

    wrong = difference(case.expected, got)
    came_out("failed" if wrong else "passed")
    unread = got.get(UNREAD)
    hint = f" (fields not read: {', '.join(map(str, unread))})" if isinstance(unread, tuple) and unread else ""
    assert not wrong, f"{case.id}: {wrong}{hint}"
