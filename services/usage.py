"""Record what was used, and stop what would break a limit.

Each event is rated by the card in force when it occurred, and decided on its own, in the order given: it is recorded,
recognized as one that was recorded before, or refused with the limit that binds. A refused event leaves no trace in
spend. Usage that has happened already and must not be lost says `overage: RECORD`: it is always kept, and flagged.
In a month that is closed nothing can be asked for any more: what has happened in it is recorded, counts in that month
and is billed by the next invoice, as a line that says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from billing.roles import Permission
from models import usage as rows
from services import ledger, overruns, spending, terms
from services.dispatch import NotTogether, verb
from services.lapsing import is_due, let_lapse
from services.naming import member_ids
from services.outcomes import RefusalCode, Refused
from services.rating import RatedEvent, Rater, rater
from services.spending import Closed, Taken, Till
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
    documents,
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

    def document(self) -> dict[str, Any]:
        """Return the command as a document."""
        return {
            "events": documents(self.events),
            "idempotency_key": self.idempotency_key,
            "organization_id": self.organization_id,
            "overage": str(self.overage),
        }


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of each event, in the order given."""

    outcomes: tuple[EventOutcome, ...]


async def record_together(units: Sequence[Unit], commands: Sequence[Record]) -> Sequence[Recorded | Refused]:
    """Rate, decide and count the batches of several commands, in their order, as if each came alone.

    What all of them need is loaded once, and what they take is written once. Raises `NotTogether` where only one after
    another is right.
    """
    first = units[0]
    timeline = await terms.timeline(first.client, first.organization_id)
    asked = list(zip(units, commands, strict=True))
    refused = [_refusal(unit, command, timeline) for unit, command in asked]
    taken = iter(await _take([each for each, no in zip(asked, refused, strict=True) if no is None], timeline))
    return [next(taken) if no is None else no for no in refused]


@verb(Permission.USAGE_WRITE, together=record_together, weight=lambda command: len(command.events))
async def record(unit: Unit, command: Record) -> Recorded | Refused:
    """Rate, decide and count each event of a batch."""
    (answer,) = await record_together([unit], [command])
    return answer


async def _take(asked: Sequence[tuple[Unit, Record]], timeline: terms.Timeline) -> list[Recorded]:
    """Take what fits of each command, and write everything that was taken."""
    if not asked:
        return []
    await _expire([unit for unit, _ in asked])
    first = asked[0][0]
    facts = await _identified(first, [command.events for _, command in asked])
    rates = await rater(first, {fact.member_id for batch in facts for fact in batch}, timeline)
    event_ids = [fact.event_id for batch in facts for fact in batch]
    known = await rows.known(first.client, first.organization_id, event_ids)
    rated = [await _rated(rates, unit, batch, known) for (unit, _), batch in zip(asked, facts, strict=True)]
    spots = [each.spot for events in rated for each in events if isinstance(each, RatedEvent)]
    shared = await ledger.load(first.client, first.organization_id, spots)
    closed: list[Closed] = []
    others: dict[str, Taken] = {}
    answers: list[Recorded] = []
    for (unit, command), events in zip(asked, rated, strict=True):
        taking, overage = Till(unit, shared, others=others), command.overage
        outcomes = [taking.take(each, overage) if isinstance(each, RatedEvent) else each for each in events]
        answers.append(Recorded(tuple(outcomes)))
        closed.append((taking, *taking.reached()))
        others |= taking.taken
    await spending.write(closed)
    for taking, _, _ in closed:
        overruns.tell(taking.unit, taking.recorded)
    return answers


def _refusal(unit: Unit, command: Record, timeline: terms.Timeline) -> Refused | None:
    if not 1 <= len(command.events) <= EVENTS_MAX:
        message = f"{len(command.events)} events: give 1 to {EVENTS_MAX}"
        return Refused(RefusalCode.INPUT_INVALID, message, ("events",))
    if timeline.at(unit.at) is None:
        return Refused(RefusalCode.PLAN_MISSING, "the organization has no plan to rate usage by", ("organizationId",))
    return None


async def _expire(units: Sequence[Unit]) -> None:
    """End what is over at the first command's instant. Where more is by a later one's, each has its own turn."""
    await let_lapse(units[0])
    latest = max(units, key=lambda unit: unit.at)
    if latest.at > units[0].at and await is_due(latest):
        raise NotTogether


async def _identified(unit: Unit, batches: Sequence[Sequence[UsageFact]]) -> list[Sequence[UsageFact]]:
    """Return the facts with each member named by our id."""
    named = {(fact.named_by, fact.member_id) for facts in batches for fact in facts if fact.named_by is not NamedBy.ID}
    if not named:
        return list(batches)
    ids = await member_ids(unit, named)
    return [
        [
            fact
            if fact.named_by is NamedBy.ID
            else fact._replace(member_id=ids[fact.named_by, fact.member_id], named_by=NamedBy.ID)
            for fact in facts
        ]
        for facts in batches
    ]


async def _rated(
    rates: Rater, unit: Unit, facts: Sequence[UsageFact], known: Mapping[str, Mapping[str, object]]
) -> Sequence[RatedEvent | EventOutcome]:
    """Return each event with its cost, or what became of it already."""
    await rates.learn_months(facts, at=unit.at)
    rated = rates.all_rated(facts, at=unit.at)
    return [_repeated(fact, known) or each for fact, each in zip(facts, rated, strict=True)] if known else rated


def _repeated(fact: UsageFact, known: Mapping[str, Mapping[str, object]]) -> EventOutcome | None:
    row = known.get(fact.event_id)
    if row is None:
        return None
    if row["digest"] == fact.digest:
        return EventRepeated(fact.event_id, str(row["id"]), int(str(row["cost_nanos"])))
    return conflict(fact)
