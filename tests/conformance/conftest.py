"""Which file of cases is run? `--cases FILE` names another than the public one."""

import pytest

from tests.conformance.cases_file import PUBLIC


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", default=str(PUBLIC), help="a JSON file of numeric cases")
