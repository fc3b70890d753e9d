"""Who tries every field: each built-in role, somebody let go, a stranger, and nobody.

All are callers of one organization, `home`; the stranger owns another and asks for this one.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from graphql import ExecutionResult, OperationType
from starlette.requests import HTTPConnection

from api.callers import Caller, Visit
from api.execution import Operations, Subscription
from api.following import Answered
from api.graph_requests import GraphRequest
from api.operations import Operation, Refused
from api.settings import Limits
from auth.principal import Membership, Method, Principal
from billing.roles import BUILT_IN
from events.hub import Hub
from models.database import Database
from models.sql import Client
from resolvers.roots import schema
from schema import cursors, ids
from schema.context import Context
from services.dispatch import Dispatcher
from tests.authorization import reach
from tests.services.books import ALWAYS, START
from tests.signing_in import providers_of
from tests.stories.seeded import AT

CANARY: Final = "canary-8c1f"
NOBODY: Final = "nobody"
STRANGER: Final = "stranger"
DEACTIVATED: Final = "deactivated"
CALLERS: Final = (NOBODY, STRANGER, DEACTIVATED, *BUILT_IN)
OPERATIONS: Final = Operations(schema, Limits(documents_cached_max=5_000, query_seconds_max=60))
"""What somebody may see is asked here, and not how fast: on a busy machine nothing is given up."""


@dataclass(frozen=True, slots=True)
class Home:
    """An organization, the member that callers are, and another member."""

    database: Database
    organization_id: str
    member_id: str
    other_id: str
    answering: Client | None = None
    """What answers are read with, where it is not the database's own reader."""
    ways: Mapping[str, reach.Path] | None = None
    """Ways to something of each type, where they were found already."""

    def caller(self, name: str) -> Principal | None:
        """Return the caller of a name: as a role they are the same person, with another role."""
        if name == NOBODY:
            return None
        if name == STRANGER:
            elsewhere = Membership("01kwdfkd00yp6arym8shx0mx4x", None, "owner", BUILT_IN["owner"].permissions)
            return _account("stranger", elsewhere)
        if name == DEACTIVATED:
            return _account("deactivated")
        role = BUILT_IN[name]
        return _account(name, Membership(self.organization_id, self.member_id, role.key, role.permissions))

    @property
    def first_cursor(self) -> str:
        """The cursor before the first event of the log."""
        return cursors.encode(cursors.EVENTS, self.organization_id, "0")

    @property
    def known_by_field(self) -> Mapping[str, str]:
        """The ids that inputs name, by the name of the field."""
        known = self.known
        return {"organizationId": known["organization"], "memberId": known["other"]}

    @property
    def known(self) -> Mapping[str, str]:
        """The ids that questions are about, by name."""
        return {
            "organization": ids.organization(self.organization_id),
            "member": ids.text(ids.Kind.MEMBER, self.organization_id, self.member_id),
            "other": ids.text(ids.Kind.MEMBER, self.organization_id, self.other_id),
        }

    async def ask(
        self, caller: Principal | None, document: str, variables: Mapping[str, Any] = MappingProxyType({})
    ) -> ExecutionResult:
        """Return the answer to a query or mutation, or whether a subscription opens, as behind the served doors."""
        for name, text in self.known.items():
            document = document.replace(f"${name}", f'"{text}"')
        visit = Visit(HTTPConnection({"type": "http", "headers": []}), caller, self.context, "request")
        try:
            operation = OPERATIONS.prepare(GraphRequest(document, None, dict(variables)))
        except Refused as refused:
            return ExecutionResult(None, list(refused.errors))
        if operation.kind is OperationType.SUBSCRIPTION:
            return await _opened(operation, visit)
        return await OPERATIONS.run(operation, visit)

    async def paths(self) -> Mapping[str, reach.Path]:
        """Return a way to something of each type, as the primary owner finds it."""

        async def ask(document: str) -> Any:
            return (await self.ask(self.caller("primary_owner"), document)).data

        return self.ways if self.ways is not None else await reach.paths(ask)

    @asynccontextmanager
    async def context(self, _connection: HTTPConnection | None, caller: Caller | None) -> AsyncIterator[object]:
        assert caller is None or isinstance(caller, Principal)
        dispatcher = Dispatcher(self.database.runner, Hub())
        providers = providers_of(self.database)
        yield Context(
            caller,
            self.answering or self.database.reader,
            dispatcher,
            dispatcher.hub,
            lambda: AT,
            "request",
            providers=providers,
            everybody=self.database.reader,
        )


class _Unread:
    """A reader who is never ready: only whether a subscription opens is asked."""

    is_ready = False

    def push(self, _message: Answered) -> None:
        raise AssertionError("nothing is sent to one who is not ready")

    async def drained(self) -> None:
        await asyncio.Event().wait()

    def end(self, _refused: ExecutionResult) -> None:
        raise AssertionError("whoever may subscribe may go on")


async def _opened(operation: Operation, visit: Visit) -> ExecutionResult:
    try:
        opened = await OPERATIONS.open(operation, visit, _Unread())
    except Refused as refused:
        return ExecutionResult(None, list(refused.errors))
    assert isinstance(opened, Subscription)
    opened.cancel()
    return ExecutionResult({"opened": True}, None)


def _account(name: str, *memberships: Membership) -> Principal:
    return Principal.of(
        memberships,
        issuer="https://idp.example",
        subject=name,
        name=name,
        email=f"{name}@caller.example",
        authenticated_at=START,
        expires_at=ALWAYS,
        method=Method.BEARER,
    )
