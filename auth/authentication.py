"""Who sent this request, or opened this socket?

A request that shows a token is judged by the token alone: a bad one is refused, never excused by a cookie beside it.
A cookie counts only where one of our own pages must have sent it, for the browser attaches it to anyone's requests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from auth import minting, tokens
from auth.clients import ClientIdentity, Clients
from auth.issuers import Trusted
from auth.principal import Membership, Method, Principal
from auth.sessions import SessionCookie, SessionIdentity, Sessions, cookie_request_allowed, from_allowed_origin
from auth.tokens import Claims, InvalidToken
from billing.roles import Permission

Identity = Claims | SessionIdentity | ClientIdentity

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class ForeignRequest(Exception):
    """A request with a cookie that one of our own pages did not demonstrably send."""

    def __init__(self) -> None:
        super().__init__("a request with a session cookie must come from this site, as application/json")


class Authenticator:
    """Tells who is asking, from what came with an HTTP request or a socket."""

    def __init__(
        self,
        issuers: Trusted,
        sessions: Sessions,
        *,
        cookie: SessionCookie,
        allowed_origins: frozenset[str],
        own_issuer: str = "",
        clients: Clients | None = None,
    ) -> None:
        """Believe `issuers`. Tokens of `own_issuer` are ours, and stand for a session or for one of `clients`."""
        self._issuers = issuers
        self._own_issuer = own_issuer
        self._sessions = sessions
        self._clients = clients
        self._cookie = cookie
        self._allowed_origins = allowed_origins

    async def of_request(self, method: str, headers: Headers, *, at: datetime) -> Identity | None:
        """Return who sent an HTTP request, or None when nobody says so.

        Raise `InvalidToken` for a token that is not accepted, `ForeignRequest` for a cookie that must not count.
        """
        shown = headers.getlist("authorization")
        if shown:
            return await self._of_authorization(shown, at)
        identity = await self._of_cookie(headers, at)
        if identity is not None and method.upper() not in SAFE_METHODS:
            self._require(cookie_request_allowed(headers, self._allowed_origins))
        return identity

    async def of_socket(self, headers: Headers, payload: object, *, at: datetime) -> Identity | None:
        """Return who opened a socket, from its `connection_init` payload or the cookie of its upgrade request."""
        shown = _authorizations(payload)
        if shown:
            return await self._of_authorization(shown, at)
        identity = await self._of_cookie(headers, at)
        if identity is not None:
            # Sockets know no same-origin policy: the check of Origin is all there is.
            self._require("origin" in headers and from_allowed_origin(headers, self._allowed_origins))
        return identity

    async def still_valid(self, identities: Sequence[Identity], *, at: datetime) -> list[bool]:
        """Return of each identity whether it would be accepted again: not expired, and not signed out.

        What an API client may still do shows in its memberships: one that was revoked has none.
        """
        hashes = [each.token_hash for each in identities if isinstance(each, SessionIdentity)]
        live = await self._sessions.live_among(hashes, at=at) if hashes else set()
        return [
            each.token_hash in live if isinstance(each, SessionIdentity) else at < each.expires_at + tokens.LEEWAY
            for each in identities
        ]

    async def _of_authorization(self, shown: Sequence[object], at: datetime) -> Identity:
        if len(shown) != 1 or not isinstance(shown[0], str):
            raise InvalidToken("more than one authorization, or not a text")
        scheme, _, token = shown[0].partition(" ")
        if scheme.lower() != "bearer":
            raise InvalidToken("the scheme is not Bearer")
        claims = await tokens.verify_bearer(token.strip(" "), self._issuers, at=at)
        return await self._of_own_token(claims, at) if claims.issuer == self._own_issuer else claims

    async def _of_own_token(self, claims: Claims, at: datetime) -> Identity:
        """Return what a token of ours stands for, as long as that is still there."""
        kind, _, name = claims.subject.partition(":")
        found: Identity | None = None
        if kind == minting.SESSION:
            session = await self._sessions.named(name, at=at)
            found = session and replace(session, expires_at=min(session.expires_at, claims.expires_at), is_cookie=False)
        elif kind == minting.CLIENT and self._clients is not None:
            client = await self._clients.named(name)
            if client is not None:
                await self._clients.note_use(client.organization_id, client.id, at=at)
                scopes = _scopes(claims.payload.get("scope"))
                found = ClientIdentity(
                    client.organization_id,
                    client.id,
                    client.name,
                    claims.issuer,
                    scopes,
                    claims.issued_at,
                    claims.expires_at,
                )
        if found is None:
            raise InvalidToken("what it stands for has ended")
        return found

    async def _of_cookie(self, headers: Headers, at: datetime) -> SessionIdentity | None:
        token = cookie_parser("; ".join(headers.getlist("cookie"))).get(self._cookie.name)
        return None if not token else await self._sessions.recognize(token, at=at)

    @staticmethod
    def _require(allowed: object) -> None:
        if not allowed:
            raise ForeignRequest


def principal_of(identity: Identity, memberships: Sequence[Membership]) -> Principal:
    """Return the principal of an identity, with the memberships it has right now."""
    if isinstance(identity, ClientIdentity):
        return Principal.of(
            memberships,
            issuer=identity.issuer,
            subject=identity.subject,
            name=identity.name,
            email="",
            authenticated_at=identity.issued_at,
            expires_at=identity.expires_at,
            method=Method.API_CLIENT,
        )
    session = identity if isinstance(identity, SessionIdentity) else None
    return Principal.of(
        memberships,
        issuer=identity.issuer,
        subject=identity.subject,
        name=identity.name,
        email=identity.email,
        authenticated_at=identity.authenticated_at,
        expires_at=identity.expires_at,
        method=Method.SESSION if session is not None and session.is_cookie else Method.BEARER,
        session=session.token_hash if session is not None else None,
        is_login_known=session is not None or (isinstance(identity, Claims) and identity.signed_in_at is not None),
    )


def _scopes(said: object) -> frozenset[Permission] | None:
    """Return what a token of ours is narrowed to; a scope that is no permission any more narrows to nothing."""
    if not isinstance(said, str):
        return None
    return frozenset(Permission(each) for each in said.split() if each in set(Permission))


def _authorizations(payload: object) -> list[Any]:
    """Return every `Authorization` in a connection_init payload, however its name is written."""
    if not isinstance(payload, Mapping):
        return []
    return [value for name, value in payload.items() if isinstance(name, str) and name.lower() == "authorization"]
