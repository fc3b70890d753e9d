"""How does a program get an access token?

`POST /token`, in two ways. An API client sends an OAuth form: `client_credentials`, with its secret or an assertion.
A page of ours sends JSON with nothing but its session's cookie, and gets a token it can hand to a socket. Errors are
those of RFC 6749. Beside it: our public keys, and the document by which clients find both.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auth import clients, minting
from auth.authentication import Authenticator, ForeignRequest
from auth.clients import ClientRefused, Clients
from auth.failures import Failures, source_of
from auth.minting import Minted
from auth.sessions import SessionIdentity
from auth.tokens import InvalidToken
from billing.roles import Permission
from models.api_clients import ApiClient

FORM_BYTES_MAX = 16_384
FORM = "application/x-www-form-urlencoded"
KEYS_KEPT_SECONDS = 3_600
_NEVER_KEPT = {"cache-control": "no-store", "pragma": "no-cache"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TokenDoor:
    """What the token endpoint needs."""

    public_url: str
    mint: minting.Mint
    clients: Clients
    authenticator: Authenticator
    failures: Failures
    now: Callable[[], datetime]


class _Wrong(Exception):
    """The request cannot be answered with a token: an error code of RFC 6749, and the status it goes with."""

    def __init__(self, code: str, *, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


def routes(door: TokenDoor) -> list[Route]:
    """Return the routes of the token endpoint, its keys and its description."""

    async def token(request: Request) -> Response:
        return await _token(door, request)

    async def keys(_request: Request) -> Response:
        text = minting.key_set(await door.mint.published(at=door.now()))
        return Response(text, 200, {"cache-control": f"public, max-age={KEYS_KEPT_SECONDS}"}, "application/json")

    async def metadata(_request: Request) -> Response:
        return JSONResponse(_metadata(door), headers={"cache-control": f"public, max-age={KEYS_KEPT_SECONDS}"})

    return [
        Route("/token", token, methods=["POST"]),
        Route("/.well-known/jwks.json", keys, methods=["GET"]),
        Route("/.well-known/oauth-authorization-server", metadata, methods=["GET"]),
    ]


def _metadata(door: TokenDoor) -> dict[str, object]:
    """Return what RFC 8414 says of a server that issues tokens."""
    return {
        "issuer": door.public_url,
        "token_endpoint": f"{door.public_url}/token",
        "jwks_uri": f"{door.public_url}/.well-known/jwks.json",
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": sorted(clients.ALGORITHMS),
        "scopes_supported": sorted(Permission),
    }


async def _token(door: TokenDoor, request: Request) -> Response:
    at = door.now()
    address = source_of(request.client.host if request.client else "")
    if wait := door.failures.wait(address, at=at):
        return _limited(wait)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if media_type == "application/json":
            return _answer(await _for_session(door, request, at), None)
        if media_type != FORM:
            raise _Wrong("invalid_request")
        form = await _form(request)
        if form.get("grant_type") != "client_credentials":
            raise _Wrong("unsupported_grant_type" if "grant_type" in form else "invalid_request")
        client = await _proved(door, request, form, at)
        scope = _scope(client, form.get("scope"))
        minted = await door.mint.mint(
            f"{minting.CLIENT}:{clients.public_id(client.organization_id, client.id)}",
            at=at,
            until=at + minting.LIFETIME,
            authenticated_at=at,
            scope=scope,
        )
    except _Wrong as wrong:
        if wrong.status == 401:
            door.failures.note(address, at=at)
        headers = {"www-authenticate": 'Basic realm="billgraph"'} if wrong.status == 401 else {}
        return JSONResponse({"error": wrong.code}, wrong.status, _NEVER_KEPT | headers)
    return _answer(minted, scope)


async def _for_session(door: TokenDoor, request: Request, at: datetime) -> Minted:
    """Return a token for the session behind a request that one of our own pages sent."""
    try:
        identity = await door.authenticator.of_request("POST", request.headers, at=at)
    except (ForeignRequest, InvalidToken) as error:
        raise _Wrong("access_denied", status=403) from error
    if not isinstance(identity, SessionIdentity) or not identity.is_cookie:
        raise _Wrong("invalid_client", status=401)
    subject = f"{minting.SESSION}:{identity.token_hash}"
    return await door.mint.mint(subject, at=at, until=identity.expires_at, authenticated_at=identity.authenticated_at)


async def _proved(door: TokenDoor, request: Request, form: dict[str, str], at: datetime) -> ApiClient:
    try:
        shown = clients.shown(request.headers.get("authorization"), form)
        return await door.clients.authenticate(shown, at=at)
    except ClientRefused as refused:
        _log.info("client refused: %s (%s)", refused.reason, refused.public_id)
        raise _Wrong("invalid_client", status=401) from refused


def _scope(client: ApiClient, asked: str | None) -> str:
    """Return what the token is for: all that the client may do, or less where it asks for less."""
    own = set(client.scopes)
    wanted = own if asked is None else set(asked.split())
    if not wanted or not wanted <= own:
        raise _Wrong("invalid_scope")
    return " ".join(sorted(wanted))


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a bounded form, in which no field is given twice."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            raise _Wrong("invalid_request", status=413)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError as error:
        raise _Wrong("invalid_request") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _Wrong("invalid_request")
    return fields


def _answer(minted: Minted, scope: str | None) -> Response:
    answer: dict[str, object] = {
        "access_token": minted.token,
        "token_type": "Bearer",
        "expires_in": minted.expires_in_seconds,
    }
    if scope is not None:
        answer["scope"] = scope
    return Response(json.dumps(answer), 200, _NEVER_KEPT, "application/json")


def _limited(wait: int) -> Response:
    return JSONResponse({"error": "temporarily_unavailable"}, 429, _NEVER_KEPT | {"retry-after": str(wait)})
