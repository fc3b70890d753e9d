"""How do the doors fit together?

Nothing is opened here and nothing is looked up: the schema, the ways to recognize a caller and to open a context,
further routes and what lives as long as the application are handed in.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

import strawberry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from api import health, pages
from api.budgets import Budgets, PayersOf, by_address, policies
from api.callers import Authenticate, OpenContext, Recognize
from api.execution import Operations
from api.graphql_http import GraphQLOverHttp, HttpDoor
from api.graphql_ws import GraphQLOverWebSocket
from api.middleware import AccessLog, BodyDeadline, RequestId, SecurityHeaders
from api.settings import Settings
from api.sse import GraphQLOverEvents
from api.trusted_documents import Library
from api.watch import Watch
from events.hub import Hub

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def build_app(
    graph_schema: strawberry.Schema,
    *,
    settings: Settings,
    authenticate: Authenticate,
    open_context: OpenContext,
    recognize: Recognize | None = None,
    payers_of: PayersOf = by_address,
    hub: Hub | None = None,
    routes: Sequence[BaseRoute] = (),
    checks: Sequence[health.Check] = (),
    lifespan: Lifespan | None = None,
) -> Starlette:
    """Return the application: the graph at `/graphql` and `/graphql/stream`, health, pages and `routes`."""
    library = Library.at(settings.trusted_documents_file, settings.trusted_documents)
    budgets = Budgets(policies(settings), payers_of=payers_of)
    operations = Operations(graph_schema, settings.limits, budgets, library)
    door = HttpDoor(operations, settings=settings, authenticate=authenticate, open_context=open_context)
    watch = Watch(recognize)
    if hub is not None:
        hub.admit = watch.admit
    socket = GraphQLOverWebSocket(
        operations, settings=settings, authenticate=authenticate, open_context=open_context, watch=watch
    )
    page = pages.QueryPage() if settings.query_page else None

    @asynccontextmanager
    async def living(app: Starlette) -> AsyncIterator[None]:
        async with lifespan(app) if lifespan is not None else nullcontext():
            watching = asyncio.create_task(watch.run())
            yield
            watching.cancel()
            # Nobody waits for these any more, but they are somebody's money: finish before the database closes.
            await operations.drain(seconds=settings.shutdown_seconds_max)

    app = Starlette(
        routes=[
            Route("/graphql", GraphQLOverHttp(door, page)),
            WebSocketRoute("/graphql", socket),
            Route("/graphql/stream", GraphQLOverEvents(door, watch)),
            *health.routes(checks),
            *([pages.static_files(), Route("/", _home)] if page is not None else []),
            *routes,
        ],
        middleware=_middleware(settings),
        lifespan=living,
    )
    app.state.closing = asyncio.Event()
    app.state.operations, app.state.watch, app.state.hub = operations, watch, hub
    return app


async def _home(_request: Request) -> Response:
    """Send people to the page that they can do something on."""
    return RedirectResponse("/graphql", status_code=303)


def _middleware(settings: Settings) -> list[Middleware]:
    layers = [
        Middleware(RequestId),
        Middleware(AccessLog),
        Middleware(SecurityHeaders, is_https=settings.public_url.startswith("https://")),
        Middleware(BodyDeadline, seconds=settings.limits.body_seconds_max),
    ]
    if settings.allowed_origins:
        layers.append(
            Middleware(
                CORSMiddleware,
                allow_origins=sorted(settings.allowed_origins),
                allow_methods=["GET", "POST"],
                allow_headers=["authorization", "content-type", "x-request-id"],
                expose_headers=["x-request-id", "retry-after", "ratelimit", "ratelimit-policy"],
                allow_credentials=True,
            )
        )
    return layers
