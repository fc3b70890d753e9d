"""How does a gateway report usage that does not speak GraphQL?

`POST /v1/usage` with events as JSON or as lines of JSON, for whoever may record usage: the same service as the mutation
`recordUsage`, and so the same permission, the same rules and the same answer for the same `Idempotency-Key`. Each event
has a result of its own. A refusal names the field and, of lines, the number of the line.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, assert_never

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import body, json_codec, usage_reading
from api.callers import Authenticate
from api.downloads import failure
from api.media_types import MediaType
from api.middleware import request_id
from api.settings import Limits
from api.usage_reading import Placed, Said, Unreadable, Wrong
from auth import policy
from auth.principal import Principal
from billing.currencies import exponent
from billing.money import nanos_amount
from models import organizations
from models.sql import Client
from schema import ids
from schema.errors import ErrorCode, GraphError
from schema.scalars import write_instant
from schema.user_errors import UserErrorCode
from services import dispatch, usage
from services.dispatch import Dispatcher
from services.outcomes import Refused

JSON: Final = "application/json"
LINES: Final = frozenset({"application/x-ndjson", "application/ndjson"})
POINTS: Final = 10
"""What a request costs of its caller's budget: about what the mutation does."""


@dataclass(frozen=True, slots=True)
class UsageDoor:
    """What the route needs: who is calling, how to read and write, how much to read, and what time it is."""

    authenticate: Authenticate
    reader: Client
    dispatcher: Dispatcher
    limits: Limits
    now: Callable[[], datetime]

    async def __call__(self, request: Request) -> Response:
        """Answer one request; every fault is a coded error, and a refusal is data."""
        try:
            return await self._answer(request)
        except Unreadable as unreadable:
            return _answered([], [_wrong(each) for each in unreadable.found], 422)
        except Exception as error:  # presented as the graph presents it: ours as they are, the unexpected masked
            return failure(error, request_id(request.scope))

    async def _answer(self, request: Request) -> Response:
        caller = await self.authenticate(request, {})
        assert caller is None or isinstance(caller, Principal)
        principal = policy.authenticated(caller)
        _pay(request, principal)
        said = await self._said(request)
        organization_id = _organization(request, said, principal)
        asked = dispatch.Request(principal, self.now(), request_id(request.scope))
        await self.dispatcher.require(usage.record, organization_id, asked)
        overage = usage_reading.overage(_given(request, "overage", said.overage))
        facts = usage_reading.facts(said.events, organization_id)
        command = usage.Record(organization_id, request.headers.get("idempotency-key", ""), facts, overage)
        try:
            async with asyncio.timeout(self.limits.mutation_seconds_max):
                answer = await self.dispatcher.execute(usage.record, command, asked)
        except TimeoutError as error:
            message = "It took too long to wait for; it may still take effect: ask again under the same key."
            raise GraphError(ErrorCode.TIMEOUT, message) from error
        if isinstance(answer, Refused):
            return _answered([], [_refused(answer, None)], 422)
        organization = await organizations.find(self.reader, organization_id)
        assert organization is not None, "what was recorded belongs to an organization"
        results = [_result(each, organization_id, organization.currency) for each in answer.outcomes]
        return _answered(results, list(_errors(answer.outcomes, said.events, organization.currency)), 200)

    async def _said(self, request: Request) -> Said:
        declared = MediaType.of(request.headers.get("content-type", ""))
        if declared.name in LINES:
            if request.headers.get("content-encoding", "identity").lower() != "identity":
                raise GraphError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, "Send the body without Content-Encoding.")
            given = await body.read(request, bytes_max=self.limits.body_bytes_max)
            return Said(usage_reading.events_in(given, depth_max=self.limits.json_depth_max))
        if declared.name != JSON:
            message = f"Send the events as {JSON} or, one on each line, as application/x-ndjson."
            raise GraphError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, message)
        body.require_json(request)
        given = await body.read(request, bytes_max=self.limits.body_bytes_max)
        return usage_reading.said_in(given, depth_max=self.limits.json_depth_max)


def routes(
    *,
    authenticate: Authenticate,
    reader: Client,
    dispatcher: Dispatcher,
    limits: Limits,
    now: Callable[[], datetime],
) -> list[Route]:
    """Return the route of the door."""
    endpoint = UsageDoor(authenticate, reader, dispatcher, limits, now)

    async def record(request: Request) -> Response:
        return await endpoint(request)

    return [Route("/v1/usage", record, methods=["POST"])]


def _pay(request: Request, principal: Principal) -> None:
    """Take what the request costs of its caller's budget, where budgets are kept."""
    operations = getattr(request.app.state, "operations", None)
    if operations is not None:
        budgets = operations.budgets
        budgets.tab(budgets.payers_of(request, principal, None)).take(POINTS)


def _organization(request: Request, said: Said, principal: Principal) -> str:
    """Return the organization that is named in the body or the address, or else the caller's only one."""
    named = _given(request, "organizationId", said.organization_id)
    if named is not None:
        return ids.parse(named, ids.Kind.ORGANIZATION).organization_id
    known = tuple(principal.memberships)
    if len(known) != 1:
        message = f"You are known in {len(known)} organizations; say for which it is, as organizationId."
        raise GraphError(ErrorCode.BAD_USER_INPUT, message, field="organizationId")
    return known[0]


def _given(request: Request, name: str, said: str | None) -> str | None:
    return said if said is not None else request.query_params.get(name)


def _result(outcome: usage.EventOutcome, organization_id: str, currency: str) -> dict[str, Any]:
    match outcome:
        case usage.EventRecorded(event_id, usage_id, cost_nanos, over_limit):
            shown = _status(event_id, "RECORDED", cost_nanos, currency)
            shown["usageId"] = ids.text(ids.Kind.USAGE_EVENT, organization_id, usage_id)
            return shown | {"overLimit": over_limit}
        case usage.EventRepeated(event_id, usage_id, cost_nanos):
            shown = _status(event_id, "DUPLICATE", cost_nanos, currency)
            return shown | {"usageId": ids.text(ids.Kind.USAGE_EVENT, organization_id, usage_id)}
        case usage.EventBlocked(event_id=event_id, cost_nanos=cost_nanos):
            return _status(event_id, "REFUSED", cost_nanos, currency)
        case usage.EventRefused(event_id=event_id):
            return {"eventId": event_id, "status": "REFUSED"}
        case _:
            assert_never(outcome)


def _status(event_id: str, status: str, cost_nanos: int, currency: str) -> dict[str, Any]:
    return {"eventId": event_id, "status": status, "cost": _money(cost_nanos, currency)}


def _money(nanos: int, currency: str) -> dict[str, str]:
    return {"amount": nanos_amount(nanos, exponent(currency)), "currency": currency}


def _errors(
    outcomes: Sequence[usage.EventOutcome], events: Sequence[Placed], currency: str
) -> Iterable[dict[str, Any]]:
    """Yield why events were refused, each with its place."""
    for index, (outcome, (line, given)) in enumerate(zip(outcomes, events, strict=True)):
        match outcome:
            case usage.EventRefused(code=code, message=message, field=field):
                path = (_named(given) if part == "memberId" else part for part in field)
                yield _refused(Refused(code, message, ("events", str(index), *path)), line)
            case usage.EventBlocked():
                yield _blocked(outcome, index, line, currency)
            case _:
                pass


def _blocked(stop: usage.EventBlocked, index: int, line: int | None, currency: str) -> dict[str, Any]:
    cost, shortfall = (_money(nanos, currency)["amount"] for nanos in (stop.cost_nanos, stop.shortfall_nanos))
    message = f"it costs {cost} {currency}, {shortfall} more than the limit leaves"
    wrong = Wrong(UserErrorCode.SPEND_LIMIT_REACHED.value, message, ("events", str(index)), line)
    amounts = {"cap": stop.cap_nanos, "headroom": stop.headroom_nanos, "shortfall": stop.shortfall_nanos}
    return _wrong(wrong) | {
        "level": stop.level.value,
        **{name: _money(nanos, currency) for name, nanos in amounts.items()},
        "resetsAt": write_instant(stop.resets_at),
    }


def _named(given: Mapping[str, Any]) -> str:
    """Return the field by which an event named its member."""
    return next(name for name in usage_reading.NAMES if given.get(name) is not None)


def _refused(refused: Refused, line: int | None) -> dict[str, Any]:
    return _wrong(Wrong(refused.code.value, refused.message, refused.field, line))


def _wrong(wrong: Wrong) -> dict[str, Any]:
    shown: dict[str, Any] = {"code": wrong.code, "message": wrong.message, "field": list(wrong.field)}
    return shown if wrong.line is None else shown | {"line": wrong.line}


def _answered(results: Sequence[Mapping[str, Any]], errors: Sequence[Mapping[str, Any]], status: int) -> Response:
    text = json_codec.encode({"results": list(results), "userErrors": list(errors)})
    return Response(text, status, {"cache-control": "no-store"}, JSON)
