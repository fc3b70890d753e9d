"""What does a source report, and what can become of it?

A fact is one measured use under the source's own id. Its outcome is one of four, and each carries what the source
needs to know: what it cost, that it came twice, why it cannot be kept, or which limit it would break.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple

from billing import limits as rules
from billing import rating
from billing.periods import to_microseconds
from services.outcomes import RefusalCode

ID_LENGTH_MAX = 200


class Overage(StrEnum):
    """What happens to usage that no longer fits a limit."""

    REFUSE = "REFUSE"
    RECORD = "RECORD"


class NamedBy(StrEnum):
    """By what a source names the member: by our id, by the id of the customer's directory, or by e-mail address."""

    ID = "ID"
    EXTERNAL_ID = "EXTERNAL_ID"
    EMAIL = "EMAIL"


class UsageFact(NamedTuple):
    """One measured use, as its source reports it. `event_id` is the source's own and makes a repeat harmless.

    `member_id` is whatever `named_by` says. Once identified it is our id, and empty for a member nobody knows. It is a
    tuple because a thousand of them are made at once, which takes a third of the time that way.
    """

    event_id: str
    member_id: str
    meter: str
    model: str
    direction: rating.Direction
    quantity: int
    occurred_at: datetime
    named_by: NamedBy = NamedBy.ID

    @property
    def digest(self) -> str:
        """A digest that is equal for equal facts; the event id is not part of it."""
        return self.digest_at(to_microseconds(self.occurred_at))

    def digest_at(self, microseconds: int) -> str:
        """Return the digest, given when it occurred."""
        _, member_id, meter, model, direction, quantity, _, _ = self
        parts = f"{member_id}\x1f{meter}\x1f{model}\x1f{direction}\x1f{quantity}\x1f{microseconds}"
        return sha256(parts.encode()).hexdigest()[:32]


def documents(facts: Iterable[UsageFact]) -> list[dict[str, Any]]:
    """Return facts as the documents by which commands that report them are told apart."""
    found = []
    last, instant = None, ""
    for event_id, member_id, meter, model, direction, quantity, occurred_at, named_by in facts:
        if occurred_at is not last:
            last, instant = occurred_at, occurred_at.isoformat().replace("+00:00", "Z")
        found.append(
            {
                "direction": str(direction),
                "event_id": event_id,
                "member_id": member_id,
                "meter": meter,
                "model": model,
                "named_by": str(named_by),
                "occurred_at": instant,
                "quantity": quantity,
            }
        )
    return found


@dataclass(frozen=True, slots=True)
class EventRecorded:
    """The event is kept and counted."""

    event_id: str
    usage_id: str
    cost_nanos: int
    over_limit: bool


@dataclass(frozen=True, slots=True)
class EventRepeated:
    """The same event was recorded before; it counts once."""

    event_id: str
    usage_id: str
    cost_nanos: int


@dataclass(frozen=True, slots=True)
class EventRefused:
    """The event cannot be kept as it is."""

    event_id: str
    code: RefusalCode
    message: str
    field: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventBlocked:
    """The event would break a limit; it was not counted at any level."""

    event_id: str
    limit_id: str
    level: rules.SpendLevel
    subject: str
    cap_nanos: int
    cost_nanos: int
    headroom_nanos: int
    shortfall_nanos: int
    resets_at: datetime


EventOutcome = EventRecorded | EventRepeated | EventRefused | EventBlocked


def conflict(fact: UsageFact) -> EventRefused:
    """Return the refusal of an id that stands for another event already."""
    message = f"event id {fact.event_id!r} was used for another event; nothing was counted"
    return EventRefused(fact.event_id, RefusalCode.EVENT_ID_CONFLICT, message, ("id",))
