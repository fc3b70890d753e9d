"""Do the examples in the docstrings of billing/ hold?"""

import doctest
import importlib
import pkgutil

import pytest

import billing

MODULES = sorted(f"billing.{module.name}" for module in pkgutil.iter_modules(billing.__path__))


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_every_module_hold(name):
    module = importlib.import_module(name)

    failed, _ = doctest.testmod(module)

    assert failed == 0
    assert module.__doc__
    assert module.__doc__.split("\n")[0].endswith("?")
