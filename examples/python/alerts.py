"""A client with gql: ask, set a limit, and follow an organization without missing an event.

BILLGRAPH_TOKEN=$(billgraph token owner@pooled.example) python examples/python/alerts.py

The cursor of each piece of news is kept. After a lost connection the subscription is opened again with it, and
everything that happened meanwhile comes first.
"""

import asyncio
import os
import uuid
from typing import Any

from gql import Client, GraphQLRequest, gql
from gql.transport.websockets import WebsocketsTransport

URL = os.environ.get("BILLGRAPH_URL", "http://127.0.0.1:8000/graphql")
TOKEN = os.environ.get("BILLGRAPH_TOKEN", "")
SLUG = os.environ.get("BILLGRAPH_SLUG", "pooled")

PEOPLE = """query People($slug: String!) {
    organization(slug: $slug) { id eventCursor members(first: 1) { nodes { id name } } } }"""
SET_LIMIT = """mutation SetLimit($input: SetSpendLimitInput!) {
    setSpendLimit(input: $input) { limit { id } userErrors { message } } }"""
FOLLOW = """subscription Follow($organization: ID!, $after: String) {
    organizationEvents(organizationId: $organization, after: $after) { cursor event { kind sequence } } }"""


def request(document: str, **variables: Any) -> GraphQLRequest:
    """Return a document with its variables."""
    return GraphQLRequest(gql(document).document, variable_values=variables)


def connection() -> Client:
    """Return a client of graphql-transport-ws, over which queries and mutations go too."""
    transport = WebsocketsTransport(
        url=URL.replace("http", "ws", 1),
        init_payload={"authorization": f"Bearer {TOKEN}"},
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
    )
    return Client(transport=transport)


async def set_limit(session: Any, organization: str, member: str, amount: str) -> None:
    """Limit what a member may spend; raise where that is refused."""
    given = {
        "organizationId": organization,
        "memberId": member,
        "level": "MEMBER",
        "amount": {"amount": amount, "currency": "USD"},
        "idempotencyKey": str(uuid.uuid4()),
    }
    answer = await session.execute(request(SET_LIMIT, input=given))
    if faults := answer["setSpendLimit"]["userErrors"]:
        raise ValueError(faults[0]["message"])


async def follow(session: Any, organization: str, after: str) -> str:
    """Print what happened after a cursor until a limit was set; return the cursor of that."""
    async for answer in session.subscribe(request(FOLLOW, organization=organization, after=after)):
        news = answer["organizationEvents"]
        print(f"heard {news['event']['kind']}, number {news['event']['sequence']}")
        if news["event"]["kind"] == "SpendLimitSet":
            return str(news["cursor"])
    raise ConnectionError("the subscription ended")


async def main() -> None:
    """Hear of a limit, leave, and hear on coming back of the one that was set meanwhile."""
    async with connection() as session:
        organization = (await session.execute(request(PEOPLE, slug=SLUG)))["organization"]
        person = organization["members"]["nodes"][0]
        print(f"found {person['name']}")
        await set_limit(session, organization["id"], person["id"], "161.00")
        cursor = await follow(session, organization["id"], organization["eventCursor"])
        await set_limit(session, organization["id"], person["id"], "162.00")
    async with connection() as session:
        await follow(session, organization["id"], cursor)
    print("nothing was missed")


if __name__ == "__main__":
    asyncio.run(main())
