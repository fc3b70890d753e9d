"""How does a person get in and out with a browser?

`/login` finds out where somebody is at home and goes to that identity provider, `/callback` comes back from it with a
new session, `/logout` ends the session here and there. A browser is only ever sent on to a path of this site, whatever
the address bar asked for; an organization's provider answers to an address of its own.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api.sign_in_pages import HOME, email_form, page, safe_next, sentence
from auth.failures import Failures, source_of
from auth.oidc import TRANSACTION_LIFETIME, Oidc, ProviderUnavailable, SignedIn, SignInRefused
from auth.providers import CALLBACK, LOGGED_OUT, Providers
from auth.sessions import Account, Ended, SessionCookie, SessionIdentity, Sessions, from_allowed_origin

HINT_MAX = 320

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SignIn:
    """What the sign-in routes need. `admit` lets an account in before its session opens, or raises `SignInRefused`."""

    providers: Providers
    sessions: Sessions
    cookie: SessionCookie
    transaction_secret: str = field(repr=False)
    allowed_origins: frozenset[str]
    now: Callable[[], datetime]
    admit: Callable[[SignedIn, datetime], Awaitable[None]]
    failures: Failures

    def __post_init__(self) -> None:
        if len(self.transaction_secret) < 32:
            raise ValueError("the secret that signs the sign-in cookie must have at least 32 characters")


def routes(sign_in: SignIn) -> list[Route]:
    """Return the routes /login, /callback, /logout and /logged-out."""
    secure = sign_in.cookie.secure
    transaction = Middleware(
        SessionMiddleware,
        secret_key=sign_in.transaction_secret,
        session_cookie="__Host-billgraph-sign-in" if secure else "billgraph-sign-in",
        max_age=int(TRANSACTION_LIFETIME.total_seconds()),
        same_site="lax",
        https_only=secure,
    )

    async def login(request: Request) -> Response:
        return await _login(sign_in, request)

    async def callback(request: Request) -> Response:
        return await _callback(sign_in, request)

    async def logout(request: Request) -> Response:
        return await _logout(sign_in, request)

    own = f"{CALLBACK}/{{organization_id:str}}/{{provider_id:str}}"
    return [
        Route("/login", login, methods=["GET"], middleware=[transaction]),
        Route(CALLBACK, callback, methods=["GET"], middleware=[transaction]),
        Route(own, callback, methods=["GET"], middleware=[transaction]),
        Route("/logout", logout, methods=["GET", "POST"]),
        Route(LOGGED_OUT, _logged_out, methods=["GET"]),
    ]


async def _login(sign_in: SignIn, request: Request) -> Response:
    if (elsewhere := _by_another_name(sign_in, request)) is not None:
        return elsewhere
    at, asked = sign_in.now(), request.query_params
    next_path, is_step_up = safe_next(asked.get("next")), asked.get("step_up") == "1"
    try:
        oidc, hint = await _home(sign_in, request, at, is_step_up=is_step_up)
        if oidc is None:
            said = f"Nobody signs in here with an address like {hint}." if hint else None
            is_open = sign_in.providers.operators is not None
            return email_form(next_path=next_path, is_step_up=is_step_up, is_operators_way_open=is_open, said=said)
        response = await oidc.begin(request, next_path=next_path, login_hint=hint, at=at, is_step_up=is_step_up)
    except ProviderUnavailable as error:
        return _unavailable(error)
    response.headers["cache-control"] = "no-store"
    return response


async def _home(sign_in: SignIn, request: Request, at: datetime, *, is_step_up: bool) -> tuple[Oidc | None, str]:
    """Return where somebody signs in and as whom; None where they have to say first where they are from."""
    asked, providers = request.query_params, sign_in.providers
    hint = (asked.get("email") or asked.get("login_hint") or "").strip()[:HINT_MAX]
    current = await _current(sign_in, request, at) if is_step_up else None
    if current is not None:
        # Whoever proves themselves again does so where they did before, as the one they are.
        return await providers.oidc(current.organization_id, current.provider_id, at=at), current.email
    if hint and (home := await providers.for_email(hint)) is not None:
        return await providers.oidc(home.organization_id, home.provider_id, at=at), hint
    if not hint and asked.get("with") != "operator" and await providers.any_organization_has_its_own():
        return None, hint
    return providers.operators, hint


def _by_another_name(sign_in: SignIn, request: Request) -> Response | None:
    """Send a developer who came to 127.0.0.1 on to localhost: the provider's answer goes there, and so must the cookie.

    Not over https: there a proxy may call us by a name of its own, and this would go round in circles.
    """
    origin = sign_in.providers.public_url
    if sign_in.cookie.secure or request.url.netloc == urlsplit(origin).netloc:
        return None
    return RedirectResponse(f"{origin}/login?{request.url.query}", 307, {"cache-control": "no-store"})


async def _callback(sign_in: SignIn, request: Request) -> Response:
    response: Response
    at, source = sign_in.now(), source_of(request.client.host if request.client else "")
    if wait := sign_in.failures.wait(source, at=at):
        response = page("Not signed in", "<p>Too many sign-ins failed from here. Wait a minute.</p>", status=429)
        response.headers["retry-after"] = str(wait)
        return response
    try:
        oidc = await _oidc_of(sign_in, request, at)
        account = await oidc.complete(request, at=at)
        await sign_in.admit(account, at)
    except SignInRefused as error:
        _log.info("sign-in refused: %s", error.reason)
        sign_in.failures.note(source, at=at)
        again = f'<p>{escape(sentence(str(error)))}</p><a class="button" href="/login">Sign in</a>'
        return page("Not signed in", again, status=400)
    except ProviderUnavailable as error:
        return _unavailable(error)
    # A session that was there before is ended, and the new one has a new token: nobody can plant one beforehand.
    await _end_session(sign_in, request, at)
    token = await sign_in.sessions.open(_opened_by(account, request), at=at)
    response = RedirectResponse(account.next, 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})
    response.headers.append("set-cookie", sign_in.cookie.set(token, lifetime=sign_in.sessions.lifetimes.absolute))
    return response


async def _oidc_of(sign_in: SignIn, request: Request, at: datetime) -> Oidc:
    named = request.path_params
    oidc = await sign_in.providers.oidc(named.get("organization_id"), named.get("provider_id"), at=at)
    if oidc is None:
        raise SignInRefused("there is no such provider")
    return oidc


def _opened_by(account: SignedIn, request: Request) -> Account:
    return Account(
        issuer=account.issuer,
        subject=account.subject,
        email=account.email,
        name=account.name,
        authenticated_at=account.authenticated_at,
        organization_id=account.organization_id,
        provider_id=account.provider_id,
        provider_session=account.provider_session,
        id_token=account.id_token,
        user_agent="".join(each for each in request.headers.get("user-agent", "") if each.isprintable()),
    )


async def _logout(sign_in: SignIn, request: Request) -> Response:
    if request.method != "POST":
        form = '<p>This ends your session in this browser.</p><form method="post"><button>Sign out</button></form>'
        return page("Sign out?", form)
    if not from_allowed_origin(request.headers, sign_in.allowed_origins):
        return page("Not signed out", "<p>This request came from another site.</p>", status=403)
    at = sign_in.now()
    ended = await _end_session(sign_in, request, at)
    onward = await _onward(sign_in, ended, at) if ended else None
    response: Response = RedirectResponse(HOME, 303, {"cache-control": "no-store"})
    if onward is not None:
        # A page of ours and not a redirect: our form may only be sent to ourselves, and redirects count as that.
        go_on = f'<p>You are signed out here.</p><a class="button" href="{escape(onward)}">Sign out everywhere</a>'
        response = page("Signed out", go_on)
        response.headers["refresh"] = f"0; url={onward}"
    response.headers.append("set-cookie", sign_in.cookie.clear())
    return response


async def _onward(sign_in: SignIn, ended: Ended, at: datetime) -> str | None:
    """Return where the browser goes to sign out at its provider too, or None where that cannot be."""
    try:
        oidc = await sign_in.providers.oidc(ended.organization_id, ended.provider_id, at=at)
    except ProviderUnavailable as error:
        _log.warning("no way to sign out at the provider: %s", error.reason)
        return None
    if oidc is None:
        return None
    return await oidc.farewell(id_token=ended.id_token, return_to=sign_in.providers.logged_out, at=at)


async def _logged_out(_request: Request) -> Response:
    return page("Signed out", '<p>You are signed out.</p><a class="button" href="/login">Sign in</a>')


async def _current(sign_in: SignIn, request: Request, at: datetime) -> SessionIdentity | None:
    token = request.cookies.get(sign_in.cookie.name)
    return await sign_in.sessions.recognize(token, at=at) if token else None


async def _end_session(sign_in: SignIn, request: Request, at: datetime) -> Ended | None:
    token = request.cookies.get(sign_in.cookie.name)
    return await sign_in.sessions.revoke(token, at=at) if token else None


def _unavailable(error: ProviderUnavailable) -> Response:
    _log.warning("identity provider unavailable: %s", error.reason)
    response = page("Not signed in", f"<p>{escape(sentence(str(error)))}</p>", status=503)
    response.headers["retry-after"] = "60"
    return response
