"""Record what was used, and stop what would break a limit.

Each event is rated by the card in force when it occurred, and decided on its own, in the order given: it is recorded,
recognized as one that was recorded before, or refused with the limit that binds. A refused event leaves no trace in
spend. Usage that has happened already and must not be lost says `overage: RECORD`: it is always kept, and flagged.
In a month that is closed nothing can be asked for any more: what has happened in it is recorded, counts in that month
and is billed by the next invoice, as a line that says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from billing.roles import Permission
from models import usage as rows
from services import overruns, terms
from services.dispatch import verb
from services.expiry import expire_due
from services.naming import member_ids
from services.outcomes import RefusalCode, Refused
from services.rating import RatedEvent, rater
from services.spending import till
from services.unit import Unit
from services.usage_facts import (
    EventBlocked,
    EventOutcome,
    EventRecorded,
    EventRefused,
    EventRepeated,
    NamedBy,
    Overage,
    UsageFact,
    conflict,
)

__all__ = [
    "EVENTS_MAX",
    "EventBlocked",
    "EventOutcome",
    "EventRecorded",
    "EventRefused",
    "EventRepeated",
    "NamedBy",
    "Overage",
    "Record",
    "Recorded",
    "UsageFact",
    "record",
]

EVENTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Record:
    """Up to 1,000 events."""

    organization_id: str
    idempotency_key: str
    events: tuple[UsageFact, ...]
    overage: Overage = Overage.REFUSE


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of each event, in the order given."""

    outcomes: tuple[EventOutcome, ...]


@verb(Permission.USAGE_WRITE)
async def record(unit: Unit, command: Record) -> Recorded | Refused:
    """Rate, decide and count each event of a batch."""
    if not 1 <= len(command.events) <= EVENTS_MAX:
        message = f"{len(command.events)} events: give 1 to {EVENTS_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("events",))
    if await terms.at_instant(unit.client, unit.organization_id, unit.at) is None:
        return Refused(RefusalCode.PLAN_MISSING, "the organization has no plan to rate usage by", ("organizationId",))
    await expire_due(unit)
    facts = await _identified(unit, command.events)
    rates = await rater(unit, {fact.member_id for fact in facts})
    known = await rows.known(unit.client, unit.organization_id, [fact.event_id for fact in facts])
    candidates: list[RatedEvent | EventOutcome] = [_repeated(fact, known) or await rates.rate(fact) for fact in facts]
    spots = [(each.chain, each.windows) for each in candidates if isinstance(each, RatedEvent)]
    taking = await till(unit, spots)
    outcomes = tuple(
        taking.take(each, command.overage) if isinstance(each, RatedEvent) else each for each in candidates
    )
    await taking.write()
    overruns.tell(unit, taking.recorded)
    return Recorded(outcomes)


async def _identified(unit: Unit, facts: Sequence[UsageFact]) -> tuple[UsageFact, ...]:
    """Return the facts with each member named by our id."""
    ids = await member_ids(unit, ((fact.named_by, fact.member_id) for fact in facts))
    return tuple(replace(fact, member_id=ids[fact.named_by, fact.member_id], named_by=NamedBy.ID) for fact in facts)


def _repeated(fact: UsageFact, known: Mapping[str, Mapping[str, object]]) -> EventOutcome | None:
    row = known.get(fact.event_id)
    if row is None:
        return None
    if row["digest"] == fact.digest:
        return EventRepeated(fact.event_id, str(row["id"]), int(str(row["cost_nanos"])))
    return conflict(fact)
