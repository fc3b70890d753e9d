"""How is the graph a part of a larger one?

As a subgraph of Apollo Federation 2, where an operator asks for it: other subgraphs hang their own fields on an
organization or a member, which they know by its global id. A router that brings such an id is told what its caller may
see and nothing more; an entity is looked up exactly like a node.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from resolvers.nodes import NODES_MAX, all_found
from schema import ids
from schema.access import field
from schema.context import Info
from schema.errors import ErrorCode, GraphError
from schema.ids import GlobalId, Kind
from schema.members import Member
from schema.organizations import Organization

Representation = NewType("Representation", dict[str, Any])
"""What a router knows of an entity: the name of its type and its key."""

ENTITIES: Final[Mapping[str, Kind]] = MappingProxyType({"Member": Kind.MEMBER, "Organization": Kind.ORGANIZATION})
SHARED: Final = ("PageInfo",)
_LINK: Final = """extend schema
  @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])"""


def _representation(value: object) -> Representation:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str) or value.get("__typename") not in ENTITIES:
        names = " or ".join(ENTITIES)
        raise GraphError(ErrorCode.BAD_USER_INPUT, f"a representation is {{__typename, id}} of {names}")
    return Representation(value)


FEDERATION_SCALARS: Final[Mapping[object, ScalarDefinition]] = MappingProxyType(
    {
        Representation: strawberry.scalar(
            name="_Any",
            description="What a router knows of an entity: the name of its type and its key.",
            serialize=dict,
            parse_value=_representation,
        )
    }
)


def subgraph(sdl: str) -> str:
    """Return the graph's own text as that of a subgraph: linked, with the keys of its entities.

    Every subgraph of a Relay graph has the shared types alike, so none may claim them.
    """
    for name in ENTITIES:
        sdl = re.sub(rf"^(type {name} implements [^{{]+?) \{{$", r'\1 @key(fields: "id") {', sdl, count=1, flags=re.M)
    for name in SHARED:
        sdl = re.sub(rf"^type {name} \{{$", f"type {name} @shareable {{", sdl, count=1, flags=re.M)
    return f"{_LINK}\n\n{sdl}"


@strawberry.type(name="_Service", description="What a router composes this subgraph from.")
class Service:
    sdl: str = strawberry.field(description="The subgraph's schema, as text.")


Entity = Annotated[
    Organization | Member,
    strawberry.union("_Entity", description="What other subgraphs may hang fields of their own on."),
]
Representations = Annotated[
    list[Representation], strawberry.argument(description=f"What the router knows of each; at most {NODES_MAX}.")
]


def queries_of(sdl: str) -> type:
    """Return the fields by which a router asks; `sdl` is what it is told to compose."""

    @strawberry.type
    class FederationQueries:
        @field(name="_service", description="What a router composes this subgraph from.", requires=None)
        def service(self) -> Service:
            return Service(sdl=sdl)

        @field(
            name="_entities",
            description="The entities a router knows by their keys, in their order, null for each the caller has not.",
            requires=None,
        )
        async def entities(self, info: Info, representations: Representations) -> list[Entity | None]:
            found: Any = await all_found(info.context, [_named(each) for each in representations])
            return list(found)  # an exception among them becomes an error at its place

    return FederationQueries


def _named(representation: Representation) -> GlobalId:
    return ids.parse(representation["id"], ENTITIES[representation["__typename"]])
