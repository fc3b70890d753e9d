"""How does the whole house stand up around one open database?

The only place where settings, database, sign-in, the graph and the doors meet. It reads the clock for everything
below. Nothing here decides anything; a piece that needs explaining belongs in a module of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute

from api import development, downloads, exports, sign_in
from api.app import Lifespan, build_app
from api.callers import Caller
from api.settings import Settings
from auth.authentication import Authenticator, ForeignRequest, Identity, principal_for
from auth.development import Persona, SigningKey
from auth.keys import FixedKeys, JwksOverHttp, KeySource
from auth.oidc import Oidc, Provider, SignedIn
from auth.principal import Membership, Principal
from auth.sessions import Lifetimes, SessionCookie, Sessions
from auth.tokens import InvalidToken, Issuer, Issuers
from billing.roles import Permission
from events.hub import Hub
from jobs.webhooks import Postman
from models import identities, notices, sellers
from models.database import Database
from models.sql import Client
from resolvers.roots import schema as graph
from schema.context import Context
from schema.errors import ErrorCode, GraphError
from services.dispatch import Dispatcher

AUDIENCE = "billgraph-api"
SIGN_IN_ENDED = "the sign-in behind this stream has ended"
_log = structlog.get_logger("billgraph.access")


def now() -> datetime:
    """Return the present instant: the clock that everything below is given."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class SignInDoor:
    """How people and tokens are recognized, and the routes that this takes."""

    authenticator: Authenticator
    sessions: Sessions
    routes: Sequence[BaseRoute]


async def remember_sellers(database: Database, settings: Settings) -> None:
    """Keep how our legal entities are printed, so that an invoice freezes it with everything else it says."""
    documents = {key: details.model_dump(mode="json") for key, details in settings.sellers.items()}

    async def work(client: Client) -> None:
        await sellers.remember(client, documents)

    await database.runner.run(work, lane="sellers")


def build_house(
    database: Database, settings: Settings, *, personas: Sequence[Persona] = (), key_path: Path | None = None
) -> Starlette:
    """Return the application on an open database; `personas` can sign in without a provider, in development."""
    dispatcher = Dispatcher(database.runner, Hub(), settings.postbox)
    door = _sign_in_door(database, settings, personas, key_path)

    callers = _Callers(door.authenticator, database)

    @asynccontextmanager
    async def open_context(connection: HTTPConnection | None, caller: Caller | None) -> AsyncIterator[Context]:
        assert caller is None or isinstance(caller, Principal)
        yield Context(
            principal=caller if connection is None else await callers.still(connection, caller),
            reader=database.reader,
            dispatcher=dispatcher,
            hub=dispatcher.hub,
            clock=now,
            request_id="news" if connection is None else connection.state.request_id,
            resumable=timedelta(days=settings.events_resumable_days),
        )

    return build_app(
        graph,
        settings=settings,
        authenticate=callers.authenticate,
        open_context=open_context,
        recognize=callers.recognize,
        hub=dispatcher.hub,
        routes=[
            *door.routes,
            *downloads.routes(
                authenticate=callers.authenticate, reader=database.reader, sellers=settings.printed_sellers
            ),
            *exports.routes(authenticate=callers.authenticate, reader=database.reader),
        ],
        checks=(("database", lambda: _answers(database)),),
        lifespan=_living(database, dispatcher, settings),
    )


def _living(database: Database, dispatcher: Dispatcher, settings: Settings) -> Lifespan:
    """Return what goes on as long as the application lives: hearing of other processes, and sending webhooks."""
    postman, hub = Postman(database.reader, dispatcher, clock=now), dispatcher.hub

    @asynccontextmanager
    async def living(_app: Starlette) -> AsyncIterator[None]:
        hearing = asyncio.create_task(notices.listen(database, heard=hub.wake, lost=hub.wake_all))
        try:
            async with postman.on_duty() if settings.webhook_delivery else nullcontext():
                yield
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)

    return living


def issuer_of(settings: Settings) -> str:
    """Return the development provider's issuer under these settings."""
    return f"{settings.public_url}{development.PATH}"


def _sign_in_door(
    database: Database, settings: Settings, personas: Sequence[Persona], key_path: Path | None
) -> SignInDoor:
    secure = settings.public_url.startswith("https://")
    lifetimes = Lifetimes(
        idle=timedelta(seconds=settings.session_idle_seconds_max),
        absolute=timedelta(seconds=settings.session_seconds_max),
    )
    sessions, cookie = Sessions(database, lifetimes=lifetimes), SessionCookie(secure)
    origins = settings.allowed_origins | {settings.public_url}
    trusted = [
        Issuer(each.url, each.audience, each.algorithms, JwksOverHttp(each.url, jwks_url=each.jwks_url))
        for each in settings.issuers
    ]
    routes: list[BaseRoute] = []
    issuer_url, secret = settings.sign_in_issuer, settings.sign_in_client_secret.get_secret_value() or None
    keys: KeySource | None = None
    callback = f"{settings.public_url}/callback"
    if settings.development_sign_in and key_path is not None:
        provider = _development_provider(settings, personas, key_path, callback)
        keys = FixedKeys([provider.key.public])
        trusted.append(Issuer(provider.issuer_url, provider.audience, frozenset({"RS256"}), keys))
        issuer_url, secret = provider.issuer_url, None
        routes += development.routes(provider)
    if issuer_url is not None:
        oidc = Oidc(
            Provider(issuer_url, settings.sign_in_client_id, secret, callback, keys or JwksOverHttp(issuer_url))
        )
        routes += sign_in.routes(
            sign_in.SignIn(
                oidc=oidc,
                sessions=sessions,
                cookie=cookie,
                transaction_secret=settings.session_secret.get_secret_value(),
                allowed_origins=origins,
                now=now,
                signed_in=_note_sign_in,
            )
        )
    authenticator = Authenticator(Issuers(*trusted), sessions, cookie=cookie, allowed_origins=origins)
    return SignInDoor(authenticator, sessions, routes)


def _development_provider(
    settings: Settings, personas: Sequence[Persona], key_path: Path, callback: str
) -> development.DevelopmentProvider:
    return development.DevelopmentProvider(
        environment=settings.environment,
        bind_host=settings.host,
        origin=settings.public_url,
        client_id=settings.sign_in_client_id,
        redirect_uri=callback,
        audience=AUDIENCE,
        personas=personas,
        key=SigningKey.load_or_create(key_path),
        now=now,
    )


@dataclass(frozen=True, slots=True)
class _Callers:
    """Recognizes callers, and recognizes them anew for each event of a stream."""

    authenticator: Authenticator
    database: Database

    async def authenticate(self, connection: HTTPConnection, payload: Mapping[str, object]) -> Principal | None:
        """Return who is calling, or None for nobody in particular."""
        try:
            if connection.scope["type"] == "websocket":
                identity = await self.authenticator.of_socket(connection.headers, payload, at=now())
            else:
                identity = await self.authenticator.of_request(connection.scope["method"], connection.headers, at=now())
        except InvalidToken as error:
            _log.info("token refused", reason=error.reason)
            raise GraphError(ErrorCode.UNAUTHENTICATED, str(error)) from error
        except ForeignRequest as error:
            raise GraphError(ErrorCode.ORIGIN_FORBIDDEN, str(error)) from error
        if identity is None:
            return None
        connection.state.identity = identity
        return await principal_for(identity, self._memberships)

    async def still(self, connection: HTTPConnection, caller: Principal | None) -> Principal | None:
        """Return the caller as of now: a stream outlives a role that is taken away and a session that is ended."""
        if caller is None or not _is_stream(connection):
            return caller
        identity = connection.state.identity
        if not await self.authenticator.still_valid(identity, at=now()):
            raise GraphError(ErrorCode.UNAUTHENTICATED, SIGN_IN_ENDED)
        return await principal_for(identity, self._memberships)

    async def recognize(self, streams: Sequence[tuple[HTTPConnection, Caller]]) -> Sequence[Caller | GraphError]:
        """Return who the callers of many streams are by now; the statements do not grow with their number."""
        asked: list[Identity] = [connection.state.identity for connection, _ in streams]
        valid = await self.authenticator.valid_among(set(asked), at=now())
        accounts = {(each.issuer, each.subject) for each in valid}
        linked = await identities.active_members_of_many(self.database.reader, accounts) if accounts else {}

        async def memberships(issuer: str, subject: str) -> Sequence[Membership]:
            return [_membership(each) for each in linked[issuer, subject]]

        known = {identity: await principal_for(identity, memberships) for identity in valid}
        ended = GraphError(ErrorCode.UNAUTHENTICATED, SIGN_IN_ENDED)
        return [known.get(identity, ended) for identity in asked]

    async def _memberships(self, issuer: str, subject: str) -> Sequence[Membership]:
        linked = await identities.active_members(self.database.reader, issuer, subject)
        return [_membership(each) for each in linked]


def _membership(linked: identities.LinkedMember) -> Membership:
    return Membership(linked.organization_id, linked.member_id, linked.role, _permissions(linked.permissions))


@lru_cache(maxsize=1_000)
def _permissions(names: tuple[str, ...]) -> frozenset[Permission]:
    return frozenset(map(Permission, names))


def _is_stream(connection: HTTPConnection) -> bool:
    return connection.scope["type"] == "websocket" or connection.url.path.endswith("/stream")


async def _note_sign_in(signed_in: SignedIn, at: datetime) -> None:
    _log.info("signed in", issuer=signed_in.issuer, at=at.isoformat())


async def _answers(database: Database) -> None:
    await database.reader.execute_query("SELECT 1")
