"""What do the lines that a gateway sends say?

Each event is a JSON object with the fields that `UsageEventInput` has in the graph, read by the same rules. What cannot
be read is told with its place: the number of its line, the path of the field, the value and the bound. Of a body of
which any part cannot be read nothing is recorded.

>>> events_in(b'{"id": "1"}\\n\\n{"id": "2"}\\n', depth_max=8)
[(1, {'id': '1'}), (3, {'id': '2'})]
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from api import json_codec
from billing.rating import Direction
from schema import ids, inputs
from schema.errors import ErrorCode, GraphError
from schema.inputs import InvalidInput
from schema.scalars import read_instant, read_long
from services.outcomes import RefusalCode
from services.usage import EVENTS_MAX, Overage, UsageFact
from services.usage_facts import NamedBy

ERRORS_MAX: Final = 20
METER: Final = "tokens"
NAMES: Final[Mapping[str, NamedBy]] = MappingProxyType(
    {"memberId": NamedBy.ID, "memberExternalId": NamedBy.EXTERNAL_ID, "memberEmail": NamedBy.EMAIL}
)
_FIELDS: Final = frozenset({"id", "meter", "model", "direction", "quantity", "occurredAt", *NAMES})
_WHOLE: Final = frozenset({"organizationId", "overage", "events"})

Placed = tuple[int | None, Any]
"""A value with the number of the line it stands on, where it stands on a line of its own."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A part of the body that cannot be read."""

    code: str
    message: str
    field: tuple[str, ...]
    line: int | None


class Unreadable(Exception):
    """The body has parts that cannot be read; the first of them are listed."""

    def __init__(self, found: Sequence[Wrong]) -> None:
        super().__init__(f"{len(found)} parts of the body cannot be read")
        self.found = tuple(found)


@dataclass(frozen=True, slots=True)
class Said:
    """What a body says beside its events, as far as it does."""

    events: Sequence[Placed]
    organization_id: str | None = None
    overage: str | None = None


def events_in(body: bytes, *, depth_max: int) -> list[Placed]:
    """Return the value on each line that is not blank, with the line's number; raise `GraphError`."""
    found: list[Placed] = []
    for number, line in enumerate(body.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            found.append((number, json_codec.decode(line, depth_max=depth_max)))
        except json_codec.InvalidJson as error:
            message = f"Line {number} cannot be read: {error}."
            raise GraphError(ErrorCode.BAD_REQUEST, message, line=number) from error
    return found


def said_in(body: bytes, *, depth_max: int) -> Said:
    """Return what a JSON body says: a list of events, or an object that holds one; raise `GraphError`."""
    try:
        given = json_codec.decode(body, depth_max=depth_max)
    except json_codec.InvalidJson as error:
        raise GraphError(ErrorCode.BAD_REQUEST, f"The body cannot be read: {error}.") from error
    if isinstance(given, list):
        return Said([(None, each) for each in given])
    if not isinstance(given, dict) or not isinstance(given.get("events"), list):
        raise GraphError(ErrorCode.BAD_REQUEST, 'Send a list of events, or an object with them as "events".')
    for name in given.keys() - _WHOLE:
        raise GraphError(ErrorCode.BAD_REQUEST, f"There is no field {name[:40]!r}; there are {_listed(_WHOLE)}.")
    for name in ("organizationId", "overage"):
        if not isinstance(given.get(name, ""), str):
            raise GraphError(ErrorCode.BAD_REQUEST, f"{name} is {_shown(given[name])}; give text.")
    return Said([(None, each) for each in given["events"]], given.get("organizationId"), given.get("overage"))


def overage(given: str | None) -> Overage:
    """Return what happens to usage that no longer fits; raise `GraphError`."""
    if given is not None and given not in set(Overage):
        message = f"overage is {given[:40]!r}; it is one of {', '.join(Overage)}"
        raise GraphError(ErrorCode.BAD_USER_INPUT, message, field="overage")
    return Overage(given or Overage.REFUSE)


def facts(events: Sequence[Placed], organization_id: str) -> tuple[UsageFact, ...]:
    """Return the events as the service takes them; raise `Unreadable` with the first of what cannot be read."""
    if not 1 <= len(events) <= EVENTS_MAX:
        message = f"{len(events)} events: give 1 to {EVENTS_MAX}"
        raise Unreadable([Wrong(RefusalCode.INPUT_INVALID.value, message, ("events",), None)])
    found: list[UsageFact] = []
    wrong: list[Wrong] = []
    for index, (line, given) in enumerate(events):
        try:
            found.append(_fact(given, organization_id))
        except InvalidInput as error:
            wrong.append(Wrong(error.code.value, error.message, ("events", str(index), *error.field), line))
            if len(wrong) == ERRORS_MAX:
                break
    if wrong:
        raise Unreadable(wrong)
    return tuple(found)


def _fact(given: Any, organization_id: str) -> UsageFact:
    if not isinstance(given, dict):
        raise _invalid(f"an event is an object, not {_shown(given)}")
    if not given.keys() <= _FIELDS:
        name = min(given.keys() - _FIELDS)
        raise _invalid(f"there is no field {name[:40]!r}; there are {_listed(_FIELDS)}", name[:40])
    named_by, name = _member(given, organization_id)
    direction = _text(given, "direction")
    if direction not in Direction.__members__:
        raise _invalid(f"direction is {direction[:40]!r}; it is one of {', '.join(Direction)}", "direction")
    return UsageFact(
        event_id=_text(given, "id"),
        member_id=name,
        meter=_text(given, "meter") if given.get("meter") is not None else METER,
        model=_text(given, "model"),
        direction=Direction[direction],
        quantity=_read(given, "quantity", read_long),
        occurred_at=_read(given, "occurredAt", read_instant),
        named_by=named_by,
    )


def _member(given: Mapping[str, Any], organization_id: str) -> tuple[NamedBy, str]:
    named = [name for name in NAMES if given.get(name) is not None]
    if len(named) != 1:
        message = f"the member is named in {len(named)} ways; give exactly one of {', '.join(NAMES)}"
        raise _invalid(message, "memberId")
    name = _text(given, named[0])
    if NAMES[named[0]] is NamedBy.ID:
        name = inputs.key(name, ids.Kind.MEMBER, organization_id, "memberId")
    return NAMES[named[0]], name


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise _invalid(f"{name} is {_shown(value)}; give text" if name in given else f"{name} is missing", name)
    return value


def _read(given: Mapping[str, Any], name: str, read: Callable[[object], Any]) -> Any:
    if name not in given:
        raise _invalid(f"{name} is missing", name)
    try:
        return read(given[name])
    except ValueError as error:
        raise _invalid(f"{name}: {error}", name) from None


def _invalid(message: str, *field: str) -> InvalidInput:
    return InvalidInput(RefusalCode.INPUT_INVALID, message, field)


def _shown(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)[:40]
        case str():
            return repr(value[:40])
        case list():
            return "a list"
        case _:
            return "an object"


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
