"""How does a typed input become a document of the rules, and an error of the document a path in the input?

Plans, contracts and questions are read by the rules themselves, strictly, from plain documents. So an input is only
unfolded here: names to snake case, values left out and a no dropped, and a choice of one among several to the object it
chose, tagged with its name. The way back turns the dotted path of what was wrong into the path the client wrote.

>>> from schema.price_inputs import PriceInput, UnitPriceInput
>>> price = PriceInput(unit=UnitPriceInput(unit="40.00"))
>>> document(price)
{'model': 'UNIT', 'unit': '40.00'}
>>> path({"price": price}, "price.unit")
('price', 'unit', 'unit')
>>> path({"price": price}, "price.model")
('price', 'unit')
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from strawberry.types.unset import UNSET
from strawberry.utils.str_converters import to_camel_case

from schema.inputs import InvalidInput
from services.outcomes import RefusalCode

TAG = "__document_tag__"  # on a choice of one: the key under which the document names the choice
PAIR = "__document_pair__"  # on an entry of a list that the document has as an object: which field is key, which value


def document(given: Any, *place: str) -> Any:
    """Return what a client gave at `place` as texts, integers, lists and objects only."""
    match given:
        case Enum():
            return given.value
        case datetime():
            return given.isoformat()
        case [first, *_] if hasattr(first, PAIR):
            return _pairs(given, place)
        case list():
            return [document(item, *place, str(index)) for index, item in enumerate(given)]
        case _ if is_dataclass(given) and not isinstance(given, type):
            return _object(given, place)
        case _:
            return given


def path(given: Any, dotted: str) -> tuple[str, ...]:
    """Return the place in the client's input that a dotted path of its document names."""
    found: list[str] = []
    here = given
    for part in dotted.split("."):
        chosen = _chosen(here)
        if chosen is not None:
            found.append(to_camel_case(chosen))
            if part == getattr(here, TAG):  # the choice itself is wrong
                break
            here = getattr(here, chosen)
        if isinstance(here, str):  # the document says more about it than the client could
            break
        if isinstance(here, list) and here and hasattr(here[0], PAIR):
            steps, here = _paired(here, part)
            found += steps
        else:
            found.append(to_camel_case(part))
            here = _step(here, part)
    return tuple(found)


def _object(given: Any, place: tuple[str, ...]) -> dict[str, Any]:
    choice = _chosen(given)
    if choice is not None:
        return {getattr(given, TAG): choice.upper(), **_object(getattr(given, choice), (*place, choice))}
    return {
        each.name: document(value, *place, each.name)
        for each in fields(given)
        if (value := getattr(given, each.name)) is not UNSET and value is not None and value is not False
    }


def _pairs(entries: list[Any], place: tuple[str, ...]) -> dict[str, Any]:
    key, value = getattr(entries[0], PAIR)
    found: dict[str, Any] = {}
    for index, entry in enumerate(entries):
        name = getattr(entry, key)
        if name in found:
            message = f"{name!r} is given twice"
            raise InvalidInput(RefusalCode.INPUT_INVALID, message, (*place, str(index), key))
        found[name] = document(getattr(entry, value), *place, str(index), value)
    return found


def _paired(entries: list[Any], name: str) -> tuple[tuple[str, ...], Any]:
    """Return the way to what the list of pairs has under `name`, and what it has."""
    key, value = getattr(entries[0], PAIR)
    for index, entry in enumerate(entries):
        if getattr(entry, key) == name:
            return (str(index), to_camel_case(value)), getattr(entry, value)
    return (), None


def _chosen(given: Any) -> str | None:
    """Return the name of the one field that is set, where the input is a choice of one."""
    if not hasattr(given, TAG):
        return None
    return next(each.name for each in fields(given) if getattr(given, each.name) not in (None, UNSET))


def _step(here: Any, part: str) -> Any:
    if isinstance(here, list):
        return here[int(part)] if part.isdecimal() and int(part) < len(here) else None
    if isinstance(here, Mapping):
        return here.get(part)
    return getattr(here, part, None)
