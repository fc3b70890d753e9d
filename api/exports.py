"""How does a long list leave the graph?

`/organizations/{id}/audit.csv` and `.jsonl`, for whoever may read it, as a stream: a list of any length needs little
memory on both sides. A stranger's organization is answered exactly like one that does not exist.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
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
from models import audit
from models.sql import Client
from schema import ids
from schema.errors import ErrorCode, GraphError
from services import audit_exports

_NAME: Final = re.compile(r"audit\.(?P<format>[a-z]+)", re.ASCII)
_CHUNK: Final = 100


@dataclass(frozen=True, slots=True)
class Exports:
    """What the route needs: who is calling, and how to read."""

    authenticate: Authenticate
    reader: Client

    async def __call__(self, request: Request) -> Response:
        """Answer one request; every fault is a coded error."""
        try:
            return await self._answer(request)
        except Exception as error:  # presented as the graph presents it: ours as they are, the unexpected masked
            return failure(error, request_id(request.scope))

    async def _answer(self, request: Request) -> Response:
        caller = await self.authenticate(request, {})
        assert caller is None or isinstance(caller, Principal)
        form = _form(request.path_params["name"])
        organization_id = ids.parse(request.path_params["id"], ids.Kind.ORGANIZATION).organization_id
        policy.require(policy.authenticated(caller), organization_id, Permission.AUDIT_READ)
        selection = audit.Selection(
            operations=tuple(request.query_params.getlist("operation")),
            since=_instant(request, "since"),
            until=_instant(request, "until"),
        )
        records = audit_exports.records(self.reader, organization_id, selection)
        return StreamingResponse(
            _written(records, form),
            media_type=MEDIA_TYPES[form],
            headers={
                "cache-control": "no-store",
                "content-disposition": f'attachment; filename="audit.{form}"',
                "vary": "authorization, cookie",
            },
        )


def routes(*, authenticate: Authenticate, reader: Client) -> list[Route]:
    """Return the route of all exports."""
    endpoint: Callable[[Request], Awaitable[Response]] = partial(_asked, Exports(authenticate, reader))
    return [Route("/organizations/{id}/{name}", endpoint, methods=["GET"])]


async def _asked(endpoint: Exports, request: Request) -> Response:
    return await endpoint(request)


async def _written(records: AsyncIterator[Any], form: TableFormat) -> AsyncIterator[str]:
    columns = audit_exports.COLUMNS
    lines = [tables.header(columns, form)]
    async for record in records:
        lines.append(tables.line(record, columns, form))
        if len(lines) >= _CHUNK:
            yield "".join(lines)
            lines.clear()
    yield "".join(lines)


def _form(name: str) -> TableFormat:
    found = _NAME.fullmatch(name)
    if found is None or found["format"] not in set(TableFormat):
        message = f"an organization's audit is exported as one of {', '.join(f'audit.{each}' for each in TableFormat)}"
        raise GraphError(ErrorCode.NOT_FOUND, message)
    return TableFormat(found["format"])


def _instant(request: Request, name: str) -> datetime | None:
    given = request.query_params.get(name)
    if given is None:
        return None
    try:
        return require_utc(datetime.fromisoformat(given))
    except ValueError:
        message = f"{name} is {given[:60]!r}; give an instant in UTC, such as 2026-10-01T00:00:00Z"
        raise GraphError(ErrorCode.BAD_USER_INPUT, message, field=name) from None
