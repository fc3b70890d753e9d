"""Whom does a source mean?

A source names members by our id, by the id of the customer's directory or by e-mail address. Names are looked up in one
statement however many there are; one that nobody has becomes the empty id, which no member has.
"""

from collections.abc import Iterable, Mapping

from models import members
from services.unit import Unit
from services.usage_facts import NamedBy

Name = tuple[NamedBy, str]


async def member_ids(unit: Unit, names: Iterable[Name]) -> Mapping[Name, str]:
    """Return the member's id for each name."""
    wanted = set(names)
    external_ids = sorted(name for named_by, name in wanted if named_by is NamedBy.EXTERNAL_ID)
    emails = sorted({name.lower() for named_by, name in wanted if named_by is NamedBy.EMAIL})
    known: dict[Name, str] = {}
    if external_ids or emails:
        found = await members.find_many_by(unit.client, unit.organization_id, external_ids=external_ids, emails=emails)
        known |= {(NamedBy.EXTERNAL_ID, member.external_id): member.id for member in found if member.external_id}
        known |= {(NamedBy.EMAIL, member.email): member.id for member in found}

    def resolved(named_by: NamedBy, name: str) -> str:
        if named_by is NamedBy.ID:
            return name
        return known.get((named_by, name.lower() if named_by is NamedBy.EMAIL else name), "")

    return {(named_by, name): resolved(named_by, name) for named_by, name in wanted}
