"""Who may read what this process counts?

Whoever has the token that the operator set. Without a token nobody in production, and in development only this very
machine: numbers of operations, clients and money moved are no secret of ours alone. A reverse proxy on the same
machine would look like the machine itself, so an address is never enough where customers are.
"""

import hmac
from typing import Final

from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api.metrics import Metrics
from api.settings import Settings
from auth.keys import is_loopback

PATH: Final = "/metrics"
_FORWARDED: Final = frozenset({"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"})


def route(metrics: Metrics, settings: Settings) -> Route:
    """Return `/metrics`."""

    async def read(request: Request) -> Response:
        refused = _refusal(request, settings)
        if refused is not None:
            return refused
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(metrics.registry), media_type=media_type, headers={"cache-control": "no-store"})

    return Route(PATH, read, methods=["GET"])


def _refusal(request: Request, settings: Settings) -> Response | None:
    """Return the answer to somebody who may not read, or None."""
    token = settings.metrics_token
    if token is not None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        is_right = hmac.compare_digest(given.strip().encode(), token.get_secret_value().encode())
        if scheme.lower() == "bearer" and is_right:
            return None
        return PlainTextResponse("Send the metrics token.", 401, {"www-authenticate": "Bearer"})
    is_direct = _FORWARDED.isdisjoint(request.headers.keys())
    is_here = request.client is not None and is_loopback(request.client.host)
    if not settings.is_production and is_direct and is_here:
        return None
    return PlainTextResponse("Not Found", 404)  # as if there were none
