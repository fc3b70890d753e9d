"""Whom can one be in the demo?

Five people in each organization, one for each kind of part: `owner@pooled.example` is an owner of the organization
`pooled`. The sign-in page lists them, and `billgraph token` speaks for them.

>>> [persona.email for persona in of("tracker")][:2]
['primary-owner@tracker.example', 'owner@tracker.example']
>>> find("Auditor@Contract.example").role
'auditor'
"""

from dataclasses import dataclass
from typing import Final

from auth import development

SLUGS: Final = ("contract", "pooled", "tracker", "tracker-kz")


class UnknownPersona(LookupError):
    """Nobody in the demo has this address."""

    def __init__(self, email: str) -> None:
        super().__init__(f"nobody in the demo is {email!r}; try owner@{SLUGS[0]}.example")


@dataclass(frozen=True, slots=True)
class Persona(development.Persona):
    """An invented person with the key of a role."""

    role: str


_PARTS: Final = {
    "primary-owner": "primary_owner",
    "owner": "owner",
    "billing-admin": "billing_admin",
    "member": "member",
    "auditor": "auditor",
}
_NAMES: Final = {
    "contract": ("Kirana Saptono", "Bayu Prasojo", "Intan Maheswari", "Dimas Wicaksana", "Ratna Pramudya"),
    "pooled": ("Harper Quillfeather", "Ellis Marchbank", "周子墨", "Casey Windermere", "Gita Larasati"),
    "tracker": ("Марина Озерцова", "Олег Верстовский", "Вера Сметанина", "Павел Ключарёв", "Инна Ревизорова"),
    "tracker-kz": ("Айгерим Тастанова", "Данияр Кемелов", "Жанар Есептова", "Санжар Бегалин", "Мадина Тексерова"),
}


def _persona(part: str, slug: str, name: str) -> Persona:
    return Persona(f"{part}@{slug}.example", name, slug, _PARTS[part])


PERSONAS: Final = tuple(
    _persona(part, slug, name) for slug in SLUGS for part, name in zip(_PARTS, _NAMES[slug], strict=True)
)


def of(slug: str) -> tuple[Persona, ...]:
    """Return the personas of one organization, its primary owner first."""
    return tuple(persona for persona in PERSONAS if persona.organization == slug)


def find(email: str) -> Persona:
    """Return the persona with this address, in whatever case it is written."""
    for persona in PERSONAS:
        if persona.email == email.lower():
            return persona
    raise UnknownPersona(email)
