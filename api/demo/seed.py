"""Fill a database with the demo, once.

Everything comes from `at`: the same instant gives the same rows, down to the last id. A demo that was cut short is
taken up again with the instant it began with, and one that is there already is left alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from api.demo import catalogue, contract, personas, pooled, tracker
from api.demo.scripts import Script
from api.demo.stage import Stage
from billing.periods import require_utc
from events.hub import Hub
from models import events, invoices, members, organizations, usage
from models.database import Database
from models.sql import Client
from services.dispatch import Dispatcher

REQUEST = "demo/"
Progress = Callable[[str], None]


class NotTheDemo(RuntimeError):
    """The database holds somebody's organization under a slug of the demo."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"the organization {slug!r} exists and is not the demo's: seed an empty database")


@dataclass(frozen=True, slots=True)
class OrganizationSummary:
    """How much there is of one organization."""

    slug: str
    organization_id: str
    members: int
    usage_events: int
    invoices: int
    events: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What the demo holds, and the instant it was made from."""

    at: datetime
    organizations: tuple[OrganizationSummary, ...]


async def seed(database: Database, *, at: datetime, issuer: str, progress: Progress) -> Summary:
    """Play the demo up to `at`, its personas signing in through `issuer`; tell `progress` of each step."""
    begun_at = await _begun_at(database.reader) or require_utc(at).astimezone(UTC)
    written = scripts(begun_at)
    await _publish(database, written, begun_at)
    dispatcher, request_id = Dispatcher(database.runner, Hub()), f"{REQUEST}{begun_at.isoformat()}"
    stages = [
        await Stage.open(dispatcher, database.reader, script, issuer=issuer, request_id=request_id)
        for script in written
    ]
    await _play(stages, written, begun_at, progress)
    for stage in stages:
        for persona in personas.of(stage.slug):
            await stage.admit(persona, at=begun_at)
    return Summary(begun_at, tuple([await _count(database.reader, stage) for stage in stages]))


def scripts(at: datetime) -> tuple[Script, ...]:
    """Return the past of each organization up to `at`."""
    return (
        contract.script(at),
        pooled.script(at),
        tracker.script(tracker.RUSSIA, at),
        tracker.script(tracker.KAZAKHSTAN, at),
    )


async def _play(stages: list[Stage], written: tuple[Script, ...], at: datetime, progress: Progress) -> None:
    """Play all scripts as one, by time: invoices of one seller are numbered in the order in which they are issued."""
    parts = [(stage, step) for stage, script in zip(stages, written, strict=True) for step in script.until(at)]
    parts.sort(key=lambda part: part[1].at)
    last = {stage.slug: (stage, step) for stage, step in parts}.values()
    if all([await stage.has_played(step) for stage, step in last]):
        progress("the demo is there already")
        return
    for script in written:
        progress(f"{script.slug}: {script.opening.name}, from {script.opened_at:%Y-%m-%d} on")
    for stage, step in parts:
        await stage.play(step)
        if step.news:
            progress(step.news)


async def _publish(database: Database, written: tuple[Script, ...], at: datetime) -> None:
    """Put the plans on offer before anybody opens an organization."""
    published_at = min(script.opened_at for script in written)
    plans = (catalogue.projects_annual(), pooled.plan(at), catalogue.TRACKER_RUB, catalogue.TRACKER_KZT)
    for plan in plans:
        await catalogue.publish(database.runner, plan, at=published_at)


async def _begun_at(reader: Client) -> datetime | None:
    """Return the instant of the demo that is in the database, if one is."""
    begun_at: datetime | None = None
    for slug in personas.SLUGS:
        organization = await organizations.find_by_slug(reader, slug)
        if organization is None:
            continue
        first, *_ = await events.after(reader, organization.organization_id, 0, limit=1)
        if not first.request_id.startswith(REQUEST):
            raise NotTheDemo(slug)
        begun_at = datetime.fromisoformat(first.request_id.removeprefix(REQUEST))
    return begun_at


async def _count(reader: Client, stage: Stage) -> OrganizationSummary:
    return OrganizationSummary(
        stage.slug,
        stage.organization_id,
        await members.count(reader, stage.organization_id),
        await usage.count(reader, stage.organization_id),
        await invoices.count(reader, stage.organization_id),
        await events.count(reader, stage.organization_id),
    )
