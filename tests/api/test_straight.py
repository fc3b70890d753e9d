"""Requests for the doors that are asked for most go there at once; all others are matched against every route."""

from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from api.straight import Straight


def leading_to(name: str, taken: list[str]) -> ASGIApp:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        taken.append(name)

    return app


async def nothing(*_: Any) -> Any:
    return None


@pytest.mark.parametrize(
    ("expected", "scope"),
    [
        ("door", {"type": "http", "path": "/graphql"}),
        ("door", {"type": "http", "path": "/graphql", "root_path": ""}),
        ("router", {"type": "http", "path": "/graphql/"}),
        ("router", {"type": "http", "path": "/GRAPHQL"}),
        ("router", {"type": "http", "path": "/billing/graphql", "root_path": "/billing"}),
        ("router", {"type": "http", "path": "/graphql", "root_path": "/graphql"}),
        ("router", {"type": "websocket", "path": "/graphql"}),
        ("router", {"type": "lifespan"}),
    ],
    ids=str,
)
async def test_knows_its_doors_by_their_whole_path(expected: str, scope: Scope) -> None:
    taken: list[str] = []
    straight = Straight(leading_to("router", taken), {"/graphql": leading_to("door", taken)})

    await straight(scope, nothing, nothing)

    assert taken == [expected]
