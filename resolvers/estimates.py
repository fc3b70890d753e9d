"""Answer the calculator: what would these items cost?

Anybody may ask: prices are public, nothing is stored, and the work of a question is bounded. One function of the rules
answers; here its refusals become errors with the path that the client wrote.
"""

from collections.abc import Mapping
from typing import Any, Final

import strawberry

from billing import estimate_documents, estimate_fit
from billing import estimates as rules
from billing.money import InvalidAmount
from billing.plan_items import InvalidPlan
from billing.prices import BeyondLastTier, InvalidPrice, QuoteRequired
from billing.rating import InvalidRate, NoRate, UnknownModel
from schema import estimate_checks
from schema.access import field
from schema.estimate_inputs import Asked, EstimateInput, EstimateItemInput
from schema.estimates import Estimate
from schema.input_documents import path
from schema.inputs import InvalidInput
from schema.user_errors import user_error
from services import profiles
from services.outcomes import RefusalCode

REFUSALS: Final = (BeyondLastTier, InvalidPrice, InvalidRate, InvalidAmount, NoRate, UnknownModel)
"""What an item is refused for when it is priced; its document was read without a fault."""


@strawberry.type
class EstimateQueries:
    """How anybody asks what something would cost."""

    @field(
        description="The calculator: what any plan items would cost, however they are measured, with discounts, "
        "commitment, tax and credit, by the code that draws the invoices. Anybody may ask.",
        requires=None,
    )
    def estimate(self, given: Asked) -> Estimate:
        try:
            return _estimate(given)
        except InvalidInput as invalid:
            return Estimate(user_errors=[user_error(invalid)])


def _estimate(given: EstimateInput) -> Estimate:
    refused = profiles.locale_refusal(given.locale)
    if refused is not None:
        raise InvalidInput(refused.code, refused.message, refused.field)
    estimate_checks.check_size(given)
    document = given.document()
    try:
        question = estimate_documents.read(document)
        estimate_checks.check_work(given, question.asks)
        found = estimate_documents.priced(question)
    except InvalidPlan as error:
        raise InvalidInput(_code(error.field), error.message, path(given, error.field)) from error
    except REFUSALS as error:
        raise _refused(given, document, error) from error
    return Estimate.of(found, _quoted(document, found), given.locale, given.named())


def _code(dotted: str) -> RefusalCode:
    match dotted.split("."):
        case ["currency"]:
            return RefusalCode.CURRENCY_UNKNOWN
        case ["commitment" | "credit"]:
            return RefusalCode.AMOUNT_INVALID
        case ["items", _, "item", *_] | ["tax" | "discounts", *_]:
            return RefusalCode.PLAN_INVALID
        case _:
            return RefusalCode.INPUT_INVALID


def _refused(given: EstimateInput, document: Mapping[str, Any], error: Exception) -> InvalidInput:
    """Return the refusal of the first item that is refused by itself; where none is, all of them are too much."""
    code = RefusalCode.INPUT_INVALID
    if isinstance(error, NoRate | UnknownModel):
        code = RefusalCode.PRICE_MISSING
    elif isinstance(error, InvalidAmount):
        code = RefusalCode.AMOUNT_INVALID
    for index, asked in enumerate(given.items):
        alone = _alone(document, index)
        if isinstance(alone, Exception):
            named = alone.field if isinstance(alone, InvalidPrice) else ""
            fault = named if hasattr(asked, named.partition(".")[0]) else _measure(asked)
            message = alone.message if isinstance(alone, InvalidPrice) else str(alone)
            return InvalidInput(code, message, ("items", str(index), *fault.split(".")))
    return InvalidInput(code, str(error), ("items",))


def _measure(asked: EstimateItemInput) -> str:
    """Return the name of what says how much of an item."""
    return next((name for name in estimate_fit.MEASURES if getattr(asked, name) is not None), "span")


def _quoted(document: Mapping[str, Any], found: rules.Estimate) -> str | None:
    """Return the key of the first item that needs a quote, where one does."""
    if not isinstance(found.total, QuoteRequired):
        return None
    for index, each in enumerate(document["items"]):
        alone = _alone(document, index)
        if isinstance(alone, rules.Estimate) and isinstance(alone.total, QuoteRequired):
            return str(each["item"]["key"])
    raise AssertionError("the whole needs a quote because one of its items does")


def _alone(document: Mapping[str, Any], index: int) -> rules.Estimate | Exception:
    """Return the answer to one of the items by itself, or why it is refused."""
    try:
        return estimate_documents.answer({"currency": document["currency"], "items": [document["items"][index]]})
    except REFUSALS as error:
        return error
