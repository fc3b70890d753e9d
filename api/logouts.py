"""How does an identity provider tell us that a session is over?

OpenID Connect back-channel logout: the provider's own server posts a signed token, and every session it speaks of has
ended when it is answered. No browser and no cookie is involved.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth import logouts
from auth.failures import Failures, source_of
from auth.oidc import ProviderUnavailable
from auth.providers import BACKCHANNEL, Providers
from auth.sessions import Sessions
from auth.tokens import TOKEN_MAX, InvalidToken
from models.database import Database

_NEVER_KEPT = {"cache-control": "no-store"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BackChannel:
    """What the endpoint needs."""

    providers: Providers
    sessions: Sessions
    database: Database
    failures: Failures
    now: Callable[[], datetime]


def routes(channel: BackChannel) -> list[Route]:
    """Return the routes at which providers tell of ended sessions."""

    async def logout(request: Request) -> Response:
        return await _logout(channel, request)

    own = f"{BACKCHANNEL}/{{organization_id:str}}/{{provider_id:str}}"
    return [Route(BACKCHANNEL, logout, methods=["POST"]), Route(own, logout, methods=["POST"])]


async def _logout(channel: BackChannel, request: Request) -> Response:
    at, source = channel.now(), source_of(request.client.host if request.client else "")
    if wait := channel.failures.wait(source, at=at):
        return JSONResponse({"error": "temporarily_unavailable"}, 429, _NEVER_KEPT | {"retry-after": str(wait)})
    named = request.path_params
    try:
        oidc = await channel.providers.oidc(named.get("organization_id"), named.get("provider_id"), at=at)
        if oidc is None:
            raise InvalidToken("there is no such provider")
        vouched = await logouts.verified(await _token(request), oidc.provider, channel.database, at=at)
    except ProviderUnavailable as error:
        _log.warning("a logout could not be checked: %s", error.reason)
        return JSONResponse({"error": "temporarily_unavailable"}, 503, _NEVER_KEPT | {"retry-after": "60"})
    except InvalidToken as error:
        _log.info("logout refused: %s", error.reason)
        channel.failures.note(source, at=at)
        return JSONResponse({"error": "invalid_request"}, 400, _NEVER_KEPT)
    count = await channel.sessions.revoke_at_provider(vouched, at=at)
    _log.info("%s sessions ended by their provider", count)
    return Response(None, 200, _NEVER_KEPT)


async def _token(request: Request) -> str:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > TOKEN_MAX + 100:
            raise InvalidToken("the body is too long")
    found = [value for name, value in parse_qsl(body.decode("ascii", "replace")) if name == "logout_token"]
    if len(found) != 1:
        raise InvalidToken("there is no one logout_token")
    return found[0]
