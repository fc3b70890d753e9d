"""Is everything true of a database that must always be true?

Each organization is looked at in a snapshot of its own, so a database can be verified while it is written to: what is
read belongs to one instant, and nobody waits. Memory does not grow with what is looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import models.invariants
import services.invariants
from models import organizations
from models.database import snapshot
from models.invariants.invariant import Books, Difference, Invariant, Scope, Shelf, found_in
from models.sql import Client

INVARIANTS: Sequence[Invariant] = (*found_in(models.invariants), *found_in(services.invariants))
DIFFERENCES_MAX = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference, the invariant it breaks, and the slug of its organization; None where it spans several."""

    organization: str | None
    invariant: Invariant
    difference: Difference


async def of_organization(reader: Client, organization_id: str, *, most: int = DIFFERENCES_MAX) -> list[Finding]:
    """Return what is wrong with one organization, at most so much; nothing where it is gone."""
    found: list[Finding] = []
    async with snapshot(reader) as client:
        organization = await organizations.find(client, organization_id)
        if organization is None:
            return []
        for invariant in _of(Scope.ORGANIZATION):
            if len(found) < most:
                differences = await invariant.differences(Books(client, organization, most - len(found)))
                found += [Finding(organization.slug, invariant, each) for each in differences]
    return found


async def of_database(reader: Client, *, most: int = DIFFERENCES_MAX) -> list[Finding]:
    """Return what is wrong with what spans organizations, at most so much."""
    found: list[Finding] = []
    async with snapshot(reader) as client:
        for invariant in _of(Scope.DATABASE):
            if len(found) < most:
                differences = await invariant.differences(Shelf(client, most - len(found)))
                found += [Finding(None, invariant, each) for each in differences]
    return found


def _of(scope: Scope) -> list[Invariant]:
    return [invariant for invariant in INVARIANTS if invariant.scope is scope]
