"""Who holds a seat in the pooled organization, and who uses how much?

Six people use a great deal, fourteen their share, twenty hardly anything: as everywhere. The figures keep everybody
well below three quarters of every limit.
"""

from dataclasses import dataclass
from typing import Final

from api.demo import people, personas
from services.imports import NewMember

SLUG: Final = "pooled"
CHAT: Final = "chat"
CHAT_CODE: Final = "chat_code"
HIPAA: Final = "hipaa"
PERSONA: Final = f"member@{SLUG}.example"
_LEAVER: Final = 33
_LATECOMERS: Final = {37: (1, 12), 38: (1, 12), 39: (2, 19)}


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody with a seat: the first one, on which month and day it is held, and how much a month is used."""

    row: NewMember
    joins: tuple[int, int]
    leaves: tuple[int, int] | None
    calls: int
    cents: tuple[int, int]
    large: int


def workers() -> tuple[Worker, ...]:
    """Return everybody with a seat: the persona first, then from those who use most to those who use least."""
    english = people.people(SLUG, people.ENGLISH, 24)
    others = (*people.chinese_people(SLUG), *people.people(SLUG, people.INDONESIAN, 8))
    mixed = [*english[:8], *(each for pair in zip(others, english[8:], strict=True) for each in pair)]
    return (_persona(), *(_worker(index, person) for index, person in enumerate(mixed)))


def _persona() -> Worker:
    persona = personas.find(PERSONA)
    row = NewMember(persona.email, persona.name, persona.role, CHAT_CODE)
    return Worker(row, (0, 1), None, 90, (27_00, 36_00), 70)


def _worker(index: int, person: people.Person) -> Worker:
    tier, calls, cents, large = _part(index)
    add_ons = (HIPAA,) if tier == CHAT and index % 3 == 0 else ()
    row = NewMember(person.email, person.name, "member", tier, add_ons)
    leaves = (2, 20) if index == _LEAVER else None
    return Worker(row, _LATECOMERS.get(index, (0, 1)), leaves, calls, cents, large)


def _part(index: int) -> tuple[str, int, tuple[int, int], int]:
    """Return tier, calls a month, cents a month, and the percentage of calls to the large model."""
    if index < 6:
        return CHAT_CODE, 150, (90_00, 130_00), 80
    if index < 12:
        return CHAT_CODE, 60, (28_00, 45_00), 60
    if index < 20:
        return CHAT, 60, (24_00, 40_00), 40
    return CHAT, 20, (3_00, 8_00), 20
