"""How does a numeric case become a question to the product?

Each adapter translates the input of one kind of case into documents for the graph: a question for the calculator, or
what happens in a sandbox organization where people or time are involved. An adapter knows fields and conventions,
never a case: neither the id nor the expected figures reach it.
"""

from collections.abc import Mapping

from tests.conformance.adapters import bounds, changes, credits, limits, moneys, prices, proration, seats, taxes
from tests.conformance.adapters.given import Adapter, Given
from tests.conformance.answers import QuoteNeeded, Unsupported
from tests.conformance.cases_file import Case
from tests.conformance.comparing import REFUSED
from tests.conformance.house import House

UNREAD = "not read"
"""Which fields of the input nothing looked at."""

ADAPTERS: Mapping[str, Adapter] = {
    **prices.ADAPTERS,
    **bounds.ADAPTERS,
    **seats.ADAPTERS,
    **proration.ADAPTERS,
    **changes.ADAPTERS,
    **taxes.ADAPTERS,
    **credits.ADAPTERS,
    **limits.ADAPTERS,
    **moneys.ADAPTERS,
}


def run(case: Case, house: House) -> Mapping[str, object]:
    """Return every figure the product has for a case; a refusal is a figure too. Raise Unsupported for another kind."""
    adapter = _adapter(case.model)
    if adapter is None:
        raise Unsupported(f"the kind {case.model!r} is known to no adapter")
    if not case.expected:
        raise Unsupported("nothing is expected of the case")
    given = Given(case.model, case.source, case.note, case.input, house)
    try:
        return {**adapter(given), UNREAD: (*given.unread, *case.beside)}
    except QuoteNeeded:
        return {"quote_required": True, "quote": "required", "amount": None}
    except (KeyError, IndexError, TypeError, AttributeError, ZeroDivisionError) as broken:
        raise Unsupported(f"the input is written in another way: {broken!r}") from broken
    except ValueError as refused:
        return {REFUSED: f"refused: {refused}"}


def _adapter(model: str) -> Adapter | None:
    """Return the adapter of a model, or of the longest known model whose name is in it: first at its beginning."""
    begins = [name for name in ADAPTERS if f"{model}_".startswith(f"{name}_")]
    known = begins or [name for name in ADAPTERS if f"_{name}_" in f"_{model}_"]
    return ADAPTERS[max(known, key=len)] if known else None
