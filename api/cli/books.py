"""The operator's everyday commands, each on a database that it opens and closes itself."""

import asyncio
import json
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from api import logs
from api.cli.explaining import explained
from api.house import build_house, now, remember_sellers
from api.identity import lifetimes
from api.server import build_server, settle
from api.settings import Settings
from auth.principal import Principal
from auth.sessions import Sessions
from events.hub import Hub
from jobs import worker as worker_job
from jobs.imports import Importer
from jobs.webhooks import Postman
from models import organizations, tenancy
from models.database import opened, reading
from models.migrate import migrate
from models.plans import ALWAYS
from models.schema_check import require_golden
from services import catalogue, exemptions
from services.dispatch import Dispatcher, Request
from services.outcomes import Refused


class NotAccepted(ValueError):
    """A command was refused; the message names the field and the bound."""


@dataclass(frozen=True, slots=True)
class ExemptionTerms:
    """What the operator says about a certificate; without a reason it is one to end."""

    certificate: str
    jurisdiction: str
    reason: str | None
    since: datetime | None
    until: datetime | None


class NothingFound(LookupError):
    """A command named something that is not there."""


def say(text: str) -> None:
    """Print one line for a person, at once."""
    print(text, flush=True)  # noqa: T201  # the command line's own voice


async def serve(settings: Settings) -> None:
    """Serve until told to stop; refuse a database that is not at the newest schema."""
    logs.configure(settings)
    async with opened(settings.database_url.get_secret_value(), settings.confined_url) as database:
        await require_golden(database.reader)
        await remember_sellers(database, settings)
        server = build_server(build_house(database, settings), settings)
        settle()
        await server.serve()


async def migrate_database(settings: Settings) -> None:
    """Migrate, and compare the result with the golden schema."""
    async with opened(settings.database_url.get_secret_value()) as database:
        await migrate(database, progress=lambda name: say(f"· applied {name}"))
        await require_golden(database.reader)
    say("the database is up to date")


async def confine(settings: Settings, role: str) -> None:
    """Let row level security keep a role to the organizations it is told of."""
    async with opened(settings.database_url.get_secret_value()) as database:
        if database.dialect == "sqlite":
            raise NotAccepted("only PostgreSQL confines a role")
        try:
            tables = await tenancy.confine(database.writer, role)
        except tenancy.NotConfined as error:
            raise NotAccepted(str(error)) from error
    say(f"{role} sees the rows of {len(tables)} tables only where it is told of their organization")


async def explain(settings: Settings, number: str) -> None:
    """Print an invoice with the explanation of each line."""
    async with reading(settings.database_url.get_secret_value()) as client:
        await require_golden(client)
        text = await explained(client, number)
    if text is None:
        raise NothingFound(f"there is no invoice {number}")
    for line in text:
        say(line)


async def work(settings: Settings, *, every: float | None) -> None:
    """Do a round of work, and another each `every` seconds; one round only where that is None."""
    logs.configure(settings)
    async with opened(settings.database_url.get_secret_value()) as database:
        await require_golden(database.reader)
        await remember_sellers(database, settings)
        dispatcher = Dispatcher(database.runner, Hub(), settings.postbox)
        sessions = Sessions(database, lifetimes=lifetimes(settings))
        postman = Postman(database.reader, dispatcher, clock=now)
        importer = Importer(database.reader, dispatcher, clock=now)
        stopping = _told_to_stop()
        async with AsyncExitStack() as duties:
            if every is not None:
                await duties.enter_async_context(importer.on_duty())
            if every is not None and settings.webhook_delivery:
                await duties.enter_async_context(postman.on_duty())
            while not stopping.is_set():
                done = await worker_job.work(database.reader, dispatcher, sessions, at=now())
                say(f"{len(done.things)} things done, {done.sessions_purged} old sessions forgotten")
                if every is None:
                    say(f"{await importer.carry_out()} steps of imports taken")
                    if settings.webhook_delivery:
                        say(f"{await postman.deliver(at=now())} webhooks attempted")
                    return
                await _rest(stopping, seconds=every)


def _told_to_stop() -> asyncio.Event:
    """Return an event that is set when the process is asked to end, so that what is under way is finished first."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    return stopping


async def _rest(stopping: asyncio.Event, *, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        pass


def read_document(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NotAccepted(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise NotAccepted(f"{path}: a JSON object is expected")
    return document


async def publish(settings: Settings, document: dict[str, Any], *, effective_at: datetime | None) -> None:
    """Put list prices on offer."""
    at = now()
    async with opened(settings.database_url.get_secret_value()) as database:
        await require_golden(database.reader)
        done = await catalogue.publish(database.runner, document, effective_at=effective_at, at=at)
    if isinstance(done, Refused):
        raise NotAccepted(f"{'.'.join(done.field)}: {done.message}")
    named, begins = f"{done.plan_key} in {done.currency}, version {done.version},", done.effective_at.isoformat()
    if done.effective_at > at:
        say(f"{named} will be on offer from {begins} on; until then the version before it is")
    else:
        say(f"{named} is on offer since {'always' if done.effective_at == ALWAYS else begins}")


async def exempt(settings: Settings, slug: str, terms: ExemptionTerms) -> None:
    """Accept a customer's certificate, or end one that was accepted."""
    async with opened(settings.database_url.get_secret_value()) as database:
        await require_golden(database.reader)
        organization = await organizations.find_by_slug(database.reader, slug)
        if organization is None:
            raise NothingFound(f"there is no organization with the slug {slug!r}")
        organization_id, at = organization.organization_id, now()
        key = f"exempt/{at.isoformat()}"
        request = Request(Principal.system(organization_id), at, key)
        dispatcher = Dispatcher(database.runner, Hub())
        named = {"certificate": terms.certificate, "jurisdiction": terms.jurisdiction}
        done: exemptions.Accepted | Refused
        if terms.reason is None:
            assert terms.until is not None, "the command asks for one of both"
            ended = exemptions.End(organization_id, key, **named, valid_until=terms.until)
            done = await dispatcher.execute(exemptions.end, ended, request)
            told = f"ends at {terms.until.isoformat()}"
        else:
            since = terms.since or at
            given = exemptions.Accept(
                organization_id, key, **named, reason=terms.reason, valid_from=since, valid_until=terms.until
            )
            done = await dispatcher.execute(exemptions.accept, given, request)
            told = f"is valid from {since.isoformat()} {f'to {terms.until.isoformat()}' if terms.until else 'on'}"
    if isinstance(done, Refused):
        raise NotAccepted(f"{'.'.join(done.field)}: {done.message}")
    say(f"{slug}: certificate {terms.certificate} of {terms.jurisdiction} {told}")
