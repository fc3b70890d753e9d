"""Prove on ten thousand operations that a compiled operation answers what the library answers.

On the demo, for the people in it, for somebody of each other role, for a stranger and for nobody.
"""

import asyncio
import sys
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import typer

from api.demo import personas
from api.demo.seed import seed
from auth.principal import Membership, Method, Principal
from benchmarks import databases, tables
from benchmarks.plan_oracle import Verdict, compared
from billing.roles import BUILT_IN
from events.hub import Hub
from models import members, organizations
from models.database import Database, opened
from schema import ids
from schema.context import Context
from services.dispatch import Dispatcher

AT: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
SHOWN_MAX: Final = 3


def run(
    questions: Annotated[int, typer.Option(min=1, help="How many operations are compared.")] = 10_000,
    start: Annotated[int, typer.Option("--seed", help="Which operations: the same seed writes the same.")] = 1,
    database: Annotated[str, typer.Option(help="`sqlite`, or the URL of a PostgreSQL server.")] = databases.SQLITE,
) -> None:
    """Execute generated operations by their plans and by graphql-core, and compare the bodies byte for byte."""
    verdict = asyncio.run(proved(database, questions, start))
    for each in sorted(verdict.differences, key=lambda each: len(each.question.document))[:SHOWN_MAX]:
        typer.echo(f"{each.caller}: {each.question.document}\n{each.question.variables}", err=True)
        typer.echo(f"plan:    {each.plan.decode()}\nlibrary: {each.library.decode()}\n", err=True)
    title = f"Compiled operations against graphql-core, on {databases.dialect_of(database)}"
    raise SystemExit(tables.show(title, figures(verdict)))


def figures(verdict: Verdict) -> list[tables.Figure]:
    """Return the rows of the table."""
    return [
        tables.count("operations compared", verdict.asked),
        tables.zero("answers that differ", len(verdict.differences)),
        tables.count("fallbacks to graphql-core", verdict.fallbacks),
        tables.count("objects in the answers", verdict.objects),
        tables.count("types among them", len(verdict.types)),
        *(tables.count(f"  errors {code}", count) for code, count in verdict.codes.most_common()),
    ]


async def proved(database: str, questions: int, start: int) -> Verdict:
    """Fill a database with the demo, and let everybody ask about each organization of it."""
    verdict = Verdict()
    # The library drops what it has not awaited yet when a required field fails, and Python says so of each.
    sys.unraisablehook = lambda _: None
    warnings.simplefilter("ignore", RuntimeWarning)
    async with databases.thrown_away(database) as url, opened(url) as house:
        await seed(house, at=AT, issuer="https://idp.example", progress=lambda _: None)
        for place, slug in enumerate(personas.SLUGS):
            callers, known = await _people(house, slug)
            part = (questions + place) // len(personas.SLUGS)
            verdict += await compared(_contexts(house), callers, known, questions=part, seed=start + place)
    return verdict


def _contexts(database: Database) -> Any:
    dispatcher = Dispatcher(database.runner, Hub())

    @asynccontextmanager
    async def open_for(caller: Principal | None) -> AsyncIterator[Context]:
        yield Context(caller, database.reader, dispatcher, dispatcher.hub, lambda: AT, "oracle")

    return open_for


async def _people(database: Database, slug: str) -> tuple[dict[str, Principal | None], dict[str, list[str]]]:
    """Return who asks about an organization, by name, and the ids they begin with."""
    organization = await organizations.find_by_slug(database.reader, slug)
    assert organization is not None, slug
    organization_id = organization.organization_id
    callers: dict[str, Principal | None] = {"nobody": None, "stranger": _principal("stranger")}
    known: dict[str, list[str]] = {"org": [ids.organization(organization_id)], "mem": []}
    for persona in personas.of(slug):
        found = await members.find_by_email(database.reader, organization_id, persona.email)
        assert found is not None, persona.email
        known["mem"].append(ids.text(ids.Kind.MEMBER, organization_id, found.id))
        role = BUILT_IN[persona.role]
        callers[persona.email] = _principal(
            persona.email, Membership(organization_id, found.id, role.key, role.permissions)
        )
        callers |= {
            role.key: _principal(role.key, Membership(organization_id, found.id, role.key, role.permissions))
            for role in BUILT_IN.values()
        }
    return callers, known


def _principal(name: str, *memberships: Membership) -> Principal:
    return Principal.of(
        memberships,
        issuer="https://idp.example",
        subject=name,
        name=name,
        email=name,
        authenticated_at=AT,
        expires_at=AT + timedelta(days=1),
        method=Method.BEARER,
    )
