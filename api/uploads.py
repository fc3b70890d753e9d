"""How does a long list of people get in?

As the body of `POST /organizations/{id}/imports`, a CSV file, larger than anything the graph reads. It is answered as
soon as the list is kept; how it goes on is in the graph, under the id in the answer. The key that makes sending it
again harmless is in the header `Idempotency-Key`. Whether the caller may do this is asked before the body is read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api import body
from api.callers import Authenticate
from api.downloads import failure
from api.media_types import MediaType
from api.middleware import request_id
from auth import policy
from auth.principal import Principal
from schema import ids
from schema.errors import ErrorCode, GraphError
from services import dispatch, import_files, import_runs
from services.dispatch import Dispatcher
from services.import_runs import Mode, Packed
from services.outcomes import RefusalCode, Refused

READERS_MAX: Final = 2
MEDIA_TYPE: Final = "text/csv"
_WAYS: Final = frozenset({"true", "false"})


@dataclass(frozen=True, slots=True)
class Uploads:
    """What the route needs: who is calling, how to write, how much to read, and what time it is."""

    authenticate: Authenticate
    dispatcher: Dispatcher
    bytes_max: int
    now: Callable[[], datetime]
    readers: CapacityLimiter

    async def __call__(self, request: Request) -> Response:
        """Answer one request; every fault is a coded error, and a refusal is data."""
        try:
            return await self._answer(request)
        except import_files.InvalidFile as error:
            return _refused(Refused(RefusalCode.INPUT_INVALID, str(error), ("csv",)))
        except Exception as error:  # presented as the graph presents it: ours as they are, the unexpected masked
            return failure(error, request_id(request.scope))

    async def _answer(self, request: Request) -> Response:
        caller = await self.authenticate(request, {})
        assert caller is None or isinstance(caller, Principal)
        organization_id = ids.parse(request.path_params["id"], ids.Kind.ORGANIZATION).organization_id
        asked = dispatch.Request(policy.authenticated(caller), self.now(), request_id(request.scope))
        await self.dispatcher.require(import_runs.start, organization_id, asked)
        mode, dry_run, key = _mode(request), _dry_run(request), request.headers.get("idempotency-key", "")
        _require_csv(request)
        packed = await self._packed(await body.read(request, bytes_max=self.bytes_max))
        key = import_runs.rehearsal_key(key) if dry_run else key
        command = import_runs.Start(organization_id, key, packed, mode, dry_run)
        answer = await self.dispatcher.execute(import_runs.start, command, asked)
        if isinstance(answer, Refused):
            return _refused(answer)
        shown = {"id": ids.text(ids.Kind.IMPORT, organization_id, answer.import_id), "total": packed.total}
        return JSONResponse({"import": shown, "userErrors": []}, 202, {"cache-control": "no-store"})

    async def _packed(self, given: bytes) -> Packed:
        """Return the list in a body, read beside the loop: fifty thousand rows take a moment."""
        return await to_thread.run_sync(_read, given, limiter=self.readers)


def routes(
    *, authenticate: Authenticate, dispatcher: Dispatcher, bytes_max: int, now: Callable[[], datetime]
) -> list[Route]:
    """Return the route of all uploads."""
    endpoint = Uploads(authenticate, dispatcher, bytes_max, now, CapacityLimiter(READERS_MAX))

    async def upload(request: Request) -> Response:
        return await endpoint(request)

    return [Route("/organizations/{id}/imports", upload, methods=["POST"])]


def _read(given: bytes) -> Packed:
    try:
        text = given.decode("utf-8")
    except UnicodeDecodeError as error:
        line = given.count(b"\n", 0, error.start) + 1
        raise import_files.InvalidFile(line, "this is no UTF-8") from error
    listed = import_files.read(text)
    return import_runs.packed([each.person for each in listed], [each.line for each in listed])


def _require_csv(request: Request) -> None:
    declared = MediaType.of(request.headers.get("content-type", ""))
    if declared.name != MEDIA_TYPE or declared.parameters.get("charset", "utf-8").lower() not in {"utf-8", "utf8"}:
        raise GraphError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, f"Send the body as {MEDIA_TYPE} in UTF-8.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise GraphError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Send the body without Content-Encoding.")


def _mode(request: Request) -> Mode:
    given = request.query_params.get("mode", Mode.ALL_OR_NOTHING)
    if given not in set(Mode):
        raise GraphError(ErrorCode.BAD_USER_INPUT, f"mode is {given[:40]!r}; it is one of {', '.join(Mode)}")
    return Mode(given)


def _dry_run(request: Request) -> bool:
    given = request.query_params.get("dryRun", "false")
    if given not in _WAYS:
        raise GraphError(ErrorCode.BAD_USER_INPUT, f"dryRun is {given[:40]!r}; it is true or false")
    return given == "true"


def _refused(refused: Refused) -> Response:
    shown = {"code": refused.code.value, "message": refused.message, "field": list(refused.field)}
    return JSONResponse({"import": None, "userErrors": [shown]}, 422, {"cache-control": "no-store"})
