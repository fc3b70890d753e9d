"""Where are the benchmarks that `billgraph bench` runs?

In a checkout, beside the packages, and never in what is installed from a wheel: they start servers, kill them and
make databases, which no production machine should be one command away from. They are imported when they are asked for
and not before.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import typer

CHECKOUT = Path(__file__).parents[2]


class NoBenchmarks(RuntimeError):
    """The command runs from an installed package, which has no benchmarks."""


def run(arguments: Sequence[str], checkout: Path = CHECKOUT) -> None:
    """Hand the rest of the command line to the benchmarks of the checkout."""
    if not (checkout / "benchmarks" / "command.py").is_file():
        raise NoBenchmarks(f"the benchmarks come with the source: run this in a checkout; {checkout} is none")
    if str(checkout) not in sys.path:
        sys.path.insert(0, str(checkout))
    app: typer.Typer = import_module("benchmarks.command").app
    app(args=list(arguments), prog_name="billgraph bench")
