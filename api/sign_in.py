"""How does a person get in and out with a browser?

`/login` goes to the identity provider, `/callback` comes back from it with a new session, `/logout` ends that
session. A browser is only ever sent on to a path of this site, whatever the address bar asked for.
"""

import logging
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from html import escape
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from auth.oidc import TRANSACTION_LIFETIME, Oidc, ProviderUnavailable, SignedIn, SignInRefused
from auth.sessions import SessionCookie, Sessions, from_allowed_origin

HOME = "/"
NEXT_MAX = 2000
HINT_MAX = 320

_log = logging.getLogger(__name__)

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --paper: #f4f6f9; --card: #fff; --line: #d9dfe7;
  --accent: #2457d6 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf2; --soft: #9aa6b6; --paper: #10151c; --card: #19202a;
  --line: #2c3644; --accent: #86a8ff } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 30rem; padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 14px }
h1 { margin: 0 0 .5rem; font-size: 1.35rem } p { margin: 0 0 1.25rem; color: var(--soft) }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: .6rem }
h2 { margin: 1.25rem 0 .5rem; font-size: .8rem; letter-spacing: .06em; text-transform: uppercase; color: var(--soft) }
.choice { display: block; padding: .7rem 1rem; border: 1px solid var(--line); border-radius: 10px; color: inherit;
  text-decoration: none } .choice:hover, .choice:focus-visible { border-color: var(--accent); outline: none }
.choice small { display: block; color: var(--soft) }
button, .button { display: inline-block; padding: .6rem 1.1rem; border: 0; border-radius: 10px; font: inherit;
  background: var(--accent); color: var(--card); text-decoration: none; cursor: pointer }
"""
_STYLE_SOURCE = f"'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'"
PAGE_HEADERS = {
    "content-security-policy": f"default-src 'none'; style-src {_STYLE_SOURCE}; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    # Not "no-referrer": that would also blank the Origin of our own form, by which the form is recognized.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class SignIn:
    """What the sign-in routes need. `signed_in` is told of every success, before the session is opened."""

    oidc: Oidc
    sessions: Sessions
    cookie: SessionCookie
    transaction_secret: str
    allowed_origins: frozenset[str]
    now: Callable[[], datetime]
    signed_in: Callable[[SignedIn, datetime], Awaitable[None]]

    def __post_init__(self) -> None:
        if len(self.transaction_secret) < 32:
            raise ValueError("the secret that signs the sign-in cookie must have at least 32 characters")


def routes(sign_in: SignIn) -> list[Route]:
    """Return the routes /login, /callback and /logout."""
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

    return [
        Route("/login", login, methods=["GET"], middleware=[transaction]),
        Route("/callback", callback, methods=["GET"], middleware=[transaction]),
        Route("/logout", logout, methods=["GET", "POST"]),
    ]


def safe_next(asked: str | None) -> str:
    r"""Return `asked` when it is a path of this very site, and the home page otherwise.

    >>> safe_next("/invoices?year=2026"), safe_next("//evil.example"), safe_next(r"/\evil.example")
    ('/invoices?year=2026', '/', '/')
    """
    if asked is None or not asked.startswith("/") or len(asked) > NEXT_MAX:
        return HOME
    # Browsers read a backslash as a slash and drop tabs and line ends: what they see must be what we see.
    if not asked.isascii() or not asked.isprintable() or "\\" in asked or " " in asked:
        return HOME
    try:
        parts = urlsplit(asked)
    except ValueError:
        return HOME
    return HOME if parts.scheme or parts.netloc or asked.startswith("//") else asked


def page(title: str, body: str, *, status: int = 200) -> HTMLResponse:
    """Return a small page of ours. `title` is text; `body` is HTML whose values are already escaped."""
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Billgraph</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return HTMLResponse(text, status, PAGE_HEADERS)


async def _login(sign_in: SignIn, request: Request) -> Response:
    if (elsewhere := _by_another_name(sign_in, request)) is not None:
        return elsewhere
    next_path = safe_next(request.query_params.get("next"))
    hint = request.query_params.get("login_hint", "")[:HINT_MAX]
    try:
        response = await sign_in.oidc.begin(request, next_path=next_path, login_hint=hint, at=sign_in.now())
    except ProviderUnavailable as error:
        return _unavailable(error)
    response.headers["cache-control"] = "no-store"
    return response


def _by_another_name(sign_in: SignIn, request: Request) -> Response | None:
    """Send a developer who came to 127.0.0.1 on to localhost: the provider's answer goes there, and so must the cookie.

    Not over https: there a proxy may call us by a name of its own, and this would go round in circles.
    """
    if sign_in.cookie.secure or request.url.netloc == urlsplit(sign_in.oidc.origin).netloc:
        return None
    return RedirectResponse(f"{sign_in.oidc.origin}/login?{request.url.query}", 307, {"cache-control": "no-store"})


async def _callback(sign_in: SignIn, request: Request) -> Response:
    at = sign_in.now()
    try:
        account = await sign_in.oidc.complete(request, at=at)
    except SignInRefused as error:
        _log.info("sign-in refused: %s", error.reason)
        again = f'<p>{escape(str(error)).capitalize()}.</p><a class="button" href="/login">Sign in</a>'
        return page("Not signed in", again, status=400)
    except ProviderUnavailable as error:
        return _unavailable(error)
    await sign_in.signed_in(account, at)
    # A session that was there before is ended, and the new one has a new token: nobody can plant one beforehand.
    await _end_session(sign_in, request, at)
    token = await sign_in.sessions.open(
        issuer=account.issuer, subject=account.subject, email=account.email, name=account.name, at=at
    )
    response = RedirectResponse(account.next, 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})
    response.headers.append("set-cookie", sign_in.cookie.set(token, lifetime=sign_in.sessions.lifetimes.absolute))
    return response


async def _logout(sign_in: SignIn, request: Request) -> Response:
    if request.method != "POST":
        form = '<p>This ends your session in this browser.</p><form method="post"><button>Sign out</button></form>'
        return page("Sign out?", form)
    if not from_allowed_origin(request.headers, sign_in.allowed_origins):
        return page("Not signed out", "<p>This request came from another site.</p>", status=403)
    await _end_session(sign_in, request, sign_in.now())
    response = RedirectResponse(HOME, 303, {"cache-control": "no-store"})
    response.headers.append("set-cookie", sign_in.cookie.clear())
    return response


async def _end_session(sign_in: SignIn, request: Request, at: datetime) -> None:
    if token := request.cookies.get(sign_in.cookie.name):
        await sign_in.sessions.revoke(token, at=at)


def _unavailable(error: ProviderUnavailable) -> Response:
    _log.warning("identity provider unavailable: %s", error.reason)
    response = page("Not signed in", f"<p>{escape(str(error)).capitalize()}.</p>", status=503)
    response.headers["retry-after"] = "60"
    return response
