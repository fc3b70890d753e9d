"""How does a directory knock, and how is it answered?

Everything under `/scim/v2` takes a SCIM token, which alone says whose people are meant. Bodies are
`application/scim+json`, or `application/json` as the older clients write; every fault is a SCIM error. What a directory
did wrong is answered in its own terms, and what went wrong here is logged and not shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from pydantic import ValidationError
from scim2_models import (
    Context,
    Error,
    InvalidSyntaxException,
    ListResponse,
    NotFoundException,
    NotImplementedException,
    Resource,
    SCIMException,
    SearchRequest,
    UnauthorizedException,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import body, json_codec
from api.media_types import MediaType, chosen
from api.middleware import request_id
from api.scim import bulk, resources, searching
from api.scim.desk import Desk, Refusal, Visit, is_named
from api.scim.groups import GroupDesk
from api.scim.resources import PATH, Group, User
from api.scim.users import UserDesk
from auth import policy
from auth.directories import Directories, DirectoryRefused
from auth.failures import Failures, source_of
from models.database import Database
from models.runner import Overloaded
from schema.errors import ErrorCode, GraphError
from services.dispatch import Dispatcher

MEDIA_TYPE: Final = "application/scim+json"
ACCEPTED: Final = (MEDIA_TYPE, "application/json")
SEARCH: Final = ".search"
_SEARCH_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_STATUS: Final[Mapping[ErrorCode, int]] = {
    ErrorCode.BAD_REQUEST: 400,
    ErrorCode.BODY_TOO_LARGE: 413,
    ErrorCode.NOT_ACCEPTABLE: 406,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
    ErrorCode.METHOD_NOT_ALLOWED: 405,
    ErrorCode.TOO_MANY_FAILURES: 429,
}
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with."""

    status: int
    document: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """What the routes need."""

    database: Database
    dispatcher: Dispatcher
    directories: Directories
    failures: Failures
    base: str
    now: Callable[[], datetime]

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        try:
            return _written(await self._answer(request))
        except Exception as error:  # each is answered as the standard answers it; the unexpected is masked and logged
            return _written(_fault(error, request_id(request.scope)))

    async def _answer(self, request: Request) -> Answer:
        if chosen(request.headers.get("accept", "*/*"), ACCEPTED) is None:
            raise GraphError(ErrorCode.NOT_ACCEPTABLE, f"answers are {MEDIA_TYPE}")
        visit = await self._visit(request)
        parts = [part for part in request.path_params["path"].split("/") if part]
        match parts:
            case ["ServiceProviderConfig" | "ResourceTypes" | "Schemas" as name, *rest] if len(rest) <= 1:
                return _described(self.base, name, rest, request)
            case ["Me", *_]:
                raise NotImplementedException(detail="a directory is nobody, so there is no /Me")
            case ["Bulk"]:
                return await self._bulk(visit, request)
            case ["Users" | "Groups", resource_id] if resource_id != SEARCH:
                return await _one(_desk(visit, parts[0]), resource_id, request)
            case ["Users" | "Groups"] | ["Users" | "Groups", ".search"] | [".search"]:
                return await _many(visit, parts, request)
        raise NotFoundException(detail=f"there is nothing at {request.url.path[:120]}")

    async def _visit(self, request: Request) -> Visit:
        """Return who came from where; failures are counted, and proof that holds is never refused for them."""
        at, source = self.now(), source_of(request.client.host if request.client else "")
        try:
            shown = request.headers.getlist("authorization")
            principal, organization_id = await self.directories.authenticate(shown, at=at)
        except DirectoryRefused as refused:
            wait = self.failures.wait(source, at=at)
            self.failures.note(source, at=at)
            _log.info("directory refused", reason=refused.reason)
            if wait:
                message = f"too much failed from here; try again in {wait} seconds"
                raise GraphError(ErrorCode.TOO_MANY_FAILURES, message, wait=wait) from refused
            raise UnauthorizedException(detail=str(refused)) from refused
        return Visit(
            self.database.reader,
            self.dispatcher,
            principal,
            organization_id,
            at,
            request_id(request.scope),
            self.base,
        )

    async def _bulk(self, visit: Visit, request: Request) -> Answer:
        _require_method(request, "POST")

        async def carry_out(method: str, path: str, document: Any, version: str | None) -> bulk.Done:
            try:
                return await _operation(visit, method, path, document, version)
            except Exception as error:  # one operation fails, and the others do not know
                answer = _fault(error, visit.request_id)
                return bulk.Done(answer.status, error=answer.document)

        return Answer(200, await bulk.Bulk(carry_out).answer(await _document(request)))


def routes(
    database: Database, dispatcher: Dispatcher, *, public_url: str, failures: Failures, now: Callable[[], datetime]
) -> list[Route]:
    """Return the route of the whole door."""
    base = f"{public_url.rstrip('/')}{PATH}"
    door = Door(database, dispatcher, Directories(database), failures, base, now)

    async def endpoint(request: Request) -> Response:
        return await door(request)

    return [Route(f"{PATH}/{{path:path}}", endpoint, methods=list(_METHODS))]


def _desk(visit: Visit, name: str) -> Desk:
    return UserDesk(visit) if name == "Users" else GroupDesk(visit)


async def _one(desk: Desk, resource_id: str, request: Request) -> Answer:
    """Answer a request for one user or group."""
    _require_method(request, "GET", "PUT", "PATCH", "DELETE")
    model = User if isinstance(desk, UserDesk) else Group
    search = searching.asked(model, request.query_params)
    if_match = request.headers.get("if-match")
    match request.method:
        case "GET":
            found = await desk.read(resource_id, search)
            known = request.headers.get("if-none-match")
            if known is not None and is_named(known, _tag(found)):
                return Answer(304, headers={"etag": _etag(found)})
        case "PUT":
            found = await desk.replace(resource_id, await _document(request), if_match)
        case "PATCH":
            found = await desk.patch(resource_id, await _document(request), if_match)
        case _:
            await desk.delete(resource_id, if_match)
            return Answer(204)
    return _shown(200, found, search)


async def _many(visit: Visit, parts: list[str], request: Request) -> Answer:
    """Answer a search, or make a resource."""
    is_search = parts[-1] == SEARCH
    names = ["Users", "Groups"] if parts == [SEARCH] else [parts[0]]
    desks = [_desk(visit, name) for name in names]
    model: Any = User | Group if len(names) > 1 else (User if names == ["Users"] else Group)
    if is_search:
        _require_method(request, "POST")
        document = await _document(request)
        if _SEARCH_SCHEMA not in document.get("schemas", ()):
            raise InvalidSyntaxException(detail=f"a search has the schema {_SEARCH_SCHEMA}")
        return await _found(desks, searching.asked(model, document))
    _require_method(request, "GET", "POST")
    search = searching.asked(model, request.query_params)
    if request.method == "GET":
        return await _found(desks, search)
    made = await desks[0].create(await _document(request))
    return _shown(201, made, search)


async def _found(desks: list[Desk], search: SearchRequest[Any]) -> Answer:
    """Answer a search, over several kinds of resources as if they were one list."""
    start, size, total = searching.start_of(search), searching.size_of(search), 0
    page: list[Resource[Any]] = []
    for desk in desks:
        found = await desk.find(search, start=max(0, start - total), size=size - len(page))
        total += found.total
        page += found.resources
    context = Context.RESOURCE_QUERY_RESPONSE
    return Answer(
        200,
        {
            "schemas": [str(ListResponse.__schema__)],
            "totalResults": total,
            "startIndex": start + 1,
            "itemsPerPage": len(page),
            "Resources": [each.model_dump(scim_ctx=context, response_parameters=search) for each in page],
        },
    )


async def _operation(visit: Visit, method: str, path: str, document: Any, version: str | None) -> bulk.Done:
    """Carry out one operation of a bulk request."""
    match [part for part in path.split("/") if part], method:
        case ["Users" | "Groups" as name], "POST":
            made = await _desk(visit, name).create(_object(document))
            return _done(201, made)
        case ["Users" | "Groups" as name, resource_id], "PUT":
            return _done(200, await _desk(visit, name).replace(resource_id, _object(document), version))
        case ["Users" | "Groups" as name, resource_id], "PATCH":
            return _done(200, await _desk(visit, name).patch(resource_id, _object(document), version))
        case ["Users" | "Groups" as name, resource_id], "DELETE":
            await _desk(visit, name).delete(resource_id, version)
            return bulk.Done(204, location=f"{visit.base}/{name}/{resource_id}")
    raise NotFoundException(detail=f"{method} is nothing one can do at {path[:120]}")


def _done(status: int, made: Resource[Any]) -> bulk.Done:
    assert made.meta is not None, "whatever is shown says where it is"
    return bulk.Done(status, made.meta.location, made.meta.version, made.id)


def _described(base: str, name: str, rest: list[str], request: Request) -> Answer:
    """Answer what the service can do, and of which kind its resources are."""
    _require_method(request, "GET")
    if "filter" in request.query_params:
        # The standard wants nobody to narrow down what the service is.
        return Answer(403, Error(status=403, detail="what the service is cannot be filtered").model_dump())
    if name == "ServiceProviderConfig":
        if rest:
            raise NotFoundException(detail="there is one ServiceProviderConfig")
        return Answer(200, resources.config(base).model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE))
    known: list[Any] = resources.resource_types(base) if name == "ResourceTypes" else resources.schemas(base)
    shown = [each.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE) for each in known]
    if rest:
        found = next((each for each in shown if each["id"] == rest[0]), None)
        if found is None:
            raise NotFoundException(detail=f"there is no {rest[0][:120]!r} among {name}")
        return Answer(200, found)
    return Answer(
        200,
        {
            "schemas": [str(ListResponse.__schema__)],
            "totalResults": len(shown),
            "startIndex": 1,
            "itemsPerPage": len(shown),
            "Resources": shown,
        },
    )


async def _document(request: Request) -> dict[str, Any]:
    """Return the JSON object in the body."""
    if MediaType.of(request.headers.get("content-type", "")).name not in ACCEPTED:
        raise GraphError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, f"send the body as {MEDIA_TYPE} in UTF-8")
    sent = await body.read(request, bytes_max=resources.BULK_BYTES_MAX)
    try:
        return _object(json_codec.decode(sent))
    except json_codec.InvalidJson as error:
        raise InvalidSyntaxException(detail=f"the body cannot be read: {error}") from error


def _object(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise InvalidSyntaxException(detail="this is no JSON object")
    return document


def _require_method(request: Request, *allowed: str) -> None:
    if request.method not in allowed:
        raise GraphError(ErrorCode.METHOD_NOT_ALLOWED, f"this takes {', '.join(allowed)}", allow=", ".join(allowed))


def _shown(status: int, found: Resource[Any], search: SearchRequest[Any]) -> Answer:
    context = Context.RESOURCE_CREATION_RESPONSE if status == 201 else Context.RESOURCE_QUERY_RESPONSE
    assert found.meta is not None, "whatever is shown says where it is"
    headers = {"etag": _etag(found), "location": str(found.meta.location)}
    return Answer(status, found.model_dump(scim_ctx=context, response_parameters=search), headers)


def _etag(found: Resource[Any]) -> str:
    assert found.meta is not None, "whatever is shown has a version"
    return str(found.meta.version)


def _tag(found: Resource[Any]) -> str:
    return _etag(found).removeprefix("W/").strip('"')


def _fault(error: Exception, named: str) -> Answer:
    """Return a fault as a SCIM error."""
    headers: dict[str, str] = {}
    match error:
        case Refusal():
            shown = error.as_scim().to_error()
        case SCIMException():
            shown = error.to_error()
            if isinstance(error, UnauthorizedException):
                headers["www-authenticate"] = "Bearer"
        case ValidationError():
            shown = Error.from_validation_errors(error)[0]
        case GraphError() if error.code in _STATUS:
            shown = Error(status=_STATUS[error.code], detail=error.message)
            headers |= {name: str(error.facts[name]) for name in ("allow",) if name in error.facts}
            headers |= {"retry-after": str(error.facts["wait"])} if "wait" in error.facts else {}
        case policy.Forbidden():
            shown = Error(status=403, detail="the token's maker may not do this, and so the token may not either")
        case Overloaded():
            shown, headers["retry-after"] = Error(status=503, detail="too much is waiting; try again"), "1"
        case _:
            _log.error("unexpected error", error=type(error).__name__, exc_info=error)
            shown = Error(status=500, detail=f"something went wrong; quote request {named} when reporting it")
    return Answer(shown.status or 500, shown.model_dump(), headers)


def _written(answer: Answer) -> Response:
    headers = {"cache-control": "no-store", **(answer.headers or {})}
    if answer.document is None:
        return Response(status_code=answer.status, headers=headers)
    return Response(json_codec.encode(answer.document), answer.status, headers, MEDIA_TYPE)
