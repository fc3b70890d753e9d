"""Whom can a developer be today?

A whole OpenID provider under `/dev/idp`, where anybody may sign in as any of a few invented people. It asks for no
password, so it exists only where the environment says `development` and only this very machine can reach it.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from html import escape
from itertools import groupby
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from api.sign_in_pages import page
from auth import development
from auth.development import Persona
from auth.keys import is_loopback
from auth.signing import ALGORITHM, SigningKey

PATH = "/dev/idp"
CODE_LIFETIME = timedelta(seconds=60)
CODES_MAX = 1_000
FORM_BYTES_MAX = 16_384
_PKCE = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


class DevelopmentOnly(RuntimeError):
    """Someone tried to run the passwordless provider where others could use it."""


@dataclass(frozen=True, slots=True)
class DevelopmentProvider:
    """What the provider needs. It refuses to be built anywhere but on a developer's own machine."""

    environment: str
    bind_host: str
    origin: str
    client_id: str
    redirect_uri: str
    audience: str
    personas: Sequence[Persona]
    key: SigningKey
    now: Callable[[], datetime]

    def __post_init__(self) -> None:
        refuse_in_production(self.environment, bind_host=self.bind_host, origin=self.origin)

    @property
    def issuer_url(self) -> str:
        """Return the issuer that these tokens name."""
        return f"{self.origin}{PATH}"


@dataclass(frozen=True, slots=True)
class _Grant:
    """What one code may be exchanged for, by whom, and until when."""

    persona: Persona
    challenge: str
    nonce: str | None
    expires_at: datetime


def refuse_in_production(environment: str, *, bind_host: str, origin: str) -> None:
    """Raise `DevelopmentOnly` unless this is a development server that only its own machine can reach."""
    if environment != "development":
        raise DevelopmentOnly(f"the development identity provider must not run in environment {environment!r}")
    if not is_loopback(bind_host):
        raise DevelopmentOnly(f"the development identity provider must not listen on {bind_host!r}: use 127.0.0.1")
    if not is_loopback(urlsplit(origin).hostname or ""):
        raise DevelopmentOnly(f"the development identity provider must not be known as {origin!r}")


def routes(provider: DevelopmentProvider) -> list[Route]:
    """Return the provider's routes."""
    endpoints = _Endpoints(provider)
    return [
        Route(f"{PATH}/.well-known/openid-configuration", endpoints.discovery, methods=["GET"]),
        Route(f"{PATH}/jwks", endpoints.jwks, methods=["GET"]),
        Route(f"{PATH}/authorize", endpoints.authorize, methods=["GET"]),
        Route(f"{PATH}/token", endpoints.token, methods=["POST"]),
        Route(f"{PATH}/end_session", endpoints.end_session, methods=["GET"]),
    ]


class _Endpoints:
    """The provider's endpoints, and the codes given out in the last minute."""

    def __init__(self, provider: DevelopmentProvider) -> None:
        self._provider = provider
        self._personas = {persona.email.lower(): persona for persona in provider.personas}
        self._grants: dict[str, _Grant] = {}

    async def discovery(self, request: Request) -> Response:
        if refusal := self._foreign(request):
            return refusal
        issuer = self._provider.issuer_url
        document = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/jwks",
            "end_session_endpoint": f"{issuer}/end_session",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "scopes_supported": ["openid", "email", "profile"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return JSONResponse(document)

    async def jwks(self, request: Request) -> Response:
        return self._foreign(request) or JSONResponse({"keys": [self._provider.key.public]})

    async def end_session(self, request: Request) -> Response:
        return self._foreign(request) or page("Signed out", "<p>The provider keeps no session of its own.</p>")

    async def authorize(self, request: Request) -> Response:
        if refusal := self._foreign(request):
            return refusal
        asked = request.query_params
        # Before these two hold, there is nobody to whom an answer could safely be redirected.
        if asked.get("client_id") != self._provider.client_id:
            return page("Unknown client", "<p>No such client is registered here.</p>", status=400)
        if asked.get("redirect_uri") != self._provider.redirect_uri:
            return page("Unknown address", "<p>This redirect address is not registered.</p>", status=400)
        if wrong := _wrong_with(asked):
            return self._answer(asked, {"error": "invalid_request", "error_description": wrong})
        persona = self._personas.get(asked.get("login_hint", "").lower())
        if persona is None:
            return self._choice(asked)
        return self._answer(asked, {"code": self._grant(asked, persona)})

    async def token(self, request: Request) -> Response:
        if refusal := self._foreign(request):
            return refusal
        form = await _form(request)
        # Taken out first: a code that was tried is spent, even if the rest of the request was wrong.
        grant = self._grants.pop(form.get("code", ""), None)
        if form.get("grant_type") != "authorization_code":
            return _token_error("unsupported_grant_type")
        if form.get("client_id") != self._provider.client_id:
            return _token_error("invalid_client", status=401)
        at = self._provider.now()
        is_ours = grant is not None and at < grant.expires_at
        if grant is None or not is_ours or form.get("redirect_uri") != self._provider.redirect_uri:
            return _token_error("invalid_grant")
        if not _is_verified(form.get("code_verifier", ""), grant.challenge):
            return _token_error("invalid_grant")
        return self._tokens(grant, at)

    def _foreign(self, request: Request) -> Response | None:
        """Refuse a request by another name: a foreign page can make its own name point to this machine."""
        if request.headers.get("host") == urlsplit(self._provider.origin).netloc:
            return None
        return page("Wrong address", f"<p>Open {escape(self._provider.origin)} instead.</p>", status=421)

    def _answer(self, asked: Mapping[str, str], answer: dict[str, str]) -> Response:
        state = {"state": asked["state"]} if "state" in asked else {}
        query = urlencode(answer | state | {"iss": self._provider.issuer_url})
        headers = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
        return RedirectResponse(f"{self._provider.redirect_uri}?{query}", 302, headers)

    def _choice(self, asked: Mapping[str, str]) -> Response:
        rows = []
        by_organization = sorted(self._personas.values(), key=lambda persona: persona.organization)
        for organization, personas in groupby(by_organization, key=lambda persona: persona.organization):
            rows.append(f"<h2>{escape(organization)}</h2><ul>")
            for persona in personas:
                query = urlencode(dict(asked) | {"login_hint": persona.email})
                rows.append(
                    f'<li><a class="choice" href="{escape(f"{PATH}/authorize?{query}")}">{escape(persona.name)}'
                    f"<small>{escape(persona.email)}</small></a></li>"
                )
            rows.append("</ul>")
        return page("Who are you today?", f"<p>Development only: no password is asked.</p>{''.join(rows)}")

    def _grant(self, asked: Mapping[str, str], persona: Persona) -> str:
        at = self._provider.now()
        live = {code: grant for code, grant in self._grants.items() if at < grant.expires_at}
        self._grants = dict(list(live.items())[-(CODES_MAX - 1) :])
        code = secrets.token_urlsafe(32)
        challenge, nonce = asked["code_challenge"], asked.get("nonce")
        self._grants[code] = _Grant(persona, challenge, nonce, at + CODE_LIFETIME)
        return code

    def _tokens(self, grant: _Grant, at: datetime) -> Response:
        provider, issuer = self._provider, self._provider.issuer_url
        answer: dict[str, Any] = {
            "token_type": "Bearer",
            "expires_in": int(development.LIFETIME.total_seconds()),
            "access_token": development.mint_access_token(
                provider.key, grant.persona, issuer=issuer, audience=provider.audience, at=at
            ),
            "id_token": development.mint_id_token(
                provider.key, grant.persona, issuer=issuer, client_id=provider.client_id, nonce=grant.nonce, at=at
            ),
        }
        return JSONResponse(answer, headers={"cache-control": "no-store"})


def _wrong_with(asked: Mapping[str, str]) -> str | None:
    """Return what a client must change in its request, or None."""
    if asked.get("response_type") != "code":
        return "response_type must be code"
    if "openid" not in asked.get("scope", "").split():
        return "scope must include openid"
    if not asked.get("state"):
        return "state is missing"
    if asked.get("code_challenge_method") != "S256" or not _PKCE.fullmatch(asked.get("code_challenge", "")):
        return "a code_challenge with method S256 is required"
    return None


def _is_verified(verifier: str, challenge: str) -> bool:
    if not _PKCE.fullmatch(verifier):
        return False
    digest = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(digest, challenge.encode())


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a bounded form; none where the body is something else or a field is repeated."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            return {}
    pairs = parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True)
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else {}


def _token_error(code: str, *, status: int = 400) -> Response:
    return JSONResponse({"error": code}, status, {"cache-control": "no-store"})
