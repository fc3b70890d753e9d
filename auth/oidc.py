"""Who does the identity provider say has signed in?

Authorization code with PKCE S256. Every step is tied to the one before: `state` to the browser, the verifier to the
code, `nonce` to the id token, `iss` to the provider. The account is `(issuer, subject)`, never the e-mail address,
which the provider may give to someone else tomorrow.

What must survive between the two visits (state, nonce, verifier) travels in a signed cookie of ten minutes; the
session that follows is kept on the server.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.starlette_client import (  # type: ignore[import-untyped]
    OAuth,
    OAuthError,
    StarletteOAuth2App,
)
from authlib.oauth2.rfc7523 import PrivateKeyJWT  # type: ignore[import-untyped]
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import Response

from auth import tokens
from auth.confirming import confirms
from auth.issuers import Issuer, Issuers
from auth.keys import JwksOverHttp, KeySource, KeysUnavailable, OperatorsWeb, Web, discovery_url, require_safe_url
from auth.signing import ALGORITHM, SigningKey

TRANSACTION_LIFETIME = timedelta(minutes=10)
METADATA_KEPT_AT_MOST = timedelta(hours=1)
ANSWER_SECONDS_MAX = 10.0
SESSION_NAME_MAX = 500
_BEGUN_AT, _NEXT, _WITH, _STEP_UP = "begun_at", "next", "with", "step_up"

_log = logging.getLogger(__name__)

# What is taken from a discovery document. The rest would reach the HTTP client as its settings.
_METADATA = frozenset(
    {
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "end_session_endpoint",
        "token_endpoint_auth_methods_supported",
        "authorization_response_iss_parameter_supported",
        "_loaded_at",
    }
)


class SignInRefused(Exception):
    """The sign-in cannot be completed. `reason` is for the log, the message is for the person."""

    def __init__(self, reason: str, *, message: str = "signing in did not work: please start again") -> None:
        super().__init__(message)
        self.reason = reason


class ProviderUnavailable(Exception):
    """The identity provider does not answer, or not as the provider we were told of."""

    def __init__(self, reason: str) -> None:
        super().__init__("the identity provider cannot be reached: please try again in a minute")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider that people sign in with, and who we are to it.

    Without a secret or a key we are a public client. `organization_id` and `id` are None for the operator's provider.
    """

    issuer_url: str
    client_id: str
    client_secret: str | None = field(repr=False)
    redirect_uri: str
    keys: KeySource
    algorithms: frozenset[str] = frozenset({"RS256", "ES256"})
    scope: str = "openid email profile"
    own_key: SigningKey | None = None
    web: Web = field(default_factory=OperatorsWeb)
    organization_id: str | None = None
    id: str | None = None

    def __post_init__(self) -> None:
        self.web.check(self.issuer_url)
        require_safe_url(self.redirect_uri)

    def as_issuer(self) -> Issuer:
        """Return the issuer of id tokens, whose audience is our client id."""
        return Issuer(self.issuer_url, self.client_id, self.algorithms, self.keys, self.organization_id)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An account that has just proved itself, and the local address it was on its way to.

    `transaction` names this one sign-in and no other.
    """

    issuer: str
    subject: str
    email: str
    email_verified: bool | None
    name: str
    next: str
    authenticated_at: datetime
    id_token: str = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)
    transaction: str = ""
    organization_id: str | None = None
    provider_id: str | None = None

    @property
    def provider_session(self) -> str | None:
        """Return what the provider calls its session, so that it can tell us when that ends."""
        said = self.claims.get("sid")
        return said if isinstance(said, str) and 0 < len(said) <= SESSION_NAME_MAX else None


class Oidc:
    """Takes a browser to the identity provider and back."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._issuers = Issuers(provider.as_issuer())
        self._known: tuple[Any, datetime] | None = None

    @property
    def origin(self) -> str:
        """Return the origin to which the provider sends browsers back."""
        return self._provider.redirect_uri.removesuffix(urlsplit(self._provider.redirect_uri).path)

    @property
    def provider(self) -> Provider:
        """Return the provider."""
        return self._provider

    async def begin(
        self, request: Request, *, next_path: str, login_hint: str | None, at: datetime, is_step_up: bool = False
    ) -> Response:
        """Return the redirect to the provider, after noting in `request.session` what must come back.

        A step up asks the provider to have the person prove themselves again, whatever session it still has.
        """
        app = await self._app(at)
        request.session.clear()
        noted = {_NEXT: next_path, _BEGUN_AT: at.timestamp(), _WITH: self._named, _STEP_UP: is_step_up}
        request.session.update(noted)
        asked: dict[str, Any] = {"login_hint": login_hint} if login_hint else {}
        if is_step_up:
            asked |= {"prompt": "login", "max_age": 0}
        response: Response = await app.authorize_redirect(request, self._provider.redirect_uri, **asked)
        return response

    async def farewell(self, *, id_token: str | None, return_to: str, at: datetime) -> str | None:
        """Return where the browser can end its session at the provider too, or None where it cannot."""
        try:
            app = await self._app(at)
            if "end_session_endpoint" not in app.server_metadata:
                return None
            leaving = await app.create_logout_url(
                post_logout_redirect_uri=return_to, id_token_hint=id_token, client_id=self._provider.client_id
            )
        except (ProviderUnavailable, httpx2.HTTPError, ValueError, RuntimeError) as error:
            _log.warning("no way to sign out at the provider: %r", error)
            return None
        return str(leaving["url"])

    async def probe(self, *, at: datetime) -> None:
        """Raise `ProviderUnavailable` unless the provider describes itself as the one we were told of, with keys."""
        await self._app(at)
        if isinstance(self._provider.keys, JwksOverHttp):
            try:
                await self._provider.keys.require(at=at)
            except KeysUnavailable as error:
                raise ProviderUnavailable(str(error)) from error

    async def complete(self, request: Request, *, at: datetime) -> SignedIn:
        """Return who signed in. Whatever the outcome, this transaction cannot be completed again."""
        transaction = dict(request.session)
        try:
            app = await self._app(at)
            if transaction.get(_WITH) != self._named:
                raise SignInRefused("the sign-in was begun with another provider")
            _check_answer(request, transaction, app.server_metadata, self._provider.issuer_url, at)
            return await self._exchange(app, request, transaction, at)
        finally:
            request.session.clear()

    async def _exchange(self, app: Any, request: Request, transaction: Mapping[str, Any], at: datetime) -> SignedIn:
        expected = {
            "iss": {"essential": True, "value": self._provider.issuer_url},
            "aud": {"essential": True, "value": self._provider.client_id},
        }
        try:
            answer = await app.authorize_access_token(
                request,
                claims_options=expected,
                claims_cls=_claims_at(at),
                leeway=int(tokens.LEEWAY.total_seconds()),
            )
            _ = answer["userinfo"]  # only there when the id token holds for Authlib, nonce and all
            claims = await tokens.verify_bearer(answer["id_token"], self._issuers, at=at)
        except httpx2.HTTPError as error:
            raise ProviderUnavailable(repr(error)) from error
        except tokens.InvalidToken as error:
            raise SignInRefused(f"id token: {error.reason}") from error
        except (OAuthError, JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            # The last four are what Authlib raises where an answer is not of the shape it expects.
            raise SignInRefused(repr(error)) from error
        authenticated_at = claims.authenticated_at
        begun_at = datetime.fromtimestamp(transaction[_BEGUN_AT], UTC)
        if transaction.get(_STEP_UP) and authenticated_at < begun_at - tokens.LEEWAY:
            raise SignInRefused("the provider did not have the person prove themselves again")
        return SignedIn(
            issuer=claims.issuer,
            subject=claims.subject,
            email=claims.email,
            email_verified=confirms(claims.issuer, claims.payload),
            name=claims.name,
            next=transaction[_NEXT],
            authenticated_at=authenticated_at,
            id_token=answer["id_token"],
            claims=claims.payload,
            transaction=sha256(answer["id_token"].encode()).hexdigest()[:32],
            organization_id=self._provider.organization_id,
            provider_id=self._provider.id,
        )

    @property
    def _named(self) -> str:
        return f"{self._provider.organization_id or ''}/{self._provider.id or ''}"

    async def _app(self, at: datetime) -> Any:
        """Return Authlib's client, once the provider has shown to be the right one; asked again every hour."""
        if self._known is None or abs(at - self._known[1]) >= METADATA_KEPT_AT_MOST:
            app = self._registered()
            try:
                app.server_metadata = self._checked(await app.load_server_metadata())
            except (httpx2.HTTPError, ValueError, TypeError) as error:
                raise ProviderUnavailable(repr(error)) from error
            self._known = app, at
        return self._known[0]

    def _checked(self, found: Mapping[str, Any]) -> dict[str, Any]:
        if found.get("issuer") != self._provider.issuer_url:
            raise ProviderUnavailable(f"the discovery document is of {found.get('issuer')!r}")
        for endpoint in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            self._provider.web.check(str(found.get(endpoint)))
        if "end_session_endpoint" in found:
            self._provider.web.check(str(found["end_session_endpoint"]))
        kept = {name: value for name, value in found.items() if name in _METADATA}
        return kept | {"id_token_signing_alg_values_supported": sorted(self._provider.algorithms)}

    def _registered(self) -> StarletteOAuth2App:
        provider, own_key = self._provider, self._provider.own_key
        return OAuth().register(
            "provider",
            client_id=provider.client_id,
            client_secret=own_key.pem if own_key else provider.client_secret,
            server_metadata_url=discovery_url(provider.issuer_url),
            client_auth_methods=[_Assertion(own_key)] if own_key else None,
            client_kwargs={
                "scope": provider.scope,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": "private_key_jwt" if own_key else _by_secret(provider.client_secret),
                "timeout": ANSWER_SECONDS_MAX,
                "transport": provider.web.transport(),
                "trust_env": False,
            },
        )


class _Assertion(PrivateKeyJWT):  # type: ignore[misc]
    """Authlib's proof by a private key, naming the key: a provider that knows several must not guess."""

    def __init__(self, own_key: SigningKey) -> None:
        super().__init__(headers={"kid": own_key.kid}, alg=ALGORITHM)


def _by_secret(client_secret: str | None) -> str:
    return "client_secret_basic" if client_secret else "none"


def _check_answer(
    request: Request, transaction: Mapping[str, Any], metadata: Mapping[str, Any], issuer_url: str, at: datetime
) -> None:
    """Refuse an answer that is not to our question, or not from whom we asked."""
    answered = request.query_params
    if len(answered.keys()) != len(answered.multi_items()):
        raise SignInRefused("a parameter is repeated")
    if not {_NEXT, _BEGUN_AT} <= transaction.keys():
        raise SignInRefused("no sign-in was begun in this browser")
    if at.timestamp() - transaction[_BEGUN_AT] >= TRANSACTION_LIFETIME.total_seconds():
        raise SignInRefused("the sign-in was begun too long ago")
    is_promised = metadata.get("authorization_response_iss_parameter_supported") is True
    if answered.get("iss", None if is_promised else issuer_url) != issuer_url:
        raise SignInRefused("the answer is another provider's (RFC 9207)")
    if "error" not in answered and not answered.get("code"):
        raise SignInRefused("there is no code")


def _claims_at(at: datetime) -> type[CodeIDToken]:
    """Return Authlib's id token rules, judging by `at` and not by the machine's clock."""

    class ClaimsAt(CodeIDToken):  # type: ignore[misc]
        def validate(self, now: int | None = None, leeway: int = 0) -> None:  # noqa: ARG002  # the clock's word
            super().validate(now=int(at.timestamp()), leeway=leeway)

    return ClaimsAt
