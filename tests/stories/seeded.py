"""The demo as the stories meet it: built once, and a copy of it for each story that wants to change something."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from api.demo import personas
from api.demo.months import Months
from api.demo.seed import seed
from auth.development import subject_of
from auth.principal import Membership, Method, Principal
from billing.roles import BUILT_IN
from events.hub import Hub
from models import events, invoices, members, organizations
from models.database import Database, opened
from services.dispatch import Dispatcher
from tests import databases
from tests.services.books import ALWAYS, START, Books

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
ISSUER = "https://idp.example"


def silent(_text: str) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class Issued:
    """An invoice with everything on it."""

    head: invoices.Invoice
    lines: list[invoices.InvoiceLine]
    shares: list[invoices.InvoiceShare]

    @property
    def line(self) -> invoices.InvoiceLine:
        """The line of an invoice that has only one."""
        (only,) = self.lines
        return only


@dataclass(frozen=True, slots=True)
class House:
    """One organization of the demo, its primary owner at work."""

    books: Books
    months: Months

    async def member(self, email: str) -> members.Member:
        found = await members.find_by_email(self.books.reader, self.books.organization_id, email)
        assert found is not None, email
        return found

    async def invoices(self) -> list[Issued]:
        """Return every invoice in the order of its month."""
        reader, organization_id = self.books.reader, self.books.organization_id
        heads = await invoices.Invoice.filter(organization_id=organization_id).using_db(reader).order_by("boundary_at")
        return [
            Issued(
                head,
                await invoices.lines_of(reader, organization_id, [head.id]),
                await invoices.shares_of(reader, organization_id, [head.id]),
            )
            for head in heads
        ]

    async def log(self, kind: str) -> list[events.Event]:
        """Return the events of one kind."""
        return await self.books.facts(kind)


async def house(database: Database, slug: str) -> House:
    """Return an organization of the demo by its slug."""
    organization = await organizations.find_by_slug(database.reader, slug)
    assert organization is not None, slug
    persona = personas.of(slug)[0]
    member = await members.find_by_email(database.reader, organization.organization_id, persona.email)
    assert member is not None
    role = BUILT_IN["primary_owner"]
    own = Membership(organization.organization_id, member.id, role.key, role.permissions)
    owner = Principal.of(
        [own],
        issuer=ISSUER,
        subject=subject_of(persona.email),
        name=persona.name,
        email=persona.email,
        authenticated_at=START,
        expires_at=ALWAYS,
        method=Method.BEARER,
    )
    books = Books(database, Dispatcher(database.runner, Hub()), organization.organization_id, owner)
    return House(books, Months.before(AT, organization.time_zone))


async def build(folder: Path, worker: str) -> str:
    """Return the URL of a database that holds the demo."""
    url = await databases.prepare(folder, worker)
    async with opened(url) as database:
        await seed(database, at=AT, issuer=ISSUER, progress=silent)
    return url


async def digest(database: Database) -> dict[str, str]:
    """Return a digest of all rows of each table, whatever their order."""
    sqlite = "SELECT name FROM sqlite_master WHERE type = 'table'"
    postgres = "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()"
    tables = await database.reader.execute_query_dict(sqlite if database.dialect == "sqlite" else postgres)
    return {
        name: await _digest_of(database, name)
        for (name,) in sorted(tuple(table.values()) for table in tables)
        if not name.startswith(("tortoise", "sqlite"))
    }


async def _digest_of(database: Database, table: str) -> str:
    rows: list[dict[str, Any]] = await database.reader.execute_query_dict(f'SELECT * FROM "{table}"')
    texts = sorted(json.dumps(dict(row), sort_keys=True, default=str) for row in rows)
    return f"{len(texts)} {sha256(chr(10).join(texts).encode()).hexdigest()[:16]}"
