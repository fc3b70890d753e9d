"""Does the product compute what the field computes?"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conformance import adapters, cases_file
from tests.conformance.adapters import UNREAD
from tests.conformance.answers import Unsupported
from tests.conformance.cases_file import FURTHER, PUBLIC, Case, load
from tests.conformance.comparing import difference
from tests.conformance.conftest import CASE, UNHEARD
from tests.conformance.house import House

REFUSED = cases_file.refused()


UNKNOWN = """[
    {"id": "odd-1", "model": "astrology", "input": {"sign": "virgo"}, "expected": {}},
    {"id": "odd-2", "model": "volume", "input": {"units": "1", "tiers": "same"}, "expected": {}},
    {"id": "odd-3", "model": "volume", "input": {"units": "1", "tiers": "as lago-volume-*"}, "expected": {}}
]"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        given = metafunc.config.getoption("--cases", default=None)
        files = [Path(given)] if given else [PUBLIC, FURTHER]
        metafunc.parametrize("case", [case for file in files for case in load(file)], ids=lambda case: case.id)


def test_the_case_comes_out_as_expected(
    case: Case, house: House, record_property: Callable[[str, object], None]
) -> None:
    def came_out(outcome: str) -> None:
        record_property(CASE, (case.system, case.model, outcome))

    try:
        got = adapters.run(case, house)
        wrong = difference(case.expected, got)
    except Unsupported as unsupported:
        if case.id not in REFUSED:
            came_out("unsupported")
            pytest.fail(f"{case.id}: unsupported: {unsupported}", pytrace=False)
        got, wrong = {}, str(unsupported)

    if case.id in REFUSED:
        assert wrong, f"{case.id} comes out as expected: take it off the list of what is refused"
        came_out("listed")
        pytest.xfail(f"{case.id}: refused on purpose: {REFUSED[case.id]}")  # the reviewed list gives the reason

    came_out("failed" if wrong else "passed")
    unread = got.get(UNREAD)
    hint = f" (fields not read: {', '.join(map(str, unread))})" if isinstance(unread, tuple) and unread else ""
    if hint:
        record_property(UNHEARD, f"{case.id}{hint}")
    assert not wrong, f"{case.id}: {wrong}{hint}"


def test_a_file_with_cases_that_nobody_knows_is_read_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_text(UNKNOWN, encoding="utf-8")

    unknown, alone, neighbour = load(path)

    assert (unknown.model, unknown.source, unknown.note) == ("astrology", "", "")
    assert alone.input["tiers"] == "same", "there is nothing that it could repeat"
    assert neighbour.input["tiers"][0]["unit"] == "2", "it repeats a public case"
