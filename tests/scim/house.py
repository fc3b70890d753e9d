"""A directory at the door of an organization: the real door, a real database and a real token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.middleware import Middleware

from api import scim
from api.middleware import RequestId
from auth.failures import Failures
from auth.principal import Principal
from models import members, seats
from models.database import Database
from schema import ids
from services import scim_tokens
from tests.services.books import START, Books, books

BASE = "http://directory"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def app_of(ours: Books, *, base: str = BASE, at: datetime = START, failures_max: int = 10) -> Starlette:
    """Return the door alone, at an instant that does not pass."""
    routes = scim.routes(
        ours.database, ours.dispatcher, public_url=base, failures=Failures(failures_max), now=lambda: at
    )
    return Starlette(routes=routes, middleware=[Middleware(RequestId)])


async def token_of(ours: Books, *, actor: Principal | None = None) -> str:
    """Return a new token of the organization."""
    made = await ours.do(scim_tokens.create, scim_tokens.Create, name="Directory", actor=actor)
    assert isinstance(made, scim_tokens.Created), made
    assert made.secret is not None
    return made.secret


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory that pushes to one organization."""

    books: Books
    http: httpx2.AsyncClient

    async def send(self, method: str, path: str, document: Any = None, **headers: str) -> httpx2.Response:
        """Send a request as directories do."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if document is not None:
            named = {"content-type": "application/scim+json", **named}
        return await self.http.request(method, f"/scim/v2{path}", json=document, headers=named)

    async def get(self, path: str, **headers: str) -> Any:
        """Return the body of an answer that must be 200."""
        answer = await self.send("GET", path, **headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def user(self, email: str = "bo@x.example", **attributes: Any) -> Any:
        """Create a user and return it."""
        document = {"schemas": [USER], "userName": email, "displayName": email.partition("@")[0], **attributes}
        answer = await self.send("POST", "/Users", document)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def group(self, name: str, *member_ids: str) -> Any:
        """Create a group and return it."""
        document = {"schemas": [GROUP], "displayName": name, "members": [{"value": each} for each in member_ids]}
        answer = await self.send("POST", "/Groups", document)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def patch(self, path: str, *operations: Any, **headers: str) -> httpx2.Response:
        """Send operations as one PATCH."""
        return await self.send("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **headers)

    async def member(self, user: Any) -> members.Member:
        """Return the member behind a user."""
        key = ids.parse(user["id"], ids.Kind.MEMBER).key
        found = await members.find(self.books.reader, self.books.organization_id, key)
        assert found is not None
        return found

    async def seat(self, user: Any) -> tuple[str, str | None] | None:
        """Return the role and tier of the seat a user holds, None for no seat."""
        key = ids.parse(user["id"], ids.Kind.MEMBER).key
        held = await seats.open_seat(self.books.reader, self.books.organization_id, key)
        return (held.role, held.tier) if held else None


@asynccontextmanager
async def directory_of(ours: Books, *, token: str | None = None, **fields: Any) -> AsyncIterator[Directory]:
    """Yield a directory with a token of an organization."""
    token = token or await token_of(ours)
    transport = httpx2.ASGITransport(app_of(ours, **fields))
    headers = {"authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, headers=headers) as http:
        yield Directory(ours, http)


@asynccontextmanager
async def a_directory(database: Database, **fields: Any) -> AsyncIterator[Directory]:
    """Yield a directory of a new organization."""
    async with directory_of(await books(database), **fields) as directory:
        yield directory
