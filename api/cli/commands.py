"""What can an operator type?

Each command opens what it needs, does one thing and closes it again. `serve` and `worker` are for production; `demo`
and `token` only work in development.
"""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from api.cli import benching, books, closing, contract, demonstration, documenting, identity, verifying
from api.development import DevelopmentOnly
from api.server import run
from api.settings import Settings
from api.tracing import TracingNotInstalled
from api.trusted_documents import NoManifest
from auth.sealing import CannotOpen
from models.database import UnsupportedDatabase
from models.engines.sqlite_writer import DatabaseInUse
from models.schema_check import SchemaDiffers
from services.verification import DIFFERENCES_MAX

app = typer.Typer(
    name="billgraph",
    help="The billing graph that other teams trust with their money.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
documents = typer.Typer(help="The documents that clients send by id.", no_args_is_help=True)
app.add_typer(documents, name="documents")
DAY, MINUTE = "%Y-%m-%d", "%Y-%m-%dT%H:%M"
domains = typer.Typer(help="E-mail domains of organizations.", no_args_is_help=True)
keys = typer.Typer(help="The keys we sign with.", no_args_is_help=True)
app.add_typer(domains, name="domain")
app.add_typer(keys, name="keys")
EXPECTED = (
    DatabaseInUse,
    SchemaDiffers,
    UnsupportedDatabase,
    DevelopmentOnly,
    demonstration.NotForProduction,
    books.NothingFound,
    books.NotAccepted,
    closing.NoSuchOrganization,
    benching.NoBenchmarks,
    NoManifest,
    identity.NotVerified,
    CannotOpen,
    TracingNotInstalled,
)


def main() -> None:
    """Run the command line; what an operator can mend is one line on standard error, without a traceback."""
    try:
        app()
    except ValidationError as error:
        for fault in error.errors():
            where = ".".join(str(part) for part in fault["loc"])
            print(f"billgraph: {where + ': ' if where else ''}{fault['msg']}", file=sys.stderr)  # noqa: T201  # the interface
        raise SystemExit(2) from None
    except EXPECTED as error:
        print(f"billgraph: {error}", file=sys.stderr)  # noqa: T201  # the interface
        raise SystemExit(1) from None


@app.command()
def demo(*, no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False) -> None:
    """Set up the demo organizations and serve them, with tokens for every persona."""
    run(demonstration.run(open_browser=not no_open))


@app.command()
def serve() -> None:
    """Serve the graph on an up-to-date database."""
    run(books.serve(Settings()))


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema and check that it is the expected one."""
    asyncio.run(books.migrate_database(Settings()))


@app.command()
def schema(
    *,
    check: Annotated[bool, typer.Option("--check", help="Fail when schema.graphql is not what the code says.")] = False,
    path: Annotated[Path, typer.Option(help="The file to compare or write.")] = Path("schema.graphql"),
    against: Annotated[Path | None, typer.Option(help="Fail when clients of this released schema would break.")] = None,
    docs: Annotated[
        Path | None, typer.Option(help="Write the reference into this folder, or compare it with --check.")
    ] = None,
    federation: Annotated[
        bool, typer.Option("--federation", help="Print the subgraph that a router of Apollo Federation composes.")
    ] = False,
) -> None:
    """Write the graph's schema to a file, or compare it."""
    if against is not None:
        raise SystemExit(contract.compare(against))
    if federation:
        contract.print_subgraph()
    elif docs is not None:
        raise SystemExit(contract.write_reference(docs, check=check))
    else:
        raise SystemExit(contract.write_schema(path, check=check))


@app.command()
def confine(
    role: Annotated[str, typer.Argument(help="A role of the database that may log in and owns nothing.")],
) -> None:
    """Confine a role of PostgreSQL to the organizations it is told of, on every table; again after each migration."""
    asyncio.run(books.confine(Settings(), role))


@app.command()
def seed() -> None:
    """Fill an empty database with the demo organizations."""
    asyncio.run(demonstration.seed_only())


@app.command()
def close(
    organization: Annotated[str | None, typer.Option(help="Slug of one organization; all of them when absent.")] = None,
) -> None:
    """Bill every month that is over."""
    raise SystemExit(asyncio.run(closing.close_due(Settings(), organization)))


@app.command()
def verify(
    organization: Annotated[str | None, typer.Option(help="Slug of one organization; all of them when absent.")] = None,
    most: Annotated[int, typer.Option(min=1, help="End the search after so many differences.")] = DIFFERENCES_MAX,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of lines.")] = False,
) -> None:
    """Check everything that must always be true of a database, also while it is in use."""
    raise SystemExit(asyncio.run(verifying.verify(Settings(), organization, most=most, as_json=as_json)))


@app.command()
def explain(number: Annotated[str, typer.Argument(help="The number on the invoice.")]) -> None:
    """Print an invoice with everything that made each line what it is."""
    asyncio.run(books.explain(Settings(), number))


@app.command()
def publish(
    path: Annotated[Path, typer.Argument(help="The plan with its prices in one currency, as JSON.")],
    since: Annotated[
        datetime | None, typer.Option(help="From when it is on offer, in UTC; now when absent.", formats=[DAY, MINUTE])
    ] = None,
) -> None:
    """Put a version of a plan's list prices on offer; who subscribed before keeps theirs."""
    document = books.read_document(path)
    asyncio.run(books.publish(Settings(), document, effective_at=since and since.replace(tzinfo=UTC)))


@app.command()
def exempt(
    organization: Annotated[str, typer.Argument(help="The slug of the customer.")],
    certificate: Annotated[str, typer.Option(help="The number of the certificate.")],
    jurisdiction: Annotated[str, typer.Option(help="Where it counts, such as a country.")],
    reason: Annotated[
        str | None, typer.Option(help="Why no tax is owed, as invoices state it; absent, a known one ends.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(help="From when it is valid, in UTC; now when absent.", formats=[DAY, MINUTE])
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(help="Until when, in UTC; without end when absent.", formats=[DAY, MINUTE])
    ] = None,
) -> None:
    """Accept a certificate by which a customer owes no tax, or end one."""
    if reason is None and until is None:
        raise typer.BadParameter("give --reason to accept a certificate, or --until to end one")
    terms = books.ExemptionTerms(
        certificate,
        jurisdiction,
        reason,
        since and since.replace(tzinfo=UTC),
        until and until.replace(tzinfo=UTC),
    )
    asyncio.run(books.exempt(Settings(), organization, terms))


@app.command()
def worker(
    every: Annotated[float, typer.Option(min=1, help="Seconds between two rounds.")] = 60,
    *,
    once: Annotated[bool, typer.Option("--once", help="Do one round and stop.")] = False,
) -> None:
    """Do what falls due: close months, forget old sessions, and send webhooks all along."""
    asyncio.run(books.work(Settings(), every=None if once else every))


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(context: typer.Context) -> None:
    """Measure and prove at full size, from a checkout: see `billgraph bench --help`."""
    benching.run(context.args)


@domains.command("verify")
def verify_domain(
    organization: Annotated[str, typer.Argument(help="Slug of the organization.")],
    domain: Annotated[str, typer.Argument(help="The domain, such as acme.example.")],
    found: Annotated[str, typer.Argument(help="What the TXT record says: look it up yourself, with dig or host.")],
) -> None:
    """Confirm that an organization owns an e-mail domain."""
    asyncio.run(identity.verify_domain(Settings(), organization, domain, found))


@domains.command("claims")
def domain_claims(domain: Annotated[str, typer.Argument(help="The domain, such as acme.example.")]) -> None:
    """Print who claims an e-mail domain, and which record would prove it."""
    asyncio.run(identity.list_claims(Settings(), domain))


@keys.command("rotate")
def rotate_keys() -> None:
    """Sign with a new key from now on; the old one stays published for a day."""
    asyncio.run(identity.rotate_keys(Settings()))


@documents.command("register")
def register_documents(
    manifest: Annotated[Path, typer.Argument(help="A map from ids to documents, Relay's file or Apollo's manifest.")],
) -> None:
    """Check the documents of a client and trust them from now on."""
    documenting.register(Settings(), manifest)


@app.command()
def token(email: Annotated[str, typer.Argument(help="A persona, such as owner@pooled.example.")]) -> None:
    """Print a bearer token for a demo persona (development only)."""
    print(demonstration.token_for(email))  # noqa: T201  # the interface
