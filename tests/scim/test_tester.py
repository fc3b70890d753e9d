"""A tester that nobody here wrote, against a running server."""

import asyncio
from collections import Counter
from typing import Annotated, Any

import httpx2
import uvicorn
from anyio import to_thread
from pydantic import Field
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import Required, ScimProvider, Uniqueness
from scim2_tester import Status, check_server

from api.scim import resources
from models.database import Database
from tests.scim.house import app_of, token_of
from tests.services.books import books


class User(resources.User):
    """A user as we serve it. The tester draws texts at random, which are no addresses, unless there are examples."""

    __schema__ = resources.User.__schema__

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = Field(
        None, examples=[f"p{number}@x.example" for number in range(20_000)]
    )


def check(base: str, token: str) -> list[Any]:
    with httpx2.Client(base_url=f"{base}/scim/v2", headers={"authorization": f"Bearer {token}"}) as http:
        client = SyncSCIMClient(http, provider=ScimProvider(models=[User, resources.Group]))
        return list(check_server(client))


async def test_everything_passes(database: Database) -> None:
    ours = await books(database)
    token = await token_of(ours)
    config = uvicorn.Config(app_of(ours, base="http://127.0.0.1"), port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]

    results = await to_thread.run_sync(check, f"http://127.0.0.1:{port}", token)

    server.should_exit = True
    await task
    failed = [(each.title, each.resource_type, each.reason) for each in results if each.status != Status.SUCCESS]
    assert failed == []
    assert Counter(each.resource_type for each in results) == {None: 27, "User": 25, "Group": 18}
