"""What do the few pages of our own look like?

One file, no script, nothing from elsewhere: a page about signing in must not depend on a machine that is not ours.
"""

from base64 import b64encode
from hashlib import sha256
from html import escape
from urllib.parse import urlencode, urlsplit

from starlette.responses import HTMLResponse

HOME = "/"
NEXT_MAX = 2000

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
input { width: 100%; margin: 0 0 1rem; padding: .6rem .8rem; border: 1px solid var(--line); border-radius: 10px;
  font: inherit; background: var(--paper); color: var(--ink) }
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


def sentence(said: str) -> str:
    """Return what was said as a sentence; names in it stay as they are.

    >>> sentence("nobody at Acme has this address")
    'Nobody at Acme has this address.'
    """
    return f"{said[:1].upper()}{said[1:]}."


def email_form(
    *, next_path: str, is_step_up: bool, is_operators_way_open: bool, said: str | None = None
) -> HTMLResponse:
    """Return the page that asks for an address, to find out where its owner signs in."""
    hidden = f'<input type="hidden" name="next" value="{escape(next_path)}">'
    hidden += '<input type="hidden" name="step_up" value="1">' if is_step_up else ""
    other = ""
    if is_operators_way_open:
        other = (
            f'<p></p><a class="choice" href="{escape("/login?" + urlencode({"with": "operator", "next": next_path}))}">'
        )
        other += "Sign in another way</a>"
    body = (
        f"<p>{escape(said or 'Your company decides how you sign in. Tell us where you are from.')}</p>"
        f'<form action="/login">{hidden}<label for="email">E-mail address</label>'
        '<input id="email" type="email" name="email" autocomplete="username" required autofocus maxlength="254">'
        f"<button>Go on</button></form>{other}"
    )
    return page("Sign in", body, status=404 if said else 200)
