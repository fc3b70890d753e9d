"""Carry out whatever is due, in every organization, as often as it is asked.

Each thing is one command under a key of its own, so a run that is stopped half-way is simply run again, and two runs
at once do everything once.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from auth.principal import Principal
from models import organizations
from models.organizations import Organization
from models.sql import Client
from services import due
from services.dispatch import Dispatcher, Request
from services.outcomes import Refused

BATCH = 200
REQUEST_ID = "job-due"


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one thing that was due in one organization."""

    slug: str
    what: str
    at: datetime
    outcome: object


async def carry_out(client: Client, dispatcher: Dispatcher, *, at: datetime) -> AsyncIterator[Report]:
    """Do what is due at `at` in all organizations, oldest first, and yield what became of each thing."""
    async for organization in organizations_of(client):
        async for report in carry_out_of(client, dispatcher, organization, at=at):
            yield report


async def organizations_of(client: Client) -> AsyncIterator[Organization]:
    """Yield every organization, oldest first, a batch at a time."""
    after = ""
    while ids := await organizations.all_ids(client, after=after, limit=BATCH):
        after = ids[-1]
        for organization in sorted(await organizations.find_many(client, ids), key=lambda row: row.organization_id):
            yield organization


async def carry_out_of(
    client: Client, dispatcher: Dispatcher, organization: Organization, *, at: datetime
) -> AsyncIterator[Report]:
    """Do what is due in one organization; a refusal ends it there, because things happen in order.

    A sandbox is left alone: it lives by its own clock.
    """
    if organization.test_clock_at is not None:
        return
    current: Organization | None = organization
    while current is not None and (thing := await due.next_of(client, current, until=at)) is not None:
        request = Request(Principal.system(organization.organization_id), at, REQUEST_ID)
        outcome = await dispatcher.execute(thing.verb, thing.command, request)
        yield Report(organization.slug, _name(thing), thing.at, outcome)
        if isinstance(outcome, Refused):
            return
        current = await organizations.find(client, organization.organization_id)


def refusals(reports: Sequence[Report]) -> list[Report]:
    """Return the reports that need a person."""
    return [report for report in reports if isinstance(report.outcome, Refused)]


def _name(thing: due.Due) -> str:
    return getattr(thing.command, "period", thing.what)
