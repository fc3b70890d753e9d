"""How does somebody see the whole thing run, two minutes after cloning it?

One process on the loopback: an embedded database, demo organizations, an identity provider for invented people, and
the graph. Every step says what it does, and may be run again.
"""

import asyncio
import json
import webbrowser
from datetime import timedelta
from pathlib import Path

from api import logs
from api.cli.books import say
from api.demo import personas, seed
from api.house import build_house, now, remember_sellers
from api.identity import AUDIENCE, issuer_of
from api.server import Server, build_server, settle
from api.settings import SellerDetails, Settings
from auth.development import mint_access_token
from auth.signing import SigningKey
from documents.invoice import ZeroTax
from models.database import opened, sqlite_path
from models.migrate import migrate
from models.schema_check import require_golden

FOLDER = Path(".data")
KEY_PATH = FOLDER / "development-idp.pem"
TOKEN_LIFETIME = timedelta(hours=12)


SELLER = SellerDetails(
    legal_name="Billgraph Example Ltd",
    address_lines=("1 Sample Street", "10115 Berlin"),
    country="DE",
    tax_id="DE000000000",
    email="invoices@billgraph.example",
    payment_lines=("Sample Bank", "IBAN DE00 0000 0000 0000 0000 00"),
    zero_tax=ZeroTax.NOT_SUBJECT,
)


class NotForProduction(RuntimeError):
    """A command for development was called in production, or for somebody who is not a persona."""


def _settings() -> Settings:
    """Return the settings of the demo: known by the address it listens on, whatever the port."""
    settings = Settings()
    if settings.is_production:
        raise NotForProduction("the demo and its tokens are for development: BILLGRAPH_ENVIRONMENT is production")
    changes: dict[str, object] = {"sellers": {"BILLGRAPH": SELLER, **settings.sellers}}
    if "public_url" not in settings.model_fields_set:
        changes["public_url"] = f"http://{settings.host}:{settings.port}"
    return settings.model_copy(update=changes)


async def run(*, open_browser: bool) -> None:
    """Migrate, seed and serve the demo, and print what to open."""
    settings = _settings()
    logs.configure(settings)
    url = settings.database_url.get_secret_value()
    say(f"· opening {sqlite_path(url) or 'the database server'}")
    async with opened(url) as database:
        await migrate(database, progress=lambda name: say(f"· applied migration {name}"))
        await require_golden(database.reader)
        await remember_sellers(database, settings)
        await seed.seed(database, at=now(), issuer=issuer_of(settings), progress=lambda text: say(f"· {text}"))
        app = build_house(database, settings, personas=personas.PERSONAS, key_path=KEY_PATH)
        _remember(settings)
        server = build_server(app, settings)
        settle()
        greeting = asyncio.create_task(_greet_when_ready(server, settings, open_browser=open_browser))
        try:
            await server.serve()
        finally:
            greeting.cancel()


async def seed_only() -> None:
    """Migrate and seed without serving."""
    settings = _settings()
    async with opened(settings.database_url.get_secret_value()) as database:
        await migrate(database, progress=lambda name: say(f"· applied migration {name}"))
        await remember_sellers(database, settings)
        await seed.seed(database, at=now(), issuer=issuer_of(settings), progress=lambda text: say(f"· {text}"))


def token_for(email: str) -> str:
    """Return an access token for a persona, for the demo that was started last."""
    settings = _settings()
    persona = next((each for each in personas.PERSONAS if each.email == email.lower()), None)
    if persona is None:
        raise NotForProduction(
            f"{email} is not a demo persona; they are ROLE@SLUG.example, such as owner@pooled.example"
        )
    state = _state_path(settings)
    issuer = json.loads(state.read_text())["issuer"] if state.exists() else issuer_of(settings)
    key = SigningKey.load_or_create(KEY_PATH)
    return mint_access_token(key, persona, issuer=issuer, audience=AUDIENCE, at=now(), lifetime=TOKEN_LIFETIME)


def _remember(settings: Settings) -> None:
    """Keep the issuer of the demo on this port, so that `billgraph token` speaks for the same one."""
    _state_path(settings).write_text(json.dumps({"issuer": issuer_of(settings)}))


def _state_path(settings: Settings) -> Path:
    return FOLDER / f"demo-{settings.port}.json"


async def _greet_when_ready(server: Server, settings: Settings, *, open_browser: bool) -> None:
    while not server.started:  # noqa: ASYNC110  # uvicorn has a flag and no event
        await asyncio.sleep(0.05)
    root = settings.public_url
    say("")
    for persona in personas.PERSONAS:
        say(f"{persona.email}  {persona.name}")
        say(f"  sign in  {root}/login?login_hint={persona.email}&next=/graphql")
        say(f"  token    {token_for(persona.email)}")
    say("")
    say(f"GraphiQL   {root}/graphql")
    say(f"Sign in    {root}/login?next=/graphql")
    say("Token      billgraph token owner@pooled.example")
    say("Stop       Ctrl-C")
    if open_browser:
        webbrowser.open(f"{root}/login?next=/graphql")
