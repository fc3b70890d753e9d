"""The operations that clients are shown, each run on the demo as the persona it is for, behind the served limits."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from graphql import OperationType, get_operation_ast, parse
from starlette.requests import HTTPConnection

from api.callers import Caller, Visit
from api.demo import personas
from api.execution import Operations
from api.graph_requests import GraphRequest
from api.settings import Limits
from auth.development import subject_of
from auth.principal import Membership, Method, Principal
from billing.roles import BUILT_IN
from events.hub import Hub
from models import events, members, organizations
from models.database import Database
from resolvers.roots import schema
from schema import cursors, ids
from schema.context import Context
from services.dispatch import Dispatcher
from tests import databases
from tests.services.books import ALWAYS, START
from tests.stories.seeded import AT, ISSUER

COOKBOOK = Path(__file__).parents[2] / "examples" / "graphql"
NAMES = sorted(path.stem for path in COOKBOOK.glob("*.graphql"))
OPERATIONS = Operations(schema, Limits())


@dataclass(frozen=True)
class Reader:
    """A persona with the cookbook."""

    database: Database
    principal: Principal
    known: dict[str, str]

    async def follow(self, name: str) -> dict[str, Any]:
        """Return the data that one operation of the cookbook gets; of a subscription, the first news."""
        text = (COOKBOOK / f"{name}.graphql").read_text("utf-8")
        written = (COOKBOOK / f"{name}.variables.json").read_text("utf-8")
        for placeholder, value in self.known.items():
            written = written.replace(f'"${placeholder}"', json.dumps(value))
        operation = OPERATIONS.prepare(GraphRequest(text, None, json.loads(written)))
        visit = Visit(HTTPConnection({"type": "http", "headers": []}), self.principal, self._context, "request")
        if operation.kind is OperationType.SUBSCRIPTION:
            async with visit.context() as context:
                stream: Any = await schema.subscribe(text, operation.variables, context)
                result = await anext(stream)
                await stream.aclose()
        else:
            result = await OPERATIONS.run(operation, visit)
        assert result.errors is None, result.errors
        assert result.data is not None
        return result.data

    @asynccontextmanager
    async def _context(self, _connection: HTTPConnection | None, caller: Caller | None) -> AsyncIterator[Context]:
        assert isinstance(caller, Principal)
        dispatcher = Dispatcher(self.database.runner, Hub())
        yield Context(caller, self.database.reader, dispatcher, dispatcher.hub, lambda: AT, "request")


async def a_reader(database: Database, name: str) -> Reader:
    """Return the persona whom an operation names as its asker."""
    named = re.search(r"^# as: (\S+)$", (COOKBOOK / f"{name}.graphql").read_text("utf-8"), re.M)
    assert named is not None, "an example says who may ask"
    persona = personas.find(named[1])
    organization = await organizations.find_by_slug(database.reader, persona.organization)
    assert organization is not None
    organization_id = organization.organization_id
    own = await members.find_by_email(database.reader, organization_id, persona.email)
    member = await members.find_by_email(database.reader, organization_id, f"member@{persona.organization}.example")
    assert own is not None
    assert member is not None
    role = BUILT_IN[persona.role]
    principal = Principal.of(
        [Membership(organization_id, own.id, role.key, role.permissions)],
        issuer=ISSUER,
        subject=subject_of(persona.email),
        name=persona.name,
        email=persona.email,
        authenticated_at=START,
        expires_at=ALWAYS,
        method=Method.BEARER,
    )
    log = await events.after(database.reader, organization_id, 0, limit=100_000)
    old = max(each.sequence for each in log if each.occurred_at < AT - timedelta(days=29))
    known = {
        "organization": ids.organization(organization_id),
        "member": ids.text(ids.Kind.MEMBER, organization_id, member.id),
        "cursor": cursors.encode(cursors.EVENTS, organization_id, str(old)),
        "key": f"cookbook-{name}",
        "now": AT.isoformat(),
    }
    return Reader(database, principal, known)


@pytest.fixture(scope="module")
async def kitchen(demo_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """One copy of the demo for the whole book: its commands do not get in each other's way."""
    async with databases.copied(demo_url, tmp_path_factory.mktemp("kitchen")) as database:
        yield database


@pytest.mark.parametrize("name", NAMES)
async def test_runs_as_it_is_shown(kitchen: Database, name: str) -> None:
    reader = await a_reader(kitchen, name)

    found = await reader.follow(name)

    for payload in found.values():
        assert payload, "the demo has something to show"
        if isinstance(payload, dict):
            assert payload.get("userErrors", []) == []


@pytest.mark.parametrize("name", NAMES)
def test_says_what_it_shows_and_has_a_name(name: str) -> None:
    text = (COOKBOOK / f"{name}.graphql").read_text("utf-8")
    operation = get_operation_ast(parse(text))

    assert text.startswith("# ")
    assert operation is not None
    assert operation.name is not None


def test_shows_every_kind_of_operation() -> None:
    texts = [(COOKBOOK / f"{name}.graphql").read_text("utf-8") for name in NAMES]
    operations = [get_operation_ast(parse(text)) for text in texts]

    assert {each.operation for each in operations if each is not None} == set(OperationType)
