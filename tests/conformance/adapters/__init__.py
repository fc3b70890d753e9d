"""How does a numeric case become a question to the product?

Each adapter translates the input of one kind of case: to a question for the calculator wherever the calculator can
answer it, else to the public function that answers for the noun. An adapter knows fields and conventions, never a
case: neither the id nor the expected figures reach it.
"""

from collections.abc import Mapping

from tests.conformance.adapters import bounds, changes, credits, limits, moneys, prices, proration, seats, taxes
from tests.conformance.adapters.given import Adapter, Given
from tests.conformance.answers import QuoteNeeded
from tests.conformance.cases_file import Case
from tests.conformance.comparing import REFUSED

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


def run(case: Case) -> Mapping[str, object]:
    """Return every figure the product has for a case; a refusal is a figure too."""
    adapter = _adapter(case.model)
    if adapter is None:
        return {"model": f"{case.model!r} has no adapter"}
    try:
        return adapter(Given(case.model, case.source, case.note, case.input))
    except QuoteNeeded:
        return {"quote_required": True, "quote": "required", "amount": None}
    except (ValueError, LookupError, ZeroDivisionError) as refused:
        return {REFUSED: f"refused: {refused}"}


def _adapter(model: str) -> Adapter | None:
    """Return the adapter of a model, or of the longest known model that its name begins with."""
    known = [name for name in ADAPTERS if model == name or model.startswith(f"{name}_")]
    return ADAPTERS[max(known, key=len)] if known else None
