"""How do sign-in, tokens and sessions stand up together?

The part of the house that finds out who is asking. Nothing here decides anything.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from starlette.routing import BaseRoute

from api import development, logouts, sign_in, token_door
from api.settings import Settings
from auth.authentication import Authenticator
from auth.clients import Clients
from auth.development import Persona
from auth.failures import Failures
from auth.issuers import Issuer, Issuers
from auth.keys import FixedKeys, JwksOverHttp, KeySource
from auth.minting import Mint
from auth.oidc import Oidc, Provider, SignedIn, SignInRefused
from auth.outbound import PublicWeb
from auth.principal import Principal
from auth.providers import CALLBACK, Providers
from auth.sealing import Sealer
from auth.sessions import Lifetimes, SessionCookie, Sessions
from auth.signing import SigningKey
from models.database import Database
from services import sign_ins
from services.dispatch import Dispatcher, Request
from services.outcomes import Refused

AUDIENCE = "billgraph-api"
_log = structlog.get_logger("billgraph.access")
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Identification:
    """How people and programs are recognized, and the routes that this takes."""

    authenticator: Authenticator
    sessions: Sessions
    providers: Providers
    clients: Clients
    mint: Mint
    failures: Failures
    routes: Sequence[BaseRoute]


def identification(
    database: Database,
    dispatcher: Dispatcher,
    settings: Settings,
    *,
    personas: Sequence[Persona],
    key_path: Path | None,
    now: Clock,
) -> Identification:
    """Return everything that finds out who is asking, under these settings."""
    sealer = Sealer([secret.get_secret_value() for secret in settings.data_secrets])
    sessions = Sessions(database, lifetimes=lifetimes(settings), sealer=sealer)
    cookie = SessionCookie(settings.public_url.startswith("https://"))
    mint = Mint(database, sealer, issuer_url=settings.public_url, audience=AUDIENCE)
    known_as = (settings.public_url, f"{settings.public_url}/token")
    clients, failures = Clients(database, audiences=known_as), Failures(settings.failures_max)
    trusted = [
        Issuer(each.url, each.audience, each.algorithms, JwksOverHttp(each.url, jwks_url=each.jwks_url))
        for each in settings.issuers
    ]
    operators = _operators_provider(settings)
    routes: list[BaseRoute] = []
    if settings.development_sign_in and key_path is not None:
        provider = _development_provider(settings, personas, key_path, now)
        keys = FixedKeys([provider.key.public])
        trusted.append(Issuer(provider.issuer_url, provider.audience, frozenset({"RS256"}), keys))
        operators = _as_operators(settings, provider.issuer_url, None, keys)
        routes += development.routes(provider)
    providers = Providers(
        database,
        public_url=settings.public_url,
        everywhere=Issuers(*trusted),
        mint=mint,
        sealer=sealer,
        web=PublicWeb(settings.provider_hosts),
        operators=operators,
    )
    authenticator = Authenticator(
        providers,
        sessions,
        cookie=cookie,
        allowed_origins=settings.trusted_origins,
        own_issuer=settings.public_url,
        clients=clients,
    )
    door = sign_in.SignIn(
        providers=providers,
        sessions=sessions,
        cookie=cookie,
        transaction_secret=settings.session_secret.get_secret_value(),
        allowed_origins=settings.trusted_origins,
        now=now,
        admit=Admission(dispatcher),
        failures=failures,
    )
    routes += sign_in.routes(door)
    routes += token_door.routes(token_door.TokenDoor(settings.public_url, mint, clients, authenticator, failures, now))
    routes += logouts.routes(logouts.BackChannel(providers, sessions, database, failures, now))
    return Identification(authenticator, sessions, providers, clients, mint, failures, routes)


@dataclass(frozen=True, slots=True)
class Admission:
    """Lets accounts in that an organization's provider vouched for; the operator's provider lets anybody in."""

    dispatcher: Dispatcher

    async def __call__(self, account: SignedIn, at: datetime) -> None:
        """Find or make the member, or raise `SignInRefused` with what the person can do about it."""
        if account.organization_id is not None and account.provider_id is not None:
            command = sign_ins.Admit(
                organization_id=account.organization_id,
                idempotency_key=f"sign-in/{account.transaction}",
                identity_provider_id=account.provider_id,
                issuer=account.issuer,
                subject=account.subject,
                email=account.email,
                email_verified=account.email_verified,
                name=account.name,
                claims=account.claims,
            )
            request = Request(Principal.system(account.organization_id), at, "sign-in")
            outcome = await self.dispatcher.execute(sign_ins.admit, command, request)
            if isinstance(outcome, Refused):
                raise SignInRefused(f"{outcome.code}: {outcome.message}", message=outcome.message)
        _log.info("signed in", issuer=account.issuer, at=at.isoformat())


def lifetimes(settings: Settings) -> Lifetimes:
    """Return how long sessions live under these settings."""
    return Lifetimes(
        idle=timedelta(seconds=settings.session_idle_seconds_max),
        absolute=timedelta(seconds=settings.session_seconds_max),
    )


def issuer_of(settings: Settings) -> str:
    """Return the development provider's issuer under these settings."""
    return f"{settings.public_url}{development.PATH}"


def _operators_provider(settings: Settings) -> Oidc | None:
    if settings.sign_in_issuer is None:
        return None
    secret = settings.sign_in_client_secret.get_secret_value() or None
    return _as_operators(settings, settings.sign_in_issuer, secret, JwksOverHttp(settings.sign_in_issuer))


def _as_operators(settings: Settings, issuer_url: str, secret: str | None, keys: KeySource) -> Oidc:
    callback = f"{settings.public_url}{CALLBACK}"
    return Oidc(Provider(issuer_url, settings.sign_in_client_id, secret, callback, keys))


def _development_provider(
    settings: Settings, personas: Sequence[Persona], key_path: Path, now: Clock
) -> development.DevelopmentProvider:
    return development.DevelopmentProvider(
        environment=settings.environment,
        bind_host=settings.host,
        origin=settings.public_url,
        client_id=settings.sign_in_client_id,
        redirect_uri=f"{settings.public_url}{CALLBACK}",
        audience=AUDIENCE,
        personas=personas,
        key=SigningKey.load_or_create(key_path),
        now=now,
    )
