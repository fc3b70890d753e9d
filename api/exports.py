"""How does a long list leave the graph?

`/organizations/{id}/audit.csv` and `access.csv`, or `.jsonl`, for whoever may read them, as a stream: a list of any
length needs little memory on both sides. A stranger's organization is answered exactly like one that does not exist.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from api.callers import Authenticate
from api.downloads import failure
from api.middleware import request_id
from auth import policy
from auth.principal import Principal
from billing.periods import require_utc
from billing.roles import Permission
from documents import tables
from documents.tables import MEDIA_TYPES, TableFormat
from models import audit, organizations, tenancy
from models.sql import Client
from schema import ids
from schema.errors import ErrorCode, GraphError
from services import access_exports, audit_exports

_NAME: Final = re.compile(r"(?P<list>[a-z]+)\.(?P<format>[a-z]+)", re.ASCII)
_CHUNK: Final = 100


Lines = AsyncIterator[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that leaves the graph: its columns, and how its lines are read for a request."""

    columns: tuple[str, ...]
    lines: Callable[[Client, str, Request, datetime], Lines]


def _audit(reader: Client, organization_id: str, request: Request, _now: datetime) -> Lines:
    selection = audit.Selection(
        operations=tuple(request.query_params.getlist("operation")),
        since=_instant(request, "since"),
        until=_instant(request, "until"),
    )
    return audit_exports.records(reader, organization_id, selection)


def _access(reader: Client, organization_id: str, request: Request, now: datetime) -> Lines:
    return access_exports.entries(reader, organization_id, _instant(request, "at") or now)


LISTS: Final[Mapping[str, Listed]] = MappingProxyType(
    {
        "audit": Listed(audit_exports.COLUMNS, _audit),
        "access": Listed(access_exports.COLUMNS, _access),
    }
)


@dataclass(frozen=True, slots=True)
class Exports:
    """What the route needs: who is calling, how to read, and what time it is."""

    authenticate: Authenticate
    reader: Client
    now: Callable[[], datetime]

    async def __call__(self, request: Request) -> Response:
        """Answer one request; every fault is a coded error."""
        try:
            return await self._answer(request)
        except Exception as error:  # presented as the graph presents it: ours as they are, the unexpected masked
            return failure(error, request_id(request.scope))

    async def _answer(self, request: Request) -> Response:
        caller = await self.authenticate(request, {})
        assert caller is None or isinstance(caller, Principal)
        name, form = _asked_for(request.path_params["name"])
        organization_id = ids.parse(request.path_params["id"], ids.Kind.ORGANIZATION).organization_id
        principal = policy.authenticated(caller)
        policy.require(principal, organization_id, Permission.AUDIT_READ)
        reader = tenancy.confined(self.reader, principal.memberships)
        organization = await organizations.find(reader, organization_id)
        now = (organization.test_clock_at if organization else None) or self.now()
        listed = LISTS[name]
        lines = listed.lines(reader, organization_id, request, now)
        return StreamingResponse(
            _written(lines, listed.columns, form),
            media_type=MEDIA_TYPES[form],
            headers={
                "cache-control": "no-store",
                "content-disposition": f'attachment; filename="{name}.{form}"',
                "vary": "authorization, cookie",
            },
        )


def routes(*, authenticate: Authenticate, reader: Client, now: Callable[[], datetime]) -> list[Route]:
    """Return the route of all exports."""
    endpoint: Callable[[Request], Awaitable[Response]] = partial(_asked, Exports(authenticate, reader, now))
    return [Route("/organizations/{id}/{name}", endpoint, methods=["GET"])]


async def _asked(endpoint: Exports, request: Request) -> Response:
    return await endpoint(request)


async def _written(lines: Lines, columns: tuple[str, ...], form: TableFormat) -> AsyncIterator[str]:
    written = [tables.header(columns, form)]
    async for line in lines:
        written.append(tables.line(line, columns, form))
        if len(written) >= _CHUNK:
            yield "".join(written)
            written.clear()
    yield "".join(written)


def _asked_for(name: str) -> tuple[str, TableFormat]:
    """Return which list is asked for, and in which form."""
    found = _NAME.fullmatch(name)
    if found is None or found["list"] not in LISTS or found["format"] not in set(TableFormat):
        known = ", ".join(f"{each}.{form}" for each in LISTS for form in TableFormat)
        raise GraphError(ErrorCode.NOT_FOUND, f"there is no such list of an organization; there are {known}")
    return found["list"], TableFormat(found["format"])


def _instant(request: Request, name: str) -> datetime | None:
    given = request.query_params.get(name)
    if given is None:
        return None
    try:
        return require_utc(datetime.fromisoformat(given))
    except ValueError:
        message = f"{name} is {given[:60]!r}; give an instant in UTC, such as 2026-10-01T00:00:00Z"
        raise GraphError(ErrorCode.BAD_USER_INPUT, message, field=name) from None
