"""Which users and groups does a directory ask for?

The library decides whether a resource satisfies a filter. Here is only what keeps it from deciding that of everybody:
the conditions of a filter that a query can express narrow the rows down first, and never leave out one that satisfies
it. A filter that narrows nothing down is decided for so many rows and no more; the standard's answer beyond is tooMany.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from scim2_models import Path, SearchRequest, TooManyException
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator, ValuePath
from tortoise.expressions import Q

from api.scim.resources import PAGE_MAX, POLICY

SCANNED_MAX: Final = 2_000
_PARAMETERS: Final = (
    "attributes",
    "excludedAttributes",
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
)
T = TypeVar("T")

Condition = Callable[[CompareOperator, Any], Q | None]
"""Return what rows a comparison can be true of, or None where that cannot be said."""


def asked(model: Any, given: Mapping[str, Any]) -> SearchRequest[Any]:
    """Return a search as it came in an address or a body; raise `ValidationError` for what cannot be read."""
    named = {name.lower(): value for name, value in given.items()}
    known = {name: named[name.lower()] for name in _PARAMETERS if named.get(name.lower()) is not None}
    request: Any = SearchRequest[model]
    found: SearchRequest[Any] = request.model_validate(known, scim_policy=POLICY)
    return found


def start_of(search: SearchRequest[Any]) -> int:
    """Return how many results come before the page that is asked for."""
    return (search.start_index or 1) - 1


def size_of(search: SearchRequest[Any]) -> int:
    """Return how many results a page has at most."""
    return PAGE_MAX if search.count is None else min(search.count, PAGE_MAX)


def includes(search: SearchRequest[Any], attribute: str) -> bool:
    """Return whether an attribute that is returned by default is wanted in the answer."""
    if search.attributes:
        return any(_first_part(path) == attribute for path in search.attributes)
    return all(path.rpartition(":")[2].lower() != attribute for path in search.excluded_attributes or ())


def narrowed(node: FilterNode, conditions: Mapping[str, Condition]) -> Q | None:
    """Return a condition that every row meets for which the filter can be true; None for all of them."""
    if isinstance(node, Comparison):
        condition = conditions.get(_name(node))
        return condition(node.op, node.value) if condition else None
    if isinstance(node, ValuePath) and isinstance(node.val_filter, Comparison):
        inner = node.val_filter
        condition = conditions.get(f"{node.attr_path.attr}.{inner.attr_path.attr}".lower())
        return condition(inner.op, inner.value) if condition else None
    if isinstance(node, LogicalExpr):
        parts = [narrowed(term, conditions) for term in node.terms]
        known = [part for part in parts if part is not None]
        if node.op is LogicalOperator.and_:
            return Q(*known, join_type="AND") if known else None
        return Q(*known, join_type="OR") if len(known) == len(parts) else None
    return None


def mentions(search: SearchRequest[Any], attribute: str) -> bool:
    """Return whether a filter speaks of an attribute."""
    return search.filter is not None and attribute in str(search.filter).lower()


def bounded(rows: list[T]) -> list[T]:
    """Return rows that were read to be looked at one by one, or raise where there are too many."""
    if len(rows) > SCANNED_MAX:
        detail = f"more than {SCANNED_MAX} resources would have to be compared: ask for userName, externalId or id"
        raise TooManyException(detail=detail)
    return rows


def _name(node: Comparison) -> str:
    path = node.attr_path
    return (path.attr if path.sub_attr is None else f"{path.attr}.{path.sub_attr}").lower()


def _first_part(path: Path[Any]) -> str:
    return path.rpartition(":")[2].partition(".")[0].lower()
