"""The graph as a subgraph: a router asks, and is told what its caller may see."""

from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, parse

from models.database import Database
from resolvers.roots import federated, sdl, subgraph_sdl
from tests.api.served import Served, served

ENTITIES = """query($of: [_Any!]!) { _entities(representations: $of) {
    __typename ... on Organization { slug } ... on Member { name monthToDate { amount } } } }"""


async def _asked(house: Served, name: str, *of: Any) -> Any:
    headers = {"authorization": f"Bearer {house.token(name)}"}
    body = {"query": ENTITIES, "variables": {"of": of}}
    return (await house.client.post("/graphql", json=body, headers=headers)).json()


async def test_finds_what_the_caller_may_see_and_nothing_else(database: Database, tmp_path: Path) -> None:
    async with served(database, tmp_path, federation=True) as house:
        bob, cy = await house.add("bob"), await house.add("cy")
        acme = {"__typename": "Organization", "id": house.organization}
        [of_bob, of_cy] = [{"__typename": "Member", "id": each} for each in (bob, cy)]

        by_ann = await _asked(house, "ann", acme, of_bob)
        by_bob = await _asked(house, "bob", of_bob, of_cy)
        by_stranger = await _asked(house, "eve", acme, of_bob)

    assert [each["__typename"] for each in by_ann["data"]["_entities"]] == ["Organization", "Member"]
    assert by_bob["data"]["_entities"][0]["name"] == "bob"
    assert by_bob["data"]["_entities"][1] is None
    assert [(each["path"], each["extensions"]["code"]) for each in by_bob["errors"]] == [
        (["_entities", 1], "FORBIDDEN")
    ]
    assert by_stranger["data"]["_entities"] == [None, None]


@pytest.mark.parametrize(
    "representation",
    [
        {"__typename": "Invoice", "id": "x"},
        {"__typename": "Member"},
        {"id": "x"},
        "x",
        1,
        {"__typename": "Member", "id": 1},
    ],
)
async def test_refuses_what_is_no_entity(database: Database, tmp_path: Path, representation: Any) -> None:
    async with served(database, tmp_path, federation=True) as house:
        answer = await _asked(house, "ann", representation)

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_refuses_the_id_of_another_kind(database: Database, tmp_path: Path) -> None:
    async with served(database, tmp_path, federation=True) as house:
        answer = await _asked(house, "ann", {"__typename": "Member", "id": house.organization})

    assert answer["errors"][0]["extensions"]["code"] == "ID_INVALID"


async def test_is_no_subgraph_unless_asked_to_be(database: Database, tmp_path: Path) -> None:
    async with served(database, tmp_path) as house:
        answer = await _asked(house, "ann")

    assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


def test_serves_all_of_the_graph_and_two_questions_more() -> None:
    plain, more = build_schema(sdl()), build_schema(federated().as_str())

    assert plain.query_type is not None
    assert more.query_type is not None
    assert set(more.query_type.fields) - set(plain.query_type.fields) == {"_service", "_entities"}
    assert set(more.type_map) - set(plain.type_map) == {"_Any", "_Entity", "_Service"}


def test_gives_keys_to_its_entities_alone() -> None:
    keyed = [
        definition.name.value
        for definition in parse(subgraph_sdl()).definitions
        for directive in getattr(definition, "directives", None) or ()
        if directive.name.value == "key"
    ]

    assert sorted(keyed) == ["Member", "Organization"]
