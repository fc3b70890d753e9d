"""How do the doors fit together?

Nothing is opened here and nothing is looked up: the schema, the ways to recognize a caller and to open a context,
further routes and what lives as long as the application are handed in.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Final

import strawberry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp

from api import health, metrics_door, pages
from api.budgets import Budgets, PayersOf, by_address, policies
from api.callers import Authenticate, OpenContext, Recognize
from api.draining import Drain
from api.execution import Operations
from api.graphql_http import GraphQLOverHttp, HttpDoor
from api.graphql_ws import GraphQLOverWebSocket
from api.metrics import Metrics
from api.middleware import AccessLog, BodyDeadline, RequestId, SecurityHeaders
from api.observing import Observer
from api.settings import Settings
from api.sse import GraphQLOverEvents
from api.straight import Straight
from api.trusted_documents import Library
from api.watch import Watch
from events.hub import Hub

MUTATIONS_SECONDS_MIN: Final = 1.0
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
    observer: Observer | None = None,
) -> Starlette:
    """Return the application: the graph at `/graphql` and `/graphql/stream`, health, metrics, pages and `routes`."""
    library = Library.at(settings.trusted_documents_file, settings.trusted_documents)
    budgets = Budgets(policies(settings), payers_of=payers_of)
    observer = observer or Observer()
    operations = Operations(graph_schema, settings.limits, budgets, library, observer, compiled=settings.compiled)
    drain = Drain(notice_seconds=settings.drain_seconds, seconds_max=settings.shutdown_seconds_max)
    door = HttpDoor(operations, settings=settings, authenticate=authenticate, open_context=open_context)
    watch = Watch(recognize)
    if hub is not None:
        hub.admit = watch.admit
    socket = GraphQLOverWebSocket(
        operations, settings=settings, authenticate=authenticate, open_context=open_context, watch=watch, drain=drain
    )
    observer.metrics.watch(partial(_gauges, operations, drain, hub))
    observer.metrics.add_up(
        "billgraph_executions", "Queries and mutations, by what executed them.", "by", operations.plans.tally
    )
    page = pages.QueryPage() if settings.query_page else None

    @asynccontextmanager
    async def living(app: Starlette) -> AsyncIterator[None]:
        async with lifespan(app) if lifespan is not None else nullcontext():
            watching = asyncio.create_task(watch.run())
            yield
            watching.cancel()
            # Nobody waits for these any more, but they are somebody's money: finish before the database closes.
            await operations.drain(seconds=max(MUTATIONS_SECONDS_MIN, drain.seconds_left))
            observer.close()

    doors: dict[str, ASGIApp] = {
        "/graphql": GraphQLOverHttp(door, page),
        "/graphql/stream": GraphQLOverEvents(door, watch, drain),
    }
    app = Starlette(
        routes=[
            *(Route(path, each) for path, each in doors.items()),
            WebSocketRoute("/graphql", socket),
            *health.routes((*checks, ("serving", drain.require_serving))),
            metrics_door.route(observer.metrics, settings),
            *([pages.static_files(), Route("/", _home)] if page is not None else []),
            *routes,
        ],
        middleware=[*_middleware(settings, observer.metrics), Middleware(Straight, doors=doors)],
        lifespan=living,
    )
    app.state.drain = drain
    app.state.operations, app.state.watch, app.state.hub = operations, watch, hub
    return app


async def _home(_request: Request) -> Response:
    """Send people to the page that they can do something on."""
    return RedirectResponse("/graphql", status_code=303)


def _gauges(operations: Operations, drain: Drain, hub: Hub | None) -> Mapping[str, tuple[str, float]]:
    """Return how things stand now, for whoever collects it."""
    return {
        "billgraph_sockets": ("WebSockets open.", len(drain.sockets)),
        "billgraph_event_streams": ("Streams of server-sent events open.", len(drain.streams)),
        "billgraph_subscriptions": ("Subscriptions open, over either.", operations.streams),
        "billgraph_questions_followed": ("Different questions behind the subscriptions.", len(operations.channels)),
        "billgraph_operations_in_progress": ("Queries and mutations in progress.", operations.busy),
        "billgraph_event_log_lag_seconds": (
            "How long the oldest news that was announced here has waited to be read from the log.",
            0.0 if hub is None else hub.lag_seconds,
        ),
    }


def _middleware(settings: Settings, metrics: Metrics) -> list[Middleware]:
    layers = [
        Middleware(RequestId),
        Middleware(AccessLog, metrics=metrics),
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
