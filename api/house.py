"""How does the whole house stand up around one open database?

The only place where settings, database, sign-in, the graph and the doors meet. It reads the clock for everything
below. Nothing here decides anything; a piece that needs explaining belongs in a module of its own.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from api import downloads, exports, scim, uploads, usage_door
from api.app import Lifespan, build_app
from api.budgets import ORGANIZATION, PRINCIPAL, Payer, address
from api.callers import Caller
from api.counting import Counting
from api.graph_requests import GraphRequest
from api.identity import Identification, identification
from api.metrics import Metrics
from api.middleware import request_id
from api.observing import Observer
from api.settings import Settings
from api.tracing import tracing_of
from auth import memberships
from auth.authentication import ForeignRequest, Identity, principal_of
from auth.clients import ClientIdentity
from auth.development import Persona
from auth.failures import source_of
from auth.memberships import Memberships
from auth.principal import Principal
from auth.tokens import InvalidToken
from events.hub import Hub
from jobs.imports import Importer
from jobs.webhooks import Postman
from models import notices, sellers
from models.database import Database
from models.schema_check import require_golden
from models.sql import Client
from resolvers import roots
from schema.context import Context
from schema.errors import ErrorCode, GraphError
from services.dispatch import Dispatcher

SIGN_IN_ENDED = "the sign-in behind this stream has ended"
_log = structlog.get_logger("billgraph.access")


def now() -> datetime:
    """Return the present instant: the clock that everything below is given."""
    return datetime.now(UTC)


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
    observer = Observer(Metrics(), tracing_of(settings))
    counting = Counting(observer.metrics)
    dispatcher = Dispatcher(database.runner, Hub(), settings.postbox, counting.command, settings.founders)
    known = identification(database, dispatcher, settings, personas=personas, key_path=key_path, now=now)
    callers = Callers(known, database, Memberships(database.reader, known.clients))

    @asynccontextmanager
    async def open_context(connection: HTTPConnection | None, caller: Caller | None) -> AsyncIterator[Context]:
        assert caller is None or isinstance(caller, Principal)
        yield Context(
            principal=caller if connection is None else await callers.still(connection, caller),
            reader=database.answering,
            dispatcher=dispatcher,
            hub=dispatcher.hub,
            clock=now,
            request_id="news" if connection is None else request_id(connection.scope),
            resumable=timedelta(days=settings.events_resumable_days),
            providers=known.providers,
            everybody=database.reader,
        )

    return build_app(
        roots.federated() if settings.federation else roots.schema,
        settings=settings,
        authenticate=callers.authenticate,
        open_context=open_context,
        recognize=callers.recognize,
        payers_of=_payers_of,
        hub=dispatcher.hub,
        routes=[
            *known.routes,
            *downloads.routes(
                authenticate=callers.authenticate, reader=database.answering, sellers=settings.printed_sellers
            ),
            *exports.routes(authenticate=callers.authenticate, reader=database.answering, now=now),
            *uploads.routes(
                authenticate=callers.authenticate,
                dispatcher=dispatcher,
                bytes_max=settings.limits.upload_bytes_max,
                now=now,
            ),
            *usage_door.routes(
                authenticate=callers.authenticate,
                reader=database.reader,
                dispatcher=dispatcher,
                limits=settings.limits,
                now=now,
            ),
            *scim.routes(database, dispatcher, public_url=settings.public_url, failures=known.failures, now=now),
        ],
        checks=(("database", lambda: _answers(database)), ("schema", lambda: require_golden(database.reader))),
        lifespan=_living(database, dispatcher, settings, counting),
        observer=observer,
    )


def _living(database: Database, dispatcher: Dispatcher, settings: Settings, counting: Counting) -> Lifespan:
    """Return what goes on while the application lives: hearing of other processes, imports, and sending webhooks."""
    postman, hub = Postman(database.reader, dispatcher, clock=now, told=counting.webhook), dispatcher.hub
    importer = Importer(database.reader, dispatcher, clock=now)

    @asynccontextmanager
    async def living(_app: Starlette) -> AsyncIterator[None]:
        hearing = asyncio.create_task(notices.listen(database, heard=hub.wake, lost=hub.wake_all))
        try:
            async with importer.on_duty(), postman.on_duty() if settings.webhook_delivery else nullcontext():
                yield
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)

    return living


@dataclass(frozen=True, slots=True)
class Callers:
    """Recognizes callers, and recognizes them anew for each event of a stream."""

    known: Identification
    database: Database
    memberships: Memberships

    async def authenticate(self, connection: HTTPConnection, payload: Mapping[str, object]) -> Principal | None:
        """Return who is calling, or None for nobody in particular."""
        at, authenticator = now(), self.known.authenticator
        try:
            if connection.scope["type"] == "websocket":
                identity = await authenticator.of_socket(connection.headers, payload, at=at)
            else:
                identity = await authenticator.of_request(connection.scope["method"], connection.headers, at=at)
        except InvalidToken as error:
            _log.info("token refused", reason=error.reason)
            raise self._failed(connection, error, at) from error
        except ForeignRequest as error:
            raise GraphError(ErrorCode.ORIGIN_FORBIDDEN, str(error)) from error
        if identity is None:
            return None
        connection.scope.setdefault("state", {})["identity"] = identity
        return principal_of(identity, await self.memberships.of(identity))

    async def still(self, connection: HTTPConnection, caller: Principal | None) -> Principal | None:
        """Return the caller as of now: a stream outlives a role that is taken away and a session that is ended."""
        if caller is None or not _is_stream(connection):
            return caller
        (principal,) = await self.now_of([connection.state.identity])
        if principal is None:
            raise GraphError(ErrorCode.UNAUTHENTICATED, SIGN_IN_ENDED)
        return principal

    async def recognize(self, streams: Sequence[tuple[HTTPConnection, Caller]]) -> Sequence[Caller | GraphError]:
        """Return who the callers of many streams are by now; the statements do not grow with their number."""
        found = await self.now_of([connection.state.identity for connection, _ in streams])
        ended = GraphError(ErrorCode.UNAUTHENTICATED, SIGN_IN_ENDED)
        return [ended if principal is None else principal for principal in found]

    async def now_of(self, identities: Sequence[Identity]) -> list[Principal | None]:
        """Return what each identity is now, None for one that would not be accepted any more.

        A program without any membership was revoked, or nobody lets it in.
        """
        valid = await self.known.authenticator.still_valid(identities, at=now())
        found = await memberships.of_all(self.database.reader, self.known.clients, identities)
        return [
            principal_of(identity, held) if is_valid and (held or not isinstance(identity, ClientIdentity)) else None
            for identity, is_valid, held in zip(identities, valid, found, strict=True)
        ]

    def _failed(self, connection: HTTPConnection, error: InvalidToken, at: datetime) -> GraphError:
        """Count a failure and answer it. Proof that holds is never refused for the failures of others."""
        source = source_of(connection.client.host if connection.client else "")
        wait = self.known.failures.wait(source, at=at)
        self.known.failures.note(source, at=at)
        if wait:
            return GraphError(ErrorCode.TOO_MANY_FAILURES, f"too much failed from here; try again in {wait} seconds")
        return GraphError(ErrorCode.UNAUTHENTICATED, str(error))


def _payers_of(connection: HTTPConnection, caller: Caller | None, request: GraphRequest | None) -> Sequence[Payer]:
    """Return the account and the organization it asks about: its only one, or those its request names."""
    if not isinstance(caller, Principal):
        return (address(connection),)
    organizations = list(caller.memberships)
    if len(organizations) > 1:
        asked = "" if request is None else f"{request.query} {json.dumps(request.variables)}"
        organizations = [each for each in organizations if each in asked]
    account = Payer(PRINCIPAL, f"{caller.issuer}\x1f{caller.subject}")
    return (account, *(Payer(ORGANIZATION, each) for each in organizations))


def _is_stream(connection: HTTPConnection) -> bool:
    return connection.scope["type"] == "websocket" or str(connection.scope["path"]).endswith("/stream")


async def _answers(database: Database) -> None:
    await database.reader.execute_query("SELECT 1")
