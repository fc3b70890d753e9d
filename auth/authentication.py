"""Who sent this request, or opened this socket?

A request that shows a token is judged by the token alone: a bad one is refused, never excused by a cookie beside it.
A cookie counts only where one of our own pages must have sent it, for the browser attaches it to anyone's requests.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from auth import tokens
from auth.principal import Membership, Method, Principal
from auth.sessions import SessionCookie, SessionIdentity, Sessions, cookie_request_allowed, from_allowed_origin
from auth.tokens import Claims, InvalidToken, Issuers

Identity = Claims | SessionIdentity
FindMemberships = Callable[[str, str], Awaitable[Sequence[Membership]]]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class ForeignRequest(Exception):
    """A request with a cookie that one of our own pages did not demonstrably send."""

    def __init__(self) -> None:
        super().__init__("a request with a session cookie must come from this site, as application/json")


class Authenticator:
    """Tells who is asking, from what came with an HTTP request or a socket."""

    def __init__(
        self, issuers: Issuers, sessions: Sessions, *, cookie: SessionCookie, allowed_origins: frozenset[str]
    ) -> None:
        self._issuers = issuers
        self._sessions = sessions
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

    async def still_valid(self, identity: Identity, *, at: datetime) -> bool:
        """Return whether a socket's identity would be accepted again: not expired, and not signed out."""
        if isinstance(identity, SessionIdentity):
            return await self._sessions.is_live(identity.token_hash, at=at)
        return at < identity.expires_at + tokens.LEEWAY

    async def valid_among(self, identities: Collection[Identity], *, at: datetime) -> frozenset[Identity]:
        """Return which of many identities are still valid; the sessions among them are asked for together."""
        sessions = {each.token_hash for each in identities if isinstance(each, SessionIdentity)}
        live = await self._sessions.live_among(sessions, at=at)
        valid = set()
        for each in identities:
            if each.token_hash in live if isinstance(each, SessionIdentity) else await self.still_valid(each, at=at):
                valid.add(each)
        return frozenset(valid)

    async def _of_authorization(self, shown: Sequence[object], at: datetime) -> Claims:
        if len(shown) != 1 or not isinstance(shown[0], str):
            raise InvalidToken("more than one authorization, or not a text")
        scheme, _, token = shown[0].partition(" ")
        if scheme.lower() != "bearer":
            raise InvalidToken("the scheme is not Bearer")
        return await tokens.verify_bearer(token.strip(" "), self._issuers, at=at)

    async def _of_cookie(self, headers: Headers, at: datetime) -> SessionIdentity | None:
        token = cookie_parser("; ".join(headers.getlist("cookie"))).get(self._cookie.name)
        return None if not token else await self._sessions.recognize(token, at=at)

    @staticmethod
    def _require(allowed: object) -> None:
        if not allowed:
            raise ForeignRequest


async def principal_for(identity: Identity, find_memberships: FindMemberships) -> Principal:
    """Return the principal of an identity, with the memberships it has right now."""
    memberships = await find_memberships(identity.issuer, identity.subject)
    is_session = isinstance(identity, SessionIdentity)
    return Principal.of(
        memberships,
        issuer=identity.issuer,
        subject=identity.subject,
        name=identity.name,
        email=identity.email,
        authenticated_at=identity.authenticated_at if isinstance(identity, SessionIdentity) else identity.issued_at,
        expires_at=identity.expires_at,
        method=Method.SESSION if is_session else Method.BEARER,
    )


def _authorizations(payload: object) -> list[Any]:
    """Return every `Authorization` in a connection_init payload, however its name is written."""
    if not isinstance(payload, Mapping):
        return []
    return [value for name, value in payload.items() if isinstance(name, str) and name.lower() == "authorization"]
