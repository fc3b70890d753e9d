"""Which usage events need no second look?

A batch of a thousand events is coerced by graphql-core field by field and converted by strawberry once more. Events of
which every field is plainly valid mean the same whoever reads them, so they are read here in one pass and kept as they
came. As soon as anything about any of them is not plain, nothing is: the libraries read the batch, and what is wrong is
said in their words.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, overload

from billing.rating import Direction
from resolvers.usage_inputs import UsageEventInput
from schema import inputs
from schema.ids import Kind
from schema.scalars import LONG_MAX, read_instant
from services.usage_facts import NamedBy, UsageFact

METER: Final = "tokens"
_DIRECTIONS: Final[Mapping[str, Direction]] = MappingProxyType({each.name: each for each in Direction})
_NAMES: Final = (
    ("memberId", NamedBy.ID),
    ("memberExternalId", NamedBy.EXTERNAL_ID),
    ("memberEmail", NamedBy.EMAIL),
)
_DIGITS_MAX: Final = 18

_Plain = tuple[str, str, str, str, Direction, int, datetime, NamedBy]
"""An event: its id, the member's name, meter, model, direction, quantity, instant, and by what the member is named."""


class PlainEvents(Sequence[UsageEventInput]):
    """Events that were read in one pass; each is made an input object only where somebody asks for it."""

    __slots__ = ("_events",)

    def __init__(self, events: Sequence[_Plain]) -> None:
        self._events = events

    @overload
    def __getitem__(self, place: int) -> UsageEventInput: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[UsageEventInput]: ...
    def __getitem__(self, place: int | slice) -> UsageEventInput | Sequence[UsageEventInput]:
        if isinstance(place, slice):
            return [_given(each) for each in self._events[place]]
        return _given(self._events[place])

    def __iter__(self) -> Iterator[UsageEventInput]:
        return map(_given, self._events)

    def __len__(self) -> int:
        return len(self._events)

    def facts(self, organization_id: str) -> tuple[UsageFact, ...]:
        """Return the events as the service takes them, or raise `InvalidInput` for a member's id that is none."""
        keys: dict[str, str] = {}
        make, by_id = UsageFact._make, NamedBy.ID
        for place, (_, name, _, _, _, _, _, named_by) in enumerate(self._events):
            if named_by is NamedBy.ID and name not in keys:
                keys[name] = inputs.key(name, Kind.MEMBER, organization_id, "events", str(place), "memberId")
        return tuple(
            [
                make((event_id, keys[name] if named_by is by_id else name, *what, named_by))
                for event_id, name, *what, named_by in self._events
            ]
        )


def plain(given: object) -> PlainEvents | None:
    """Return the events of a list of JSON objects, or None where one of them needs a second look."""
    if type(given) is not list or not given:
        return None
    instants: dict[str, datetime] = {}
    found: list[_Plain] = []
    try:
        for raw in given:
            event_id, model, quantity, occurred = raw["id"], raw["model"], raw["quantity"], raw["occurredAt"]
            direction, meter = _DIRECTIONS[raw["direction"]], raw.get("meter", METER)
            if type(event_id) is not str or type(model) is not str or type(meter) is not str:
                return None
            name = raw.get("memberId")
            named_by, known = NamedBy.ID, 6 + ("meter" in raw)
            if type(name) is not str or len(raw) != known:
                other = _named(raw)
                if other is None:
                    return None
                named_by, name = other
            if type(quantity) is str:
                if len(quantity) > _DIGITS_MAX or not quantity.isdecimal() or not quantity.isascii():
                    return None
                quantity = int(quantity)
            elif type(quantity) is not int or not 0 <= quantity <= LONG_MAX:
                return None
            occurred_at = instants.get(occurred)
            if occurred_at is None:
                occurred_at = instants[occurred] = read_instant(occurred)
            found.append((event_id, name, meter, model, direction, quantity, occurred_at, named_by))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return PlainEvents(found)


def _named(raw: Mapping[str, Any]) -> tuple[NamedBy, str] | None:
    """Return by what an event names its member, where it does so once, by text, and has no field but its own."""
    present = [field for field, _ in _NAMES if field in raw]
    if len(raw) != 5 + ("meter" in raw) + len(present):
        return None
    named = [(named_by, raw[field]) for field, named_by in _NAMES if raw.get(field) is not None]
    return named[0] if len(named) == 1 and type(named[0][1]) is str else None


def _given(event: _Plain) -> UsageEventInput:
    event_id, name, meter, model, direction, quantity, occurred_at, named_by = event
    return UsageEventInput(
        member_id=name if named_by is NamedBy.ID else None,  # type: ignore[arg-type]  # an ID is text
        member_external_id=name if named_by is NamedBy.EXTERNAL_ID else None,
        member_email=name if named_by is NamedBy.EMAIL else None,
        id=event_id,
        meter=meter,
        model=model,
        direction=direction,
        quantity=quantity,  # type: ignore[arg-type]  # a Long is an integer
        occurred_at=occurred_at,
    )
