"""Which file of cases is run, where, and how did it come out? `--cases FILE` names another than the public one."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest

from tests.conformance.house import House

CASE: Final = "numeric case"
UNHEARD: Final = "fields without a say"
OUTCOMES: Final = ("passed", "listed", "failed", "unsupported")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", default=None, help="a JSON file of numeric cases; left out, both files of the project")
    parser.addoption("--every-variation", action="store_true", help="run all of our own cases, not a few of every kind")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[House]:
    """One database for all the sandboxes of a file: a process has one open at a time, and other tests open theirs."""
    with House(tmp_path_factory.mktemp("conformance"), worker_id) as opened:
        yield opened


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many cases passed, are listed, failed or are of an unknown kind, and which fields had no say."""
    counts, unheard = Counter[tuple[str, str, str]](), list[str]()
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == CASE and (report.when == "call" or not report.passed):
                    counts[tuple(value)] += 1
                if name == UNHEARD and report.when == "call":
                    unheard.append(value)
    if not counts:
        return
    places = sorted({(system, kind) for system, kind, _ in counts})
    terminalreporter.section("numeric cases by system and kind")
    terminalreporter.write_line(_row("system", "kind", OUTCOMES))
    for system, kind in places:
        terminalreporter.write_line(_row(system, kind, [counts[system, kind, outcome] for outcome in OUTCOMES]))
    whole = [sum(count for key, count in counts.items() if key[2] == outcome) for outcome in OUTCOMES]
    terminalreporter.write_line(_row("all", f"{len({kind for _, kind in places})} kinds", whole))
    if unheard:
        terminalreporter.section("fields of numeric cases that nothing looked at")
        for each in sorted(unheard):
            terminalreporter.write_line(each)


def _row(system: str, kind: str, figures: object) -> str:
    assert isinstance(figures, tuple | list)
    return f"{system:12}{kind:36}" + "".join(f"{figure:>12}" for figure in figures)
