"""What else do the sources' rules say? More cases of each kind, whose figures are worked out here by other means.

Every figure is counted unit by unit, day by day or cent by cent, with nothing of the product: what is slow and plain
here must be what is exact there.
"""

from collections.abc import Iterator

from tests.conformance.cases_file import Case
from tests.conformance.variations import amounts, calendars, changes, credits, limits, prices, quantities, seats

MODULES = (prices, quantities, seats, amounts, calendars, changes, credits, limits)


def cases() -> Iterator[Case]:
    """Yield every case, named by its kind and its place."""
    for module in MODULES:
        for kind, made in module.KINDS.items():
            for place, (given, expected, note) in enumerate(made(), 1):
                yield Case(f"own-{kind}-{place}", "worked out by hand", kind, given, expected, note)
