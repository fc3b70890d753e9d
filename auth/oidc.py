"""Who does the identity provider say has signed in?

Authorization code with PKCE S256. Every step is tied to the one before: `state` to the browser, the verifier to the
code, `nonce` to the id token, `iss` to the provider. The account is `(issuer, subject)`, never the e-mail address,
which the provider may give to someone else tomorrow.

What must survive between the two visits (state, nonce, verifier) travels in a signed cookie of ten minutes; the
session that follows is kept on the server.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.starlette_client import (  # type: ignore[import-untyped]
    OAuth,
    OAuthError,
    StarletteOAuth2App,
)
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import Response

from auth import tokens
from auth.keys import KeySource, require_safe_url, tls

TRANSACTION_LIFETIME = timedelta(minutes=10)
METADATA_KEPT_AT_MOST = timedelta(hours=1)
ANSWER_SECONDS_MAX = 10.0
_BEGUN_AT, _NEXT = "begun_at", "next"

# What is taken from a discovery document. The rest would reach the HTTP client as its settings.
_METADATA = frozenset(
    {
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "authorization_response_iss_parameter_supported",
        "_loaded_at",
    }
)


class SignInRefused(Exception):
    """The sign-in cannot be completed. `reason` is for the log, the message is for the person."""

    def __init__(self, reason: str) -> None:
        super().__init__("signing in did not work: please start again")
        self.reason = reason


class ProviderUnavailable(Exception):
    """The identity provider does not answer, or not as the provider we were told of."""

    def __init__(self, reason: str) -> None:
        super().__init__("the identity provider cannot be reached: please try again in a minute")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Provider:
    """The identity provider we sign in with, and who we are to it. Without a secret we are a public client."""

    issuer_url: str
    client_id: str
    client_secret: str | None
    redirect_uri: str
    keys: KeySource
    algorithms: frozenset[str] = frozenset({"RS256", "ES256"})
    scope: str = "openid email profile"

    def __post_init__(self) -> None:
        require_safe_url(self.issuer_url)
        require_safe_url(self.redirect_uri)

    def as_issuer(self) -> tokens.Issuer:
        """Return the issuer of id tokens, whose audience is our client id."""
        return tokens.Issuer(self.issuer_url, self.client_id, self.algorithms, self.keys)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An account that has just proved itself, and the local address it was on its way to."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str
    next: str


class Oidc:
    """Takes a browser to the identity provider and back."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._issuers = tokens.Issuers(provider.as_issuer())
        self._known: tuple[Any, datetime] | None = None

    @property
    def origin(self) -> str:
        """Return the origin to which the provider sends browsers back."""
        return self._provider.redirect_uri.removesuffix(urlsplit(self._provider.redirect_uri).path)

    async def begin(self, request: Request, *, next_path: str, login_hint: str | None, at: datetime) -> Response:
        """Return the redirect to the provider, after noting in `request.session` what must come back."""
        app = await self._app(at)
        request.session.clear()
        request.session.update({_NEXT: next_path, _BEGUN_AT: at.timestamp()})
        hint = {"login_hint": login_hint} if login_hint else {}
        response: Response = await app.authorize_redirect(request, self._provider.redirect_uri, **hint)
        return response

    async def complete(self, request: Request, *, at: datetime) -> SignedIn:
        """Return who signed in. Whatever the outcome, this transaction cannot be completed again."""
        transaction = dict(request.session)
        try:
            app = await self._app(at)
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
            said = answer["userinfo"]  # only there when the id token holds for Authlib, nonce and all
            claims = await tokens.verify_bearer(answer["id_token"], self._issuers, at=at)
        except httpx2.HTTPError as error:
            raise ProviderUnavailable(repr(error)) from error
        except tokens.InvalidToken as error:
            raise SignInRefused(f"id token: {error.reason}") from error
        except (OAuthError, JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            # The last four are what Authlib raises where an answer is not of the shape it expects.
            raise SignInRefused(repr(error)) from error
        verified = said.get("email_verified") is True
        return SignedIn(claims.issuer, claims.subject, claims.email, verified, claims.name, transaction[_NEXT])

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
            require_safe_url(str(found.get(endpoint)))
        kept = {name: value for name, value in found.items() if name in _METADATA}
        return kept | {"id_token_signing_alg_values_supported": sorted(self._provider.algorithms)}

    def _registered(self) -> StarletteOAuth2App:
        method = "client_secret_basic" if self._provider.client_secret else "none"
        return OAuth().register(
            "provider",
            client_id=self._provider.client_id,
            client_secret=self._provider.client_secret,
            server_metadata_url=f"{self._provider.issuer_url.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": self._provider.scope,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": method,
                "timeout": ANSWER_SECONDS_MAX,
                "verify": tls(),
                "trust_env": False,
            },
        )


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
