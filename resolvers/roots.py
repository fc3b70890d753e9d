"""What can be asked, done and heard: the whole graph in one place."""

from functools import cache
from typing import Final

import strawberry
from strawberry.schema.config import StrawberryConfig

from resolvers import federation
from resolvers.anomalies import AnomalyMutations
from resolvers.api_clients import ApiClientMutations
from resolvers.bulk_usage import UsageExecutor
from resolvers.clock import ClockMutations
from resolvers.contracts import ContractMutations
from resolvers.corrections import CorrectionMutations
from resolvers.credits import CreditMutations
from resolvers.directories import DirectoryMutations
from resolvers.estimates import EstimateQueries
from resolvers.groups import GroupMutations
from resolvers.identity_providers import IdentityProviderMutations
from resolvers.imports import ImportMutations
from resolvers.invitations import InvitationMutations
from resolvers.invoices import InvoiceMutations
from resolvers.limit_increases import IncreaseMutations
from resolvers.limits import LimitMutations
from resolvers.members import MemberMutations
from resolvers.nodes import NodeQueries
from resolvers.organizations import OrganizationMutations, OrganizationQueries
from resolvers.payments import PaymentMutations
from resolvers.plans import PlanMutations
from resolvers.previews import PreviewQueries
from resolvers.profiles import ProfileMutations
from resolvers.reassignments import ReassignmentMutations
from resolvers.reservations import ReservationMutations
from resolvers.seats import SeatMutations
from resolvers.sessions import SessionMutations
from resolvers.subscriptions import EventSubscriptions
from resolvers.usage import UsageMutations
from resolvers.webhooks import WebhookMutations
from schema.access import field
from schema.context import Info
from schema.imports import ImportRowError
from schema.limit_increases import LimitIncreaseAlreadyRequested
from schema.limits import SpendLimitReached
from schema.scalars import SCALARS
from schema.user_errors import ConflictError, NotFoundError, ValidationError
from schema.viewers import Viewer

_ASKED: Final = "What can be asked."


@strawberry.type(description=_ASKED)
class Query(OrganizationQueries, NodeQueries, EstimateQueries, PreviewQueries):
    @field(description="The caller: who they are, and what they may do where.", requires=None)
    def viewer(self, info: Info) -> Viewer:
        return Viewer.of(info.context.caller)


@strawberry.type(
    description="What can be done. Every command has an idempotency key: repeated with it, it happens once."
)
class Mutation(
    OrganizationMutations,
    ProfileMutations,
    MemberMutations,
    ImportMutations,
    SeatMutations,
    ReassignmentMutations,
    GroupMutations,
    LimitMutations,
    IncreaseMutations,
    AnomalyMutations,
    UsageMutations,
    ReservationMutations,
    CorrectionMutations,
    PlanMutations,
    ContractMutations,
    InvoiceMutations,
    PaymentMutations,
    CreditMutations,
    ClockMutations,
    WebhookMutations,
    DirectoryMutations,
    InvitationMutations,
    IdentityProviderMutations,
    ApiClientMutations,
    SessionMutations,
):
    pass


@strawberry.type(description="What can be heard. Every event has a cursor from which to go on.")
class Subscription(EventSubscriptions):
    pass


def _graph(config: StrawberryConfig, query: type = Query) -> strawberry.Schema:
    types = [
        ConflictError,
        ImportRowError,
        LimitIncreaseAlreadyRequested,
        NotFoundError,
        SpendLimitReached,
        ValidationError,
    ]
    return strawberry.Schema(
        query, Mutation, Subscription, types=types, config=config, execution_context_class=UsageExecutor
    )


_ONE_OF: Final = "directive @oneOf on INPUT_OBJECT"
_ONE_OF_DESCRIBED: Final = f'"""Exactly one field of the input must be given, and not null."""\n{_ONE_OF}'
schema: Final = _graph(StrawberryConfig(scalar_map=SCALARS))
"""The graph that is served."""


def sdl() -> str:
    """Return the graph as clients see it, in a stable order.

    A schema sorted by the library hands enum values to resolvers as bare text, so the sorted one is only ever printed.
    """
    text = _graph(StrawberryConfig(scalar_map=SCALARS, sort_schema=True)).as_str()
    return f"{text.replace(_ONE_OF, _ONE_OF_DESCRIBED)}\n"


@cache
def federated() -> strawberry.Schema:
    """Return the graph as a subgraph of Apollo Federation serves it: with what a router asks, and nothing less."""
    query = strawberry.type(type("Query", (Query, federation.queries_of(subgraph_sdl())), {}), description=_ASKED)
    return _graph(StrawberryConfig(scalar_map={**SCALARS, **federation.FEDERATION_SCALARS}), query)


def subgraph_sdl() -> str:
    """Return the graph as a router composes it."""
    return federation.subgraph(sdl())
