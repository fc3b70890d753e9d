"""How is an answer kept, so that a replay gives the same one?

As JSON under the name of its type. The types a verb may answer with are read from its return annotation, which is
therefore also the list of everything that can come back from the store.
"""

import json
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from types import UnionType
from typing import Any, Protocol, Union, get_args, get_origin, get_type_hints, runtime_checkable

from pydantic import TypeAdapter

from models.fields import dump
from services.outcomes import Refused

_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


def encode(answer: Any) -> str:
    """Return `answer` as text that `decode` turns back into an equal value."""
    kind = type(answer)
    return f'{{"type":"{kind.__name__}","value":{_adapter(kind).dump_json(answer).decode()}}}'


def decode(function: Callable[..., Any], text: str) -> Any:
    """Return the answer that `encode` kept, as one of the types `function` declares."""
    document = json.loads(text)
    kinds = {kind.__name__: kind for kind in (*answer_types(function), Refused)}
    return _adapter(kinds[document["type"]]).validate_python(document["value"])


@runtime_checkable
class Documented(Protocol):
    """A command that is so large that it says itself how it reads as a document, in no other words than all others."""

    def document(self) -> dict[str, Any]: ...


def body(command: Any) -> dict[str, Any]:
    """Return a command as a document."""
    if isinstance(command, Documented):
        return command.document()
    document: dict[str, Any] = _adapter(type(command)).dump_python(command, mode="json")
    return document


def digest(operation: str, text: str) -> str:
    """Return a digest that is equal for equal commands; `text` is the body as `dump` writes it."""
    return sha256(f"[{dump(operation)},{text}]".encode()).hexdigest()


@cache
def answer_types(function: Callable[..., Any]) -> tuple[type, ...]:
    """Return the types that `function` declares to return."""
    declared = get_type_hints(function)["return"]
    return get_args(declared) if get_origin(declared) in {Union, UnionType} else (declared,)


def _adapter(kind: type) -> TypeAdapter[Any]:
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]
