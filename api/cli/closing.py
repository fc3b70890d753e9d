"""How does an operator bill every month that is over, and see how far it is?

One bar over the organizations, and a line for everything that was done or needs a person. Stopping it at any moment
and starting it again is safe.
"""

from collections.abc import AsyncIterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.house import now, remember_sellers
from api.settings import Settings
from events.hub import Hub
from jobs import due
from models import organizations as rows
from models.database import Database, opened
from models.organizations import Organization
from models.schema_check import require_golden
from models.sql import Client
from services.closing import Closed
from services.dispatch import Dispatcher
from services.outcomes import Refused


class NoSuchOrganization(LookupError):
    """The command named an organization that is not there."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"there is no organization with the slug {slug!r}")


async def close_due(settings: Settings, slug: str | None) -> int:
    """Do what is due, with a bar, and return 1 when something needs a person."""
    async with opened(settings.database_url.get_secret_value()) as database:
        await require_golden(database.reader)
        await remember_sellers(database, settings)
        reports = await _with_bar(database, slug)
    refused = due.refusals(reports)
    print(f"{len(reports) - len(refused)} things done, {len(refused)} refused")  # noqa: T201  # the interface
    return 1 if refused else 0


async def _with_bar(database: Database, slug: str | None) -> list[due.Report]:
    dispatcher, reports, at = Dispatcher(database.runner, Hub()), [], now()
    total = 1 if slug else await rows.count(database.reader)
    columns = (TextColumn("closing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("closing", total=total)
        async for organization in chosen(database.reader, slug):
            async for report in due.carry_out_of(database.reader, dispatcher, organization, at=at):
                reports.append(report)
                print(f"{report.slug} {report.what}: {_told(report.outcome)}")  # noqa: T201  # the interface
            progress.advance(task)
    return reports


async def chosen(reader: Client, slug: str | None) -> AsyncIterator[Organization]:
    """Yield the organization with this slug, or every one where none is named."""
    if slug is None:
        async for organization in due.organizations_of(reader):
            yield organization
        return
    found = await rows.find_by_slug(reader, slug)
    if found is None:
        raise NoSuchOrganization(slug)
    yield found


def _told(outcome: object) -> str:
    """Return what a person wants to know of something that was done."""
    match outcome:
        case Refused(message=message):
            return message
        case Closed(invoice_id=invoice_id):
            return f"invoice {invoice_id}" if invoice_id else "nothing to bill"
        case _:
            return type(outcome).__name__
