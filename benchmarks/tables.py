"""How does a proof say what it found?

One table on standard output: a figure in each row, and where a row is a promise, whether it held. Progress goes to
standard error, so that the table can be kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: what was measured and what came out. `held` is None where nothing was promised."""

    what: str
    value: str
    held: bool | None = None


def zero(what: str, count: int) -> Figure:
    """Return the row of something that must not happen."""
    return Figure(what, f"{count:,}", count == 0)


def count(what: str, number: int) -> Figure:
    """Return the row of something that is only counted."""
    return Figure(what, f"{number:,}")


def show(title: str, figures: Iterable[Figure]) -> int:
    """Print the table, and return the exit status: 1 where a promise did not hold."""
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    kept = list(figures)
    for figure in kept:
        verdict = "" if figure.held is None else "held" if figure.held else "BROKEN"
        table.add_row(figure.what, figure.value, verdict)
    Console(width=110).print(table)
    return int(any(figure.held is False for figure in kept))
