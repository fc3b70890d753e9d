"""What else do the sources' rules say? More cases of each kind, whose figures are worked out here by other means.

Every figure is counted unit by unit, day by day or cent by cent, with nothing of the product: what is slow and plain
here must be what is exact there.
"""

from collections.abc import Iterator
from itertools import islice

from tests.conformance.cases_file import Case
from tests.conformance.variations import amounts, calendars, changes, credits, limits, prices, quantities, seats

MODULES = (prices, quantities, seats, amounts, calendars, changes, credits, limits)
SLOW = frozenset({changes, credits, limits})
"""Those whose cases each live in a sandbox of their own."""
STEP, SLOW_STEP = 4, 9
"""Of each kind the first is run, and then every fourth, or ninth."""


def cases(*, every: bool) -> Iterator[Case]:
    """Yield the cases, named by their kind and place: all of them, or the same few of every kind."""
    for module in MODULES:
        step = 1 if every else SLOW_STEP if module in SLOW else STEP
        for kind, made in module.KINDS.items():
            for place, (given, expected, note) in islice(enumerate(made(), 1), 0, None, step):
                yield Case(f"own-{kind}-{place}", "worked out by hand", kind, given, expected, note)
